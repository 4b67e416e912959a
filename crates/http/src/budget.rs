//! The memory that request bodies of all connections may take together. What is taken comes back when the reservation is
//! dropped, so no exit of a request can leak it. Never waits: waiting for memory that slow peers hold is how servers hang.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes left, shared by all.
#[derive(Debug)]
pub(crate) struct Budget {
    free_bytes: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { free_bytes: AtomicUsize::new(bytes) })
    }

    /// An empty reservation, to be grown.
    pub(crate) fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation { budget: Arc::clone(self), bytes: 0 }
    }
}

/// What one body holds.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    /// Takes more bytes, or takes nothing and returns false when so many are not free.
    pub(crate) fn try_grow(&mut self, more: usize) -> bool {
        let taken =
            self.budget.free_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(more)).is_ok();
        if taken {
            self.bytes = self.bytes.saturating_add(more);
        }
        taken
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.free_bytes.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn what_is_taken_comes_back_and_never_more_is_given() {
        let budget = Budget::new(10);
        let mut one = budget.reservation();
        let mut two = budget.reservation();
        assert!(one.try_grow(6));
        assert!(!two.try_grow(5));
        assert!(two.try_grow(4));
        drop(one);
        assert!(two.try_grow(6));
        assert!(!two.try_grow(1));
    }
}
