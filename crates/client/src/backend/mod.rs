//! Where a cache gets its secrets from: the trait, and what can go wrong. Must never carry a value in an error.

mod memory;
mod server;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use memory::MemoryBackend;
pub use server::ServerBackend;

use crate::secret::Secret;

/// A future that a backend returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A source of secrets by key. [`ServerBackend`] asks a server, [`MemoryBackend`] is for tests of your own.
///
/// ```
/// use strongroom_client::{BackendError, BoxFuture, FailureKind, Fetched, Secret, SecretsBackend};
///
/// struct Fixed;
///
/// impl SecretsBackend for Fixed {
///     fn fetch<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Fetched, BackendError>> {
///         Box::pin(async move {
///             match key {
///                 "database" => Ok(Secret::from_fields([("password", "correct horse")]).into()),
///                 _ => Err(BackendError::new(FailureKind::Missing, "no such secret")),
///             }
///         })
///     }
/// }
/// ```
pub trait SecretsBackend: Send + Sync + 'static {
    /// The newest value. Called once at a time per key, never retried inside: the cache decides when to ask again.
    fn fetch<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Fetched, BackendError>>;
}

impl<B: SecretsBackend + ?Sized> SecretsBackend for Arc<B> {
    fn fetch<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Fetched, BackendError>> {
        (**self).fetch(key)
    }
}

/// An answer of a backend.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub secret: Secret,
    /// How long the value may be used before it is asked for again; None leaves it to the cache's settings.
    pub ttl: Option<Duration>,
    /// The value stops working with its ttl, as a leased credential does: it is never served beyond that.
    pub ends: bool,
}

impl From<Secret> for Fetched {
    fn from(secret: Secret) -> Self {
        Self { secret, ttl: None, ends: false }
    }
}

/// What a failure means for a value that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// No answer, or one that says "not now": the held value stays, within the bound. Counts against the breaker.
    Unavailable,
    /// The secret is gone: the held value is cleared.
    Missing,
    /// The caller may not read it: the held value is cleared.
    Refused,
    /// The caller's token is expired or revoked: everything that is held is cleared.
    Unauthenticated,
    /// The question makes no sense, or the answer: the held value is cleared.
    Invalid,
}

/// A failure of a backend; the same one reaches every waiting caller.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    kind: FailureKind,
    message: String,
    #[source]
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl BackendError {
    /// `message` must not hold a value.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    #[must_use]
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }

    pub fn kind(&self) -> FailureKind {
        self.kind
    }
}
