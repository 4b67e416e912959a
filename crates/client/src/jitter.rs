//! Waiting times that differ between processes, so that clients of one server do not come back together. Must never be used for
//! anything that has to be unguessable.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Uniform between `low` and `high`; `low` when they are the wrong way round.
pub(crate) fn between(low: Duration, high: Duration) -> Duration {
    let span = high.saturating_sub(low);
    low.saturating_add(span.mul_f64(fraction()))
}

/// Full-jitter exponential backoff: uniform between `min` and `min` doubled with each failure, never above `max`.
pub(crate) fn backoff(min: Duration, max: Duration, failures: u32) -> Duration {
    let top = min.saturating_mul(2_u32.saturating_pow(failures)).min(max);
    between(min.min(max), top)
}

/// From 0 to 1. Each `RandomState` of a process has other keys, and each process another start.
fn fraction() -> f64 {
    let bits = RandomState::new().hash_one(0_u8);
    f64::from(u32::try_from(bits >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_stays_in_its_bounds_and_grows() {
        let (min, max) = (Duration::from_millis(200), Duration::from_secs(5));
        for failures in 0..40 {
            let top = Duration::from_millis(200 << failures.min(20)).min(max);
            let drawn: Vec<_> = (0..200).map(|_| backoff(min, max, failures)).collect();
            assert!(drawn.iter().all(|wait| (min..=top).contains(wait)), "{failures}");
        }
        let drawn: std::collections::BTreeSet<_> = (0..100).map(|_| backoff(min, max, 10)).collect();
        assert!(drawn.len() > 90, "waits repeat");
        assert!(drawn.last().unwrap().saturating_sub(*drawn.first().unwrap()) > Duration::from_secs(2), "waits cluster");
    }
}
