//! Numbers without bias out of random bytes.

use std::num::NonZeroU32;

use strongroom_types::Rng;
use zeroize::Zeroizing;

const POOL_BYTES: usize = 512;

/// Random numbers, taken from the source in pools and wiped when done.
pub struct Draw<'r> {
    rng: &'r dyn Rng,
    pool: Zeroizing<[u8; POOL_BYTES]>,
    used: usize,
}

impl<'r> Draw<'r> {
    pub fn new(rng: &'r dyn Rng) -> Self {
        Self { rng, pool: Zeroizing::new([0; POOL_BYTES]), used: POOL_BYTES }
    }

    fn next(&mut self) -> u32 {
        if self.used >= POOL_BYTES {
            self.rng.fill(&mut self.pool[..]);
            self.used = 0;
        }
        let word = self.pool.get(self.used..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
        self.used = self.used.saturating_add(4);
        u32::from_be_bytes(word)
    }

    /// Uniform among `0..n`; zero when `n` is zero or beyond 32 bits. Numbers of the last, incomplete round are thrown away.
    pub fn below(&mut self, n: usize) -> usize {
        let Some(n) = u32::try_from(n).ok().and_then(NonZeroU32::new) else { return 0 };
        let excess = (u32::MAX % n).wrapping_add(1) % n;
        let last = u32::MAX.saturating_sub(excess);
        loop {
            let drawn = self.next();
            if drawn <= last {
                return usize::try_from(drawn % n).unwrap_or_default();
            }
        }
    }

    pub fn one_of(&mut self, characters: &[char]) -> char {
        characters.get(self.below(characters.len())).copied().unwrap_or_default()
    }
}
