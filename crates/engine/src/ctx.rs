//! What a handler works with: its transaction, its mount, the caller, the present.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use strongroom_barrier::{Entry, Txn, View};
use strongroom_types::{Rng, Timestamp, Ttl};

use crate::{Error, Key, Operation, Result, SlowPool, TokenType};

/// The mount a request came to.
#[derive(Debug, Clone)]
pub struct MountFacts {
    /// With trailing slash; auth methods include `auth/`.
    pub path: String,
    pub engine: &'static str,
    pub accessor: String,
    /// First segment of all the mount's keys: short, never reused.
    pub storage_id: String,
    pub options: crate::Options,
    /// Zero means the system's.
    pub default_ttl: Ttl,
    pub max_ttl: Ttl,
    /// Kind of token that logins of an auth mount give.
    pub token_type: TokenType,
}

impl MountFacts {
    /// The root of one area of the mount's part of the store.
    pub fn key(&self, area: &'static str) -> Key {
        Key::area("d").id(&self.storage_id).id(area)
    }
}

/// Lifetimes that a mount allows, the system's counting where it sets none. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    /// Where none is asked for; at most `max_ttl`.
    pub default_ttl: Ttl,
    pub max_ttl: Ttl,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    Service,
    Batch,
}

/// Who asks. Login paths have none.
#[derive(Debug, Clone)]
pub struct Caller {
    pub kind: TokenKind,
    /// Root authority: a flag, never the name of a policy.
    pub is_root: bool,
    /// Names the token's private storage; None for batch tokens.
    pub family: Option<String>,
    pub policies: Arc<[String]>,
    pub display_name: String,
    pub entity_id: String,
}

/// Owns its parts, so that handlers need no lifetime parameter.
pub struct Ctx {
    pub txn: Txn,
    pub mount: Arc<MountFacts>,
    pub operation: Operation,
    /// Path below the mount.
    pub path: String,
    pub caller: Option<Arc<Caller>>,
    pub now: Timestamp,
    /// For engines that settle lifetimes themselves, such as those of certificates; leases are bounded by the core.
    pub lifetimes: Lifetimes,
    pub rng: Arc<dyn Rng>,
    /// Address of the client; None on a unix socket.
    pub remote: Option<std::net::IpAddr>,
    /// For work above 50 microseconds of processor time.
    pub pool: SlowPool,
    /// Whether the caller may use sudo on this path; known only on routes that ask (`Attributes::asks_sudo`).
    pub has_sudo: bool,
    /// The core itself, for the core's own engines (`sys/`, `auth/token/`) only; None for every plug-in.
    pub system: Option<Arc<dyn std::any::Any + Send + Sync>>,
}

impl Ctx {
    /// Errors: `Denied` on a path that needs no token and got none.
    pub fn caller(&self) -> Result<&Arc<Caller>> {
        self.caller.as_ref().ok_or(Error::Denied)
    }

    /// For reads that the commit must not rest on, such as a mount's configuration.
    pub fn peek(&self) -> Peek {
        Peek::committed(self.txn.view().clone(), self.mount.clone())
    }

    pub async fn get(&mut self, key: &Key) -> Result<Option<Arc<Entry>>> {
        Ok(self.txn.get(key.as_bytes()).await?)
    }

    /// Reads a stored JSON document. Errors: `Internal` when it is not of this type.
    pub async fn load<T: DeserializeOwned>(&mut self, key: &Key) -> Result<Option<T>> {
        self.get(key).await?.map(|entry| decode(&entry)).transpose()
    }

    /// As `load`, decoded once for all who read it: for records that hold no secret and that many requests rest on.
    pub async fn load_shared<T: DeserializeOwned + Send + Sync + 'static>(&mut self, key: &Key) -> Result<Option<Arc<T>>> {
        self.get(key).await?.map(|entry| entry.decoded(|_| decode(&entry))).transpose()
    }

    pub fn save<T: Serialize>(&mut self, key: Key, value: &T) -> Result<()> {
        self.txn.put(key.into_bytes(), encode(value)?);
        Ok(())
    }

    /// As `save`, for what somebody will ask for as soon as it is there.
    pub fn save_wanted<T: Serialize>(&mut self, key: Key, value: &T) -> Result<()> {
        self.txn.put_wanted(key.into_bytes(), encode(value)?);
        Ok(())
    }

    pub fn put(&mut self, key: Key, value: Vec<u8>) {
        self.txn.put(key.into_bytes(), value);
    }

    pub fn delete(&mut self, key: Key) {
        self.txn.delete(key.into_bytes());
    }

    /// Names below a folder of the store; folders end in a slash.
    pub async fn list(&mut self, prefix: &Key, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        let names = self.txn.list(prefix.as_bytes(), after.map(str::as_bytes), limit).await?;
        Ok(names.into_iter().filter_map(|n| String::from_utf8(n.to_vec()).ok()).collect())
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::Internal(format!("encoding an entry: {e}")))
}

fn decode<T: DeserializeOwned>(entry: &Entry) -> Result<T> {
    // SECURITY: serde's text would quote the value.
    serde_json::from_slice(entry.value()).map_err(|_| Error::Internal("a stored entry is not of the expected form".into()))
}

/// Reads that nothing rests on later: existence checks and configuration.
pub struct Peek {
    source: Source,
    pub mount: Arc<MountFacts>,
}

enum Source {
    /// Committed entries.
    View(View),
    /// As the transaction sees them; the lock is never contended, it only makes the reads possible behind `&self`.
    Txn(tokio::sync::Mutex<Txn>),
}

impl Peek {
    /// Sees committed entries.
    pub fn committed(view: View, mount: Arc<MountFacts>) -> Self {
        Self { source: Source::View(view), mount }
    }

    /// Sees what a transaction sees and makes it rest on that; `into_txn` gives it back.
    pub fn within(txn: Txn, mount: Arc<MountFacts>) -> Self {
        Self { source: Source::Txn(tokio::sync::Mutex::new(txn)), mount }
    }

    /// The transaction of `within`; None for `committed`.
    pub fn into_txn(self) -> Option<Txn> {
        match self.source {
            Source::Txn(txn) => Some(txn.into_inner()),
            Source::View(_) => None,
        }
    }

    pub async fn get(&self, key: &Key) -> Result<Option<Arc<Entry>>> {
        Ok(match &self.source {
            Source::View(view) => view.get(key.as_bytes()).await?,
            Source::Txn(txn) => txn.lock().await.get(key.as_bytes()).await?,
        })
    }

    pub async fn load<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        self.get(key).await?.map(|entry| decode(&entry)).transpose()
    }
}
