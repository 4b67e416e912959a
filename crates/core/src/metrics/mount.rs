//! Requests by operation: in detail for each type of engine, as count and time for each mount.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_engine::Operation;
use strongroom_metrics::{Counter, Histogram};
use strongroom_types::Ttl;

pub const OPERATIONS: [Operation; 7] = [
    Operation::Create,
    Operation::Read,
    Operation::Update,
    Operation::Patch,
    Operation::Delete,
    Operation::List,
    Operation::Scan,
];

/// Upper ends in seconds and names of the reference's classes of lifetimes.
pub const LIFETIMES: [(u64, &str); 10] = [
    (60, "1m"),
    (600, "10m"),
    (1_200, "20m"),
    (3_600, "1h"),
    (7_200, "2h"),
    (86_400, "1d"),
    (172_800, "2d"),
    (604_800, "7d"),
    (2_592_000, "30d"),
    (u64::MAX, "+Inf"),
];

/// Which class a lifetime is in; one without end is in the last.
pub fn lifetime_class(ttl: Ttl) -> usize {
    let s = if ttl.is_zero() { u64::MAX } else { ttl.as_s() };
    LIFETIMES.iter().position(|(end, _)| s <= *end).unwrap_or_default()
}

/// Of all mounts of one type.
#[derive(Default)]
pub struct EngineFigures {
    pub times_ns: [Histogram; OPERATIONS.len()],
}

impl EngineFigures {
    pub fn served(&self, operation: Operation, took_ns: u64) {
        if let Some(histogram) = self.times_ns.get(operation as usize) {
            histogram.record(took_ns);
        }
    }
}

#[derive(Default)]
pub struct Total {
    pub count: Counter,
    pub sum_ns: Counter,
}

/// Of one mount.
pub struct MountFigures {
    pub path: String,
    pub engine: &'static str,
    of_engine: Arc<EngineFigures>,
    totals: [std::sync::OnceLock<Box<Total>>; OPERATIONS.len()],
    /// Tokens made here: service and batch, by class of lifetime.
    tokens: [[AtomicU64; LIFETIMES.len()]; 2],
}

impl MountFigures {
    pub fn new(path: String, engine: &'static str, of_engine: Arc<EngineFigures>) -> Self {
        Self { path, engine, of_engine, totals: Default::default(), tokens: Default::default() }
    }

    pub fn served(&self, operation: Operation, took_ns: u64) {
        self.of_engine.served(operation, took_ns);
        if let Some(slot) = self.totals.get(operation as usize) {
            let total = slot.get_or_init(Box::default);
            total.count.one();
            total.sum_ns.add(took_ns);
        }
    }

    /// Operations that happened, with their count and time.
    pub fn totals(&self) -> impl Iterator<Item = (Operation, &Total)> {
        OPERATIONS.into_iter().zip(&self.totals).filter_map(|(operation, slot)| Some((operation, &**slot.get()?)))
    }

    pub fn issued(&self, is_batch: bool, ttl: Ttl) {
        if let Some(count) = self.tokens.get(usize::from(is_batch)).and_then(|classes| classes.get(lifetime_class(ttl))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Type, class of lifetime and number of tokens made here, where there are any.
    pub fn tokens(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        ["service", "batch"].into_iter().zip(&self.tokens).flat_map(|(kind, classes)| {
            let counts = LIFETIMES.iter().zip(classes).map(move |((_, name), n)| (kind, *name, n.load(Ordering::Relaxed)));
            counts.filter(|(_, _, n)| *n > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_numbered_as_they_are_listed() {
        for (number, operation) in OPERATIONS.into_iter().enumerate() {
            assert_eq!(operation as usize, number, "{operation:?}");
        }
    }

    #[test]
    fn lifetimes_fall_into_the_classes_of_the_reference() {
        for (s, name) in [(1, "1m"), (60, "1m"), (61, "10m"), (3_600, "1h"), (2_764_800, "+Inf"), (0, "+Inf")] {
            assert_eq!(LIFETIMES[lifetime_class(Ttl::from_s(s))].1, name, "{s}");
        }
    }

    #[test]
    fn a_mount_counts_for_its_engine_too() {
        let of_engine = Arc::new(EngineFigures::default());
        let mount = MountFigures::new("kv/".into(), "kv", of_engine.clone());
        mount.served(Operation::Read, 5);
        mount.served(Operation::Read, 7);
        let told: Vec<_> = mount.totals().map(|(o, t)| (o, t.count.value(), t.sum_ns.value())).collect();
        assert_eq!(told, [(Operation::Read, 2, 12)]);
        assert_eq!(of_engine.times_ns[Operation::Read as usize].snapshot().count(), 2);
    }
}
