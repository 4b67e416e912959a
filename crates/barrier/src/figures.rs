//! What the barrier counts. Names and units are those of the reference, whose cache lies below its barrier: a read that
//! our cache serves is a cache hit and no `barrier.get`.

use std::time::Instant;

use strongroom_metrics::{Counter, Histogram, Page, Unit};

#[derive(Default)]
pub(crate) struct Figures {
    pub cache_hits: Counter,
    pub gets_ns: Histogram,
    pub lists_ns: Histogram,
    pub puts_ns: Histogram,
    pub deletes_ns: Histogram,
    pub conflicts: Counter,
}

pub(crate) fn ns_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

impl Figures {
    pub fn report(&self, page: &mut Page) {
        let gets = self.gets_ns.snapshot();
        page.counter("vault.cache.hit", "Entries found in the cache of decrypted entries.", &[], self.cache_hits.value());
        page.counter("vault.cache.miss", "Entries read from the store.", &[], gets.count());
        page.summary("vault.barrier.get", "Reads of the store, in ms.", &[], gets, Unit::Ms);
        page.summary("vault.barrier.list", "Lists and scans of the store, in ms.", &[], self.lists_ns.snapshot(), Unit::Ms);
        page.summary(
            "vault.barrier.put",
            "Entries written, each with its batch's commit in ms.",
            &[],
            self.puts_ns.snapshot(),
            Unit::Ms,
        );
        let deletes = self.deletes_ns.snapshot();
        page.summary("vault.barrier.delete", "Entries deleted, each with its batch's commit in ms.", &[], deletes, Unit::Ms);
        page.counter(
            "strongroom.barrier.conflicts_total",
            "Commits that lost a race and were tried again.",
            &[],
            self.conflicts.value(),
        );
    }
}
