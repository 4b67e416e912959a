//! What the writer counts: how many batches share a commit, and how long a commit takes.

use std::time::Instant;

use strongroom_metrics::{Histogram, Page, Unit};

#[derive(Default)]
pub(super) struct Figures {
    batches: Histogram,
    commits_ns: Histogram,
}

impl Figures {
    /// One durable transaction of this many batches has ended, well or not.
    pub(super) fn committed(&self, batch_count: usize, since: Instant) {
        self.batches.record(u64::try_from(batch_count).unwrap_or(u64::MAX));
        self.commits_ns.record(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn report(&self, page: &mut Page) {
        let (batches, times) = (self.batches.snapshot(), self.commits_ns.snapshot());
        page.histogram("strongroom.store.commit_batches", "Batches that shared one durable commit.", &[], batches, Unit::Plain);
        page.histogram("strongroom.store.commit_seconds", "Duration of durable commits.", &[], times, Unit::S);
    }
}
