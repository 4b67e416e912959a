//! Secrets of a server, by the path that a person would type. Must never hold on to a value that the server's answer was parsed
//! into beyond the wiped fields.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom_types::SecretString;

use super::{BackendError, BoxFuture, FailureKind, Fetched, SecretsBackend};
use crate::Client;
use crate::error::Error;
use crate::exchange::{Method, Request};
use crate::kv::{KvMount, KvVersion};
use crate::response::Response;
use crate::secret::Secret;

/// Reads secrets of a server. A key is a path as in `kv get`: `secret/app/db` (the `data/` of version 2 is added), or the path of
/// any readable credential. A lease's or certificate's life is the value's ttl.
#[derive(Clone)]
pub struct ServerBackend {
    client: Client,
    /// Mounts that were seen, by the key that asked.
    mounts: Arc<RwLock<HashMap<String, (KvMount, String)>>>,
}

/// A mount is asked for once per key; beyond this many keys each read asks.
const MOUNTS_MAX: usize = 10_000;

impl ServerBackend {
    /// With the client's own token.
    pub fn new(client: Client) -> Self {
        Self { client, mounts: Arc::default() }
    }

    async fn read(&self, key: &str) -> Result<Fetched, Error> {
        let (mount, rest) = self.mount(key).await?;
        let path = mount.path_of("data", &rest);
        let answer = self.client.exchange::<()>(Request { method: Method::Get, path: &path, query: &[], body: None }).await?;
        match mount.version {
            KvVersion::One => plain(&answer.checked()?),
            KvVersion::Two => versioned(&answer.checked()?),
        }
    }

    async fn mount(&self, key: &str) -> Result<(KvMount, String), Error> {
        if let Some(found) = self.mounts.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(found.clone());
        }
        let found = self.client.kv_mount(key).await?;
        let mut mounts = self.mounts.write().unwrap_or_else(PoisonError::into_inner);
        if mounts.len() < MOUNTS_MAX {
            mounts.insert(key.to_owned(), found.clone());
        }
        Ok(found)
    }

    /// A refusal may be of this path or of the token; only the server knows. A failed read also forgets the mount: it may have
    /// moved.
    async fn failed(&self, key: &str, error: Error) -> BackendError {
        self.mounts.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        let kind = match error.status() {
            Some(403) if self.token_is_dead().await => FailureKind::Unauthenticated,
            _ => kind_of(&error),
        };
        BackendError::new(kind, format!("reading `{key}`")).with_source(error)
    }

    async fn token_is_dead(&self) -> bool {
        matches!(self.client.lookup_self().await, Err(error) if matches!(error.status(), Some(401 | 403)))
    }

    async fn fetched(&self, key: &str) -> Result<Fetched, BackendError> {
        match self.read(key).await {
            Ok(fetched) => Ok(fetched),
            Err(error) => Err(self.failed(key, error).await),
        }
    }
}

impl SecretsBackend for ServerBackend {
    fn fetch<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Fetched, BackendError>> {
        Box::pin(self.fetched(key))
    }
}

/// A refusal that time may heal is no verdict on the secret.
fn kind_of(error: &Error) -> FailureKind {
    match error.status() {
        Some(401) => FailureKind::Unauthenticated,
        Some(403) => FailureKind::Refused,
        Some(404) => FailureKind::Missing,
        Some(412 | 429 | 500..) => FailureKind::Unavailable,
        None if matches!(error, Error::Transport { .. }) => FailureKind::Unavailable,
        Some(_) | None => FailureKind::Invalid,
    }
}

#[derive(Deserialize)]
struct Plain<'a> {
    #[serde(default)]
    lease_id: String,
    #[serde(default)]
    lease_duration: u64,
    #[serde(borrow)]
    data: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow)]
    data: VersionedData<'a>,
}

#[derive(Deserialize)]
struct VersionedData<'a> {
    #[serde(borrow)]
    data: BTreeMap<String, &'a RawValue>,
    metadata: VersionMetadata,
}

#[derive(Deserialize)]
struct VersionMetadata {
    version: u64,
}

fn plain(answer: &Response) -> Result<Fetched, Error> {
    let found: Plain<'_> = answer.borrowed()?;
    let ttl = (found.lease_duration > 0).then(|| Duration::from_secs(found.lease_duration));
    // Without a lease the duration is a hint, which key-value engines of version 1 set to the system's maximum.
    Ok(Fetched { secret: Secret::new(fields(found.data, answer)?, None), ttl, ends: !found.lease_id.is_empty() })
}

fn versioned(answer: &Response) -> Result<Fetched, Error> {
    let found: Versioned<'_> = answer.borrowed()?;
    let version = found.data.metadata.version.to_string();
    Ok(Secret::new(fields(found.data.data, answer)?, Some(version)).into())
}

/// Text as it is, anything else as its JSON.
fn fields(data: BTreeMap<String, &RawValue>, answer: &Response) -> Result<BTreeMap<String, SecretString>, Error> {
    let text = |raw: &RawValue| -> Result<SecretString, Error> {
        match raw.get() {
            json if json.starts_with('"') => {
                let text = serde_json::from_str::<String>(json).map_err(|error| answer.unexpected(&error))?;
                Ok(SecretString::new(text))
            }
            json => Ok(json.into()),
        }
    };
    data.into_iter().map(|(name, raw)| Ok((name, text(raw)?))).collect()
}
