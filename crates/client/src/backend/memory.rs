//! A backend without a server, for tests of programs that use the cache. Its failures are commanded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{BackendError, BoxFuture, FailureKind, Fetched, SecretsBackend};

/// Holds secrets in memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::sync::Arc;
/// use strongroom_client::{CacheConfig, FailureKind, MemoryBackend, Secret, SecretCache};
///
/// let backend = Arc::new(MemoryBackend::default());
/// backend.put("app/db", Secret::from_fields([("password", "one")]));
/// let cache = SecretCache::new(backend.clone(), CacheConfig::default());
/// assert_eq!(cache.get("app/db").await.unwrap().field("password"), Some("one"));
///
/// backend.fail(Some(FailureKind::Unavailable));
/// assert!(cache.get("app/db").await.is_ok(), "held");
/// assert!(cache.get("app/other").await.is_err(), "never read before");
/// assert_eq!(backend.fetches(), 2);
/// # }
/// ```
#[derive(Default)]
pub struct MemoryBackend(Mutex<Content>);

#[derive(Default)]
struct Content {
    secrets: BTreeMap<String, Fetched>,
    failure: Option<FailureKind>,
    delay: Duration,
    fetches: usize,
    in_flight: usize,
    in_flight_max: usize,
}

impl MemoryBackend {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn put(&self, key: &str, fetched: impl Into<Fetched>) {
        self.content().secrets.insert(key.to_owned(), fetched.into());
    }

    pub fn remove(&self, key: &str) {
        self.content().secrets.remove(key);
    }

    /// Every fetch fails this way until the next call; None ends it.
    pub fn fail(&self, kind: Option<FailureKind>) {
        self.content().failure = kind;
    }

    /// Every fetch takes this long, failing ones too.
    pub fn delay(&self, delay: Duration) {
        self.content().delay = delay;
    }

    /// How often it was asked.
    pub fn fetches(&self) -> usize {
        self.content().fetches
    }

    /// The most fetches that ran at one time.
    pub fn concurrent_max(&self) -> usize {
        self.content().in_flight_max
    }

    fn begin(&self) -> Duration {
        let mut content = self.content();
        content.fetches = content.fetches.saturating_add(1);
        content.in_flight = content.in_flight.saturating_add(1);
        content.in_flight_max = content.in_flight_max.max(content.in_flight);
        content.delay
    }

    fn answer(&self, key: &str) -> Result<Fetched, BackendError> {
        let content = self.content();
        match content.failure {
            Some(kind) => Err(BackendError::new(kind, "commanded failure")),
            None => content.secrets.get(key).cloned().ok_or_else(|| BackendError::new(FailureKind::Missing, "no such secret")),
        }
    }
}

/// Counts a fetch down also when it is cancelled.
struct Running<'a>(&'a MemoryBackend);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut content = self.0.content();
        content.in_flight = content.in_flight.saturating_sub(1);
    }
}

impl SecretsBackend for MemoryBackend {
    fn fetch<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Fetched, BackendError>> {
        Box::pin(async move {
            let delay = self.begin();
            let _running = Running(self);
            tokio::time::sleep(delay).await;
            self.answer(key)
        })
    }
}
