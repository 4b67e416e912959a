//! What a cache tells about itself. Must never carry a value or a key: both would end up as labels.

use std::time::Duration;

use super::breaker::BreakerState;
use crate::backend::FailureKind;

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheEvent {
    /// Served from memory.
    Hit,
    /// Served from memory after its life, while the backend does not answer.
    StaleHit,
    /// Had to wait for the backend.
    Miss,
    /// A fetch brought a value; `changed` when it is another one than before.
    Fetched {
        took: Duration,
        changed: bool,
    },
    FetchFailed {
        took: Duration,
        kind: FailureKind,
    },
    BreakerChanged(BreakerState),
    /// A value was wiped before anybody dropped it: refused, gone, or beyond the bound.
    Cleared,
}

/// Receives events, on the reader's own path: count and return.
pub trait CacheMetrics: Send + Sync {
    fn event(&self, event: CacheEvent);
}

impl<F: Fn(CacheEvent) + Send + Sync> CacheMetrics for F {
    fn event(&self, event: CacheEvent) {
        self(event);
    }
}
