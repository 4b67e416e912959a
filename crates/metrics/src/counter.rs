//! A count that many threads raise at once, in a few nanoseconds.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::shard::{self, SHARDS};

/// One cache line, so that neighbours do not disturb each other.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Part(AtomicU64);

/// Only grows. Any thread may raise and read it at any time.
#[derive(Debug, Default)]
pub struct Counter([Part; SHARDS]);

impl Counter {
    pub fn add(&self, n: u64) {
        if let Some(part) = self.0.get(shard::own()) {
            part.0.fetch_add(n, Ordering::Relaxed);
        }
    }

    pub fn one(&self) {
        self.add(1);
    }

    pub fn value(&self) -> u64 {
        self.0.iter().map(|part| part.0.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn no_count_of_any_thread_is_lost() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..1000).for_each(|_| counter.one()));
            }
        });
        assert_eq!(counter.value(), 20_000);
    }
}
