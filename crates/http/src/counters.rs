//! What went wrong at the edge, as numbers for the metrics page. Never a name, an address or a text.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since start. Any thread may read them at any time.
#[derive(Debug, Default)]
pub struct Counters {
    panics: AtomicU64,
    handshakes_failed: AtomicU64,
    accepts_failed: AtomicU64,
    requests_refused: AtomicU64,
    requests_timed_out: AtomicU64,
}

impl Counters {
    /// Handlers that panicked; each cost one request. Anything but zero is a bug.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// TLS handshakes that failed or took too long.
    pub fn handshakes_failed(&self) -> u64 {
        self.handshakes_failed.load(Ordering::Relaxed)
    }

    /// Failures of accept itself, such as no free descriptor.
    pub fn accepts_failed(&self) -> u64 {
        self.accepts_failed.load(Ordering::Relaxed)
    }

    /// Requests that got an answer without reaching the handler.
    pub fn requests_refused(&self) -> u64 {
        self.requests_refused.load(Ordering::Relaxed)
    }

    /// Requests whose handler took longer than the limit.
    pub fn requests_timed_out(&self) -> u64 {
        self.requests_timed_out.load(Ordering::Relaxed)
    }

    pub(crate) fn add_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_handshake_failed(&self) {
        self.handshakes_failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_accept_failed(&self) {
        self.accepts_failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_refused(&self) {
        self.requests_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_timed_out(&self) {
        self.requests_timed_out.fetch_add(1, Ordering::Relaxed);
    }
}
