//! Secrets in memory for programs that read them often: fresh while the server answers, bounded in age while it does not, and
//! gone when the server says no. Must never serve a value beyond its bound (unless told so), send two fetches of one key at a
//! time, or print a value.

mod breaker;
mod config;
mod entry;
mod error;
mod events;
mod keeper;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use self::breaker::Breaker;
pub use self::breaker::BreakerState;
pub use self::config::{AfterBound, CacheConfig, WallClock};
use self::entry::{Age, Entry, Failure, Moment};
pub use self::error::CacheError;
pub use self::events::{CacheEvent, CacheMetrics};
pub use self::watch::{ChangeGuard, SecretWatch};
use crate::backend::SecretsBackend;
use crate::secret::Secret;

/// A cache of secrets. Cheap to clone; clones share everything. Needs a tokio runtime.
///
/// A value is served for its ttl, and fetched again before that ends when somebody reads it. While the backend does not answer,
/// it is served for `max_stale` longer; then reads fail. Fetches after failures wait longer each time, and many failures in
/// a row stop all fetches for a while.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use strongroom_client::{CacheConfig, Client, Config, SecretCache, ServerBackend};
///
/// let client = Client::new(Config { token: Some("s.token".into()), ..Config::new("https://127.0.0.1:8200") })?;
/// let cache = SecretCache::new(ServerBackend::new(client), CacheConfig::default());
/// let secret = cache.get("secret/app/db").await?;
/// let password = secret.field("password").ok_or("no password")?;
/// # let _ = password; Ok(()) }
/// ```
#[derive(Clone)]
pub struct SecretCache(Arc<Inner>);

struct Inner {
    backend: Arc<dyn SecretsBackend>,
    config: CacheConfig,
    entries: RwLock<HashMap<Arc<str>, Kept>>,
    breaker: Mutex<Breaker>,
    flights: Semaphore,
    /// Grows when everything is cleared.
    epoch: AtomicU64,
}

struct Kept {
    entry: Arc<Entry>,
    keeper: AbortHandle,
}

impl SecretCache {
    pub fn new(backend: impl SecretsBackend, config: CacheConfig) -> Self {
        let (breaker, flights) = (Mutex::new(Breaker::new(&config)), Semaphore::new(config.fetches_max.max(1)));
        let backend = Arc::new(backend);
        Self(Arc::new(Inner { backend, config, entries: RwLock::default(), breaker, flights, epoch: AtomicU64::new(0) }))
    }

    /// The value of a key: from memory when there is a usable one, otherwise by the one fetch that all callers share. Errors: the
    /// failure of that fetch, or of the last one while the next is not due yet.
    pub async fn get(&self, key: &str) -> Result<Secret, CacheError> {
        match self.peek(key) {
            Some(secret) => Ok(secret),
            None => self.wait(key).await,
        }
    }

    /// The value of a key when it is in memory. Never waits, never makes an entry.
    pub fn peek(&self, key: &str) -> Option<Secret> {
        let now = self.0.now();
        let (secret, age) = self.0.entries().get(key)?.entry.look(&now)?;
        self.0.event(if age == Age::Stale { CacheEvent::StaleHit } else { CacheEvent::Hit });
        Some(secret)
    }

    /// As `get`, but what time may heal is waited for: for a program's start. Errors: the last failure when `limit` is over.
    pub async fn get_within(&self, key: &str, limit: Duration) -> Result<Secret, CacheError> {
        let (end, mut last) = (breaker::later(Instant::now(), limit), CacheError::TimedOut);
        while let Ok(found) = tokio::time::timeout_at(end, self.get(key)).await {
            match found {
                Err(error) if error.is_transient() => last = error,
                settled => return settled,
            }
            if tokio::time::timeout_at(end, self.next_attempt(key)).await.is_err() {
                break;
            }
        }
        Err(last)
    }

    async fn next_attempt(&self, key: &str) {
        let retry_at = self.0.entries().get(key).and_then(|kept| Some(kept.entry.state.borrow().failure.as_ref()?.retry_at));
        let soonest = breaker::later(Instant::now(), self.0.config.backoff_min);
        tokio::time::sleep_until(retry_at.map_or(soonest, |at| at.max(breaker::later(Instant::now(), Duration::from_millis(1)))))
            .await;
    }

    /// A value that was fetched after this call began; for when the one in hand was rejected where it is used. Callers at one time
    /// share a fetch, and fetches keep `backoff_min` apart. Errors: as `get`.
    pub async fn refresh(&self, key: &str) -> Result<Secret, CacheError> {
        loop {
            let entry = self.entry(key)?;
            let mut state = entry.state.subscribe();
            let begun = entry.started.load(Ordering::Acquire);
            {
                let state = state.borrow_and_update();
                if let Some(failure) = state.failure.as_ref().filter(|failure| failure.retry_at > Instant::now()) {
                    return Err(failure.error.clone());
                }
            }
            entry.forced.store(true, Ordering::Release);
            entry.wake.notify_one();
            while !state.borrow_and_update().gone {
                {
                    let state = state.borrow();
                    if state.answered > begun {
                        match (&state.failure, &state.held) {
                            (Some(failure), _) => return Err(failure.error.clone()),
                            (None, Some(held)) => return Ok(held.secret.clone()),
                            (None, None) => break,
                        }
                    }
                }
                // The sender lives in the entry, which is held here.
                let _open = state.changed().await;
            }
        }
    }

