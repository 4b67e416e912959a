//! Numbers that look random and come the same in every run.

use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_types::Rng;

/// For tests of engines only: whoever knows how much was drawn knows the next.
pub struct CountingRng(AtomicU64);

impl Default for CountingRng {
    fn default() -> Self {
        Self(AtomicU64::new(1))
    }
}

impl Rng for CountingRng {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let n = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            chunk.iter_mut().zip(n.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
    }
}
