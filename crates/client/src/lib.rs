//! The Rust client of the HTTP API: one request in, one answer out, with typed calls for what most programs need. Must never
//! print or log the token, follow a redirect to another origin, take a proxy from the environment, or read environment variables
//! and files: all of it comes in through `Config`.
//!
//! [`Client`] asks a server. [`SecretCache`] keeps secrets in memory for programs that read them often; where it gets them is a
//! [`SecretsBackend`].

mod address;
mod auth;
mod backend;
mod cache;
mod ceremony;
mod config;
mod error;
mod exchange;
mod jitter;
mod kv;
mod lease;
mod path;
mod preview;
mod response;
mod secret;
mod sys;
mod token;
mod transfer;

use std::sync::Arc;

use strongroom_types::SecretString;

pub use backend::{BackendError, BoxFuture, FailureKind, Fetched, MemoryBackend, SecretsBackend, ServerBackend};
pub use cache::{
    AfterBound, BreakerState, CacheConfig, CacheError, CacheEvent, CacheMetrics, ChangeGuard, SecretCache, SecretWatch, WallClock,
};
pub use ceremony::Door;
pub use config::Config;
pub use error::{ApiError, Error};
pub use exchange::{Method, Request};
pub use kv::{KvMount, KvVersion};
pub use lease::RevokeLeases;
pub use preview::{Planned, Preview};
pub use response::Response;
pub use secret::Secret;
pub use strongroom_api as api;
pub use transfer::Download;

/// A server and the rights to talk to it. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Longest wait for one answer, or for one piece of a long one.
    patience: std::time::Duration,
    base: reqwest::Url,
    token: Option<Arc<SecretString>>,
    namespace: Option<String>,
    /// Asks for the answer inside a wrapping token of this life.
    wrap_ttl: Option<String>,
    /// Sent with every request beside those of this API.
    extra_headers: reqwest::header::HeaderMap,
    follows_redirects: bool,
    /// Set: nothing is sent, what would be is left here.
    preview: Option<Arc<Preview>>,
}

impl Client {
    /// Prepares connections; sends nothing. Errors: `Address`, `CaCertificate`, `Header`, `Setup`.
    pub fn new(config: Config) -> Result<Self, Error> {
        let address = address::Address::parse(&config.address)?;
        let http = config.http_client(&address)?;
        let client = Self {
            http,
            patience: config.timeout,
            base: config.shown_base(&address)?,
            token: None,
            namespace: None,
            wrap_ttl: None,
            extra_headers: reqwest::header::HeaderMap::new(),
            follows_redirects: config.follow_redirects,
            preview: None,
        };
        let client = match config.namespace {
            Some(namespace) => client.with_namespace(&namespace)?,
            None => client,
        };
        match config.token {
            Some(token) => client.with_token(token),
            None => Ok(client),
        }
    }

    /// The same server with another token. Errors: `Header` if the text can't be a header.
    pub fn with_token(&self, token: SecretString) -> Result<Self, Error> {
        exchange::check_header("token", token.expose())?;
        Ok(Self { token: Some(Arc::new(token)), ..self.clone() })
    }

    /// The same server, asked by nobody in particular.
    pub fn without_token(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The same server, below a namespace.
    pub fn with_namespace(&self, namespace: &str) -> Result<Self, Error> {
        exchange::check_header("namespace", namespace)?;
        Ok(Self { namespace: Some(namespace.to_owned()), ..self.clone() })
    }

    /// The same client, asking for wrapped answers. `ttl` as a duration or in seconds.
    pub fn with_wrap_ttl(&self, ttl: &str) -> Result<Self, Error> {
        exchange::check_header("wrap ttl", ttl)?;
        Ok(Self { wrap_ttl: Some(ttl.to_owned()), ..self.clone() })
    }

    /// The same client, asking for plain answers.
    pub fn without_wrapping(&self) -> Self {
        Self { wrap_ttl: None, ..self.clone() }
    }

    /// The same client with one more header on every request. Names that begin with `x-vault-` are this API's own, and `Header`
    /// errors; so is what can't be a header.
    pub fn with_header(&self, name: &str, value: &str) -> Result<Self, Error> {
        let own = name.to_ascii_lowercase().starts_with("x-vault-");
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).ok().filter(|_| !own);
        let name = name.ok_or(Error::Header { name: "name of a header" })?;
        self.with_any_header(name, value)
    }

    /// The same client, answering for a second factor: `METHOD[:CODE]`.
    pub fn with_mfa(&self, credentials: &str) -> Result<Self, Error> {
        self.with_any_header(reqwest::header::HeaderName::from_static("x-vault-mfa"), credentials)
    }

    fn with_any_header(&self, name: reqwest::header::HeaderName, value: &str) -> Result<Self, Error> {
        let mut client = self.clone();
        client.extra_headers.append(name, exchange::check_header("value of a header", value)?);
        Ok(client)
    }

    /// The same client, but it sends nothing: the first request is left in `preview` and ends in `NotSent`.
    pub fn previewing(&self, preview: Arc<Preview>) -> Self {
        Self { preview: Some(preview), ..self.clone() }
    }

    /// The same client, sending what it is asked for.
    pub fn without_preview(&self) -> Self {
        Self { preview: None, ..self.clone() }
    }

    /// Where the server is: scheme, host and port. `http://localhost` behind a unix socket.
    pub fn address(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).field("has_token", &self.has_token()).finish_non_exhaustive()
    }
}
