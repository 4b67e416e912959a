//! Counts everything, times one in 32: reading the clock twice costs more than all else that a figure needs.

use std::cell::Cell;
use std::time::Instant;

use crate::{Counter, Histogram, Snapshot};

const EVERY: u32 = 32;

thread_local! {
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// Something that happens often and takes microseconds.
#[derive(Debug, Default)]
pub struct Sampled {
    count: Counter,
    times_ns: Histogram,
}

/// The beginning of one; None when this one is not timed.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct Started(Option<Instant>);

impl Sampled {
    pub fn start(&self) -> Started {
        let turn = TURN.with(|turn| {
            turn.set(turn.get().wrapping_add(1));
            turn.get()
        });
        Started(turn.is_multiple_of(EVERY).then(Instant::now))
    }

    pub fn end(&self, started: Started) {
        self.count.one();
        if let Started(Some(since)) = started {
            self.times_ns.record(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
    }

    pub fn count(&self) -> u64 {
        self.count.value()
    }

    /// Of those that were timed, in nanoseconds.
    pub fn times_ns(&self) -> Snapshot {
        self.times_ns.snapshot()
    }
}

#[cfg(test)]
mod tests {
    use super::Sampled;

    #[test]
    fn all_are_counted_and_some_are_timed() {
        let sampled = Sampled::default();
        (0..320).for_each(|_| sampled.end(sampled.start()));
        assert_eq!((sampled.count(), sampled.times_ns().count()), (320, 10));
    }
}