    /// Follows a key. Errors: as `get`; there must be a value to begin with.
    pub async fn watch(&self, key: &str) -> Result<SecretWatch, CacheError> {
        let first = self.get(key).await?;
        Ok(SecretWatch::new(self.clone(), self.entry(key)?, first))
    }

    /// Calls a function with each new value of a key, until the guard is dropped. A panic ends the calls. Errors: as `get`.
    pub async fn on_change(&self, key: &str, mut call: impl FnMut(Secret) + Send + 'static) -> Result<ChangeGuard, CacheError> {
        let mut watch = self.watch(key).await?;
        let task = tokio::spawn(async move {
            loop {
                call(watch.changed().await);
            }
        });
        Ok(ChangeGuard(task.abort_handle()))
    }

    /// Forgets a key: the next read fetches.
    pub fn invalidate(&self, key: &str) {
        if let Some(kept) = self.0.entries().get(key) {
            kept.entry.state.send_modify(|state| state.held = None);
        }
    }

    /// Forgets everything, also what is on its way.
    pub fn clear(&self) {
        self.0.epoch.fetch_add(1, Ordering::AcqRel);
        for kept in self.0.entries().values() {
            kept.entry.state.send_modify(|state| state.held = None);
        }
    }

    pub fn breaker(&self) -> BreakerState {
        self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner).state()
    }

    async fn wait(&self, key: &str) -> Result<Secret, CacheError> {
        self.0.event(CacheEvent::Miss);
        loop {
            let entry = self.entry(key)?;
            let mut state = entry.state.subscribe();
            let begun = state.borrow_and_update().answered;
            loop {
                entry.wanted.store(true, Ordering::Relaxed);
                entry.wake.notify_one();
                if let Some((secret, _)) = entry.look(&self.0.now()) {
                    return Ok(secret);
                }
                {
                    let state = state.borrow_and_update();
                    if state.gone {
                        break;
                    }
                    let due = |failure: &&Failure| failure.retry_at > Instant::now() || state.answered != begun;
                    if let Some(failure) = state.failure.as_ref().filter(due) {
                        return Err(failure.error.clone());
                    }
                }
                // The sender lives in the entry, which is held here.
                let _open = state.changed().await;
            }
        }
    }

    /// The entry of a key; a new one gets a keeper on the caller's runtime.
    fn entry(&self, key: &str) -> Result<Arc<Entry>, CacheError> {
        if let Some(kept) = self.0.entries().get(key) {
            return Ok(kept.entry.clone());
        }
        let (mut entries, entries_max) = (self.0.entries_mut(), self.0.config.entries_max);
        if let Some(kept) = entries.get(key) {
            return Ok(kept.entry.clone());
        }
        if entries.len() >= entries_max {
            return Err(CacheError::Full { entries_max });
        }
        let entry = Arc::new(Entry::new(key));
        let keeper = tokio::spawn(keeper::keep(Arc::downgrade(&self.0), entry.clone())).abort_handle();
        entries.insert(entry.key.clone(), Kept { entry: entry.clone(), keeper });
        Ok(entry)
    }

    fn backoff_max(&self) -> Duration {
        self.0.config.backoff_max
    }
}

impl Inner {
    fn now(&self) -> Moment {
        Moment { steady: Instant::now(), wall: (self.config.wall_clock)() }
    }

    fn event(&self, event: CacheEvent) {
        if let Some(metrics) = &self.config.metrics {
            metrics.event(event);
        }
    }

    fn entries(&self) -> RwLockReadGuard<'_, HashMap<Arc<str>, Kept>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn entries_mut(&self) -> RwLockWriteGuard<'_, HashMap<Arc<str>, Kept>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_breaker<T>(&self, act: impl FnOnce(&mut Breaker) -> T) -> T {
        let (before, after, done) = {
            let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
            let before = breaker.state();
            let done = act(&mut breaker);
            (before, breaker.state(), done)
        };
        if before != after {
            self.event(CacheEvent::BreakerChanged(after));
        }
        done
    }

    /// The token is dead: nothing that it brought may be used.
    fn clear_all(&self, failure: &Failure) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        for kept in self.entries().values() {
            let mut cleared = false;
            kept.entry.state.send_modify(|state| {
                cleared = state.held.take().is_some();
                if cleared {
                    state.failure = Some(failure.clone());
                }
            });
            if cleared {
                self.event(CacheEvent::Cleared);
            }
        }
    }

    /// True when the entry is out; false when somebody came for it at the last moment.
    fn forget(&self, entry: &Arc<Entry>) -> bool {
        let mut entries = self.entries_mut();
        let leaves = !entry.is_wanted() && !entry.forced.load(Ordering::Acquire);
        if leaves {
            entries.remove(&entry.key);
        }
        leaves
    }

    fn remove(&self, entry: &Arc<Entry>) {
        let mut entries = self.entries_mut();
        if entries.get(&entry.key).is_some_and(|kept| Arc::ptr_eq(&kept.entry, entry)) {
            entries.remove(&entry.key);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.entries_mut().values().for_each(|kept| kept.keeper.abort());
    }
}

impl std::fmt::Debug for SecretCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretCache").field("entries", &self.0.entries().len()).finish_non_exhaustive()
    }
}
