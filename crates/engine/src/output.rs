//! What a handler gives back. The envelope around it is made in one place of the core.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_types::{BoxFuture, SecretString, Ttl};

use crate::{Cidrs, Error, Login, NewLease, Result};

#[derive(Default)]
pub enum Body {
    /// 204.
    #[default]
    Nothing,
    /// The envelope's `data`: the text of a JSON object, or `null`.
    Data(Vec<u8>),
    /// The whole answer, already in its wire form: a response that was wrapped.
    Whole(Vec<u8>),
    /// The whole answer in another form than the envelope. It is never wrapped.
    Raw(Box<Raw>),
    /// The whole answer, larger than memory should hold. It is never wrapped.
    Streamed(Box<Streamed>),
}

/// Boxed, because it is rare and every answer has room for a body.
pub struct Raw {
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// Bytes that are read as they go out.
pub struct Streamed {
    pub content_type: &'static str,
    pub bytes: u64,
    /// JSON object that the audit log is told instead of the bytes.
    pub facts: Vec<u8>,
    reader: std::sync::Mutex<Option<Box<dyn std::io::Read + Send>>>,
}

impl Streamed {
    pub fn new(content_type: &'static str, bytes: u64, reader: Box<dyn std::io::Read + Send>, facts: Vec<u8>) -> Self {
        Self { content_type, bytes, facts, reader: std::sync::Mutex::new(Some(reader)) }
    }

    /// The bytes, once.
    pub fn take(&self) -> Option<Box<dyn std::io::Read + Send>> {
        self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

/// Lengths only: the text can hold secrets.
impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Data(text) => write!(f, "Data({} bytes)", text.len()),
            Self::Whole(text) => write!(f, "Whole({} bytes)", text.len()),
            Self::Raw(raw) => write!(f, "Raw({}, {} bytes)", raw.content_type, raw.bytes.len()),
            Self::Streamed(streamed) => write!(f, "Streamed({}, {} bytes)", streamed.content_type, streamed.bytes),
        }
    }
}

/// A handler's answer. `Output::default()` is an empty 204.
#[derive(Debug, Default)]
pub struct Output {
    pub body: Body,
    /// Overrides 200 or 204.
    pub status: Option<u16>,
    pub warnings: Vec<String>,
    /// Shows no warnings as an empty list instead of null, as few endpoints of the reference do.
    pub lists_warnings: bool,
    pub auth: Option<Auth>,
    /// Repeats the fields of `data` at the top level, as the system endpoints do.
    pub also_top_level: bool,
    /// Seconds a client may keep the answer; only engines without leases set it (kv v1).
    pub lease_duration: Ttl,
    /// A lease on what is handed out.
    pub lease: Option<Box<NewLease>>,
    /// What only the core's own engines say.
    pub system: Option<Box<SystemOutput>>,
    /// Tokens that this request ended: their children end before the answer leaves. Set by the core's own engines.
    pub revoked: Vec<String>,
    /// For effects outside the transaction (`Attributes::once`).
    pub afterwards: Option<Afterwards>,
}

type Hook = Box<dyn FnOnce(bool) -> BoxFuture<'static, ()> + Send + Sync>;

/// What is done before the answer leaves: with true when it was recorded, with false when it could not be and nobody will
/// see it, so that the effect must be taken back.
pub struct Afterwards(Hook);

impl Afterwards {
    pub fn new<F>(hook: F) -> Self
    where
        F: FnOnce(bool) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        Self(Box::new(hook))
    }

    pub async fn run(self, is_recorded: bool) {
        (self.0)(is_recorded).await;
    }
}

impl std::fmt::Debug for Afterwards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Afterwards(..)")
    }
}

/// Set by the core's own engines, rarely.
#[derive(Debug, Default)]
pub struct SystemOutput {
    /// A lease that exists, to be shown: its id, whether it is renewable, what is left of it.
    pub lease: Option<(String, bool, Ttl)>,
    /// Work that this request left in its batch: the answer waits a moment for it.
    pub jobs: Vec<String>,
    /// A snapshot that takes the store's place once the answer is recorded.
    pub restore: Option<std::sync::Mutex<strongroom_barrier::Checked>>,
}

impl Output {
    #[must_use]
    pub fn with_job(mut self, name: String) -> Self {
        self.system.get_or_insert_default().jobs.push(name);
        self
    }

