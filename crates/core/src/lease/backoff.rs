//! When a revocation that failed is tried again.

use strongroom_types::{Rng, Ttl};

use super::entry::ATTEMPTS_MAX;

const FIRST_S: u64 = 10;
/// Once it counts as failed for good.
const RARELY_S: u64 = 6 * 3600;

/// Twice as long after each failure and up to a quarter longer at random, so that many leases of one upstream do not all come
/// back at once.
pub fn pause(attempts: u32, rng: &dyn Rng) -> Ttl {
    let base = if attempts >= ATTEMPTS_MAX {
        RARELY_S
    } else {
        FIRST_S.saturating_mul(1u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(1))
    };
    let mut random = [0u8; 8];
    rng.fill(&mut random);
    let jitter = u64::from_be_bytes(random).checked_rem((base / 4).saturating_add(1)).unwrap_or(0);
    Ttl::from_s(base.saturating_add(jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Rng for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    #[test]
    fn pauses_double_and_then_stay_rare() {
        let pauses: Vec<u64> = (1..=8).map(|n| pause(n, &Fixed(0)).as_s()).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 21_600, 21_600, 21_600]);
        for attempts in 1..10 {
            let (least, some) = (pause(attempts, &Fixed(0)).as_s(), pause(attempts, &Fixed(0xa7)).as_s());
            assert!(some >= least && some <= least + least / 4);
        }
    }
}
