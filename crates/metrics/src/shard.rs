//! Which part of a divided figure a thread writes to: threads get different ones, so that cores do not take a cache line
//! from each other with every request.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Parts of each figure. More threads than this share them.
pub const SHARDS: usize = 8;

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// This thread's part, below `SHARDS`.
pub fn own() -> usize {
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    })
}
