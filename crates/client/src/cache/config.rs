//! What a cache must be told, with every default stated.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::events::CacheMetrics;

/// What a read gets when the value's life and the stale bound are over and the backend still does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterBound {
    /// An error; the value is wiped.
    #[default]
    Fail,
    /// SECURITY: the last value, however old. A password that was revoked at the source stays in use for as long as the server can't be
    /// reached. A refusal, or a token that is not known any more, still clears it.
    ServeStale,
}

/// Tells the time of day. Only used to notice that the machine slept or its clock was moved.
pub type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Settings of a [`SecretCache`](super::SecretCache); the defaults suit a service.
#[derive(Clone)]
pub struct CacheConfig {
    /// Life of a value without a lease, at most. Default 5 min.
    pub ttl: Duration,
    /// A value that is in use is fetched again this long before its life ends; at most a third of its life. Default 2 min.
    pub refresh_ahead: Duration,
    /// How long after its life a value is still served while the backend does not answer. Default 10 min.
    pub max_stale: Duration,
    /// Default: fail.
    pub after_bound: AfterBound,
    /// Shortest wait after a failed fetch, and between fetches that `refresh` asks for. Default 200 ms.
    pub backoff_min: Duration,
    /// Longest wait after a failed fetch. Default 5 s.
    pub backoff_max: Duration,
    /// A fetch that takes longer has failed. Default 10 s.
    pub fetch_timeout: Duration,
    /// Fetches of all keys that may run at one time. Default 16.
    pub fetches_max: usize,
    /// Consecutive failures that open the breaker. Default 5.
    pub breaker_failures: u32,
    /// How long an open breaker lets nothing through; then one fetch probes. Drawn between half of it and all. Default 5 s.
    pub breaker_open: Duration,
    /// Keys held at one time; reads of further ones fail. Keys that nobody reads leave when their value ends. Default 10,000.
    pub entries_max: usize,
    pub metrics: Option<Arc<dyn CacheMetrics>>,
    pub wall_clock: WallClock,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(300),
            refresh_ahead: Duration::from_secs(120),
            max_stale: Duration::from_secs(600),
            after_bound: AfterBound::Fail,
            backoff_min: Duration::from_millis(200),
            backoff_max: Duration::from_secs(5),
            fetch_timeout: Duration::from_secs(10),
            fetches_max: 16,
            breaker_failures: 5,
            breaker_open: Duration::from_secs(5),
            entries_max: 10_000,
            metrics: None,
            wall_clock: system_clock(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the cache meets the real clock; a field of the settings")]
fn system_clock() -> WallClock {
    Arc::new(SystemTime::now)
}

impl std::fmt::Debug for CacheConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheConfig").field("ttl", &self.ttl).field("max_stale", &self.max_stale).finish_non_exhaustive()
    }
}
