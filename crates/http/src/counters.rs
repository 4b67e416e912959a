//! What went wrong at the edge, as numbers for the metrics page. Never a name, an address or a text.

use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_metrics::{Histogram, Page, Report, Unit};

/// Counts since start. Any thread may read them at any time.
#[derive(Debug, Default)]
pub struct Counters {
    panics: AtomicU64,
    handshakes_failed: AtomicU64,
    accepts_failed: AtomicU64,
    requests_refused: AtomicU64,
    requests_timed_out: AtomicU64,
    connections_opened: AtomicU64,
    connections_ended: AtomicU64,
    times_ns: Histogram,
}

impl Report for Counters {
    fn report(&self, page: &mut Page) {
        let open = self.connections_opened.load(Ordering::Relaxed).saturating_sub(self.connections_ended.load(Ordering::Relaxed));
        page.gauge("strongroom.http.connections", "Open connections.", &[], open as f64);
        let help = "Connections accepted.";
        page.counter("strongroom.http.connections_accepted_total", help, &[], self.connections_opened.load(Ordering::Relaxed));
        let help = "Requests from the end of their headers to the answer.";
        page.histogram("strongroom.http.request_seconds", help, &[], self.times_ns.snapshot(), Unit::S);
        for (reason, n) in [
            ("refused", self.requests_refused()),
            ("timed_out", self.requests_timed_out()),
            ("panicked", self.panics()),
            ("handshake", self.handshakes_failed()),
            ("accept", self.accepts_failed()),
        ] {
            page.counter("strongroom.http.failures_total", "What ended at the edge, by reason.", &[("reason", reason)], n);
        }
    }
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

    pub(crate) fn add_opened(&self) {
        self.connections_opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_ended(&self) {
        self.connections_ended.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_served(&self, took: std::time::Duration) {
        self.times_ns.record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
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
