//! A clock that moves only when a test moves it.

use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_types::{Clock, Timestamp};

/// Starts in November 2026.
pub struct ManualClock(AtomicU64);

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicU64::new(1_795_000_000_000_000_000))
    }
}

impl ManualClock {
    pub fn advance_s(&self, seconds: u64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    /// Each look is a microsecond later than the one before, as on a real machine.
    fn now(&self) -> Timestamp {
        Timestamp::from_ns(self.0.fetch_add(1_000, Ordering::SeqCst))
    }
}