    pub fn nothing() -> Self {
        Self::default()
    }

    /// `data` from any serialisable value.
    pub fn data(value: &impl Serialize) -> Result<Self> {
        let bytes = serde_json::to_vec(value).map_err(|e| Error::Internal(format!("encoding an answer: {e}")))?;
        Ok(Self::raw_data(bytes))
    }

    /// `data` from JSON text that this program made.
    pub fn raw_data(text: Vec<u8>) -> Self {
        Self { body: Body::Data(text), ..Self::default() }
    }

    /// Bytes of a content type of their own, outside of the envelope.
    pub fn raw(content_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { body: Body::Raw(Box::new(Raw { content_type, bytes })), ..Self::default() }
    }

    /// `{"keys": [..]}`, or 404 when there are none.
    pub fn keys(keys: Vec<String>) -> Result<Self> {
        if keys.is_empty() {
            return Err(Error::NotFound);
        }
        Self::data(&serde_json::json!({ "keys": keys }))
    }

    #[must_use]
    pub fn top_level(mut self) -> Self {
        self.also_top_level = true;
        self
    }

    #[must_use]
    pub fn warn(mut self, text: impl Into<String>) -> Self {
        self.warnings.push(text.into());
        self
    }
}

/// The envelope's `auth`.
#[derive(Debug)]
pub enum Auth {
    /// Somebody proved who they are: the core settles identity, policies and limits, and issues a token.
    Login(Box<Login>),
    /// Asks the pipeline to issue a token, in the same transaction as the rest.
    Issue(Box<NewToken>),
    /// Shows a token that exists.
    Show(Box<AuthView>),
}

/// A token to be made. Times are settled by the core against the mount's and the system's limits.
#[derive(Debug, Default)]
pub struct NewToken {
    pub batch: bool,
    pub is_root: bool,
    /// Sorted, without duplicates, with `default` where it applies.
    pub policies: Vec<String>,
    pub ttl: Ttl,
    pub explicit_max_ttl: Ttl,
    pub period: Ttl,
    /// Zero is unlimited.
    pub num_uses: u32,
    pub renewable: bool,
    pub display_name: String,
    pub meta: BTreeMap<String, String>,
    /// None makes an orphan.
    pub parent: Option<String>,
    /// Where it is made, such as `auth/token/create`.
    pub path: String,
    /// Empty without an identity.
    pub entity_id: String,
    pub bound_cidrs: Cidrs,
    /// How the login behind it is renewed; None for tokens that no login made.
    pub login: Option<LoginFacts>,
    /// Given by a privileged caller instead of a generated one.
    pub custom_id: Option<SecretString>,
    /// The token role that it is made by; empty without one.
    pub role: String,
    /// Accessor of the token in the answer that it unwraps; empty for all others.
    pub wraps: String,
    /// Alias at the issuing mount whose entity the token is given, allowed by its role; empty for none.
    pub entity_alias: String,
}

/// What a token keeps of the login that made it.
#[derive(Clone, Serialize, Deserialize)]
pub struct LoginFacts {
    /// Path of the auth mount, with `auth/` and a trailing slash.
    pub mount: String,
    /// Accessor of the auth mount: another mount at the same path is not asked.
    pub accessor: String,
    /// For `Engine::renew_login`.
    pub renewal: serde_json::Value,
}

/// SECURITY: without what the method keeps for renewals.
impl std::fmt::Debug for LoginFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginFacts").field("mount", &self.mount).finish_non_exhaustive()
    }
}

/// A token as the envelope shows it.
#[derive(Debug)]
pub struct AuthView {
    pub client_token: SecretString,
    pub accessor: String,
    /// The token's own.
    pub policies: Vec<String>,
    /// Of the entity and its groups; filled in by the core.
    pub identity_policies: Vec<String>,
    pub metadata: BTreeMap<String, String>,
    pub lease_duration: Ttl,
    pub renewable: bool,
    pub entity_id: String,
    pub batch: bool,
    pub orphan: bool,
    pub num_uses: u32,
}

#[cfg(test)]
mod tests {
    use super::Body;

    #[test]
    fn debug_output_of_a_body_is_its_length() {
        assert_eq!(
            format!("{:?} {:?}", Body::Data(b"hush".to_vec()), Body::Whole(b"hush".to_vec())),
            "Data(4 bytes) Whole(4 bytes)"
        );
    }
}
