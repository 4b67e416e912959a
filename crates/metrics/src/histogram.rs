//! How values are distributed: four steps to every doubling, so that any quantile is known to within an eighth. Recording is
//! two additions to memory that few other threads touch.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::shard::{self, SHARDS};

/// Values from here on share the last step: 137 s when the values are nanoseconds.
const LARGEST_BITS: u32 = 37;
/// Values below this have a step each.
const SMALL: u64 = 4;
/// `bucket_of` of the largest value, plus one.
const BUCKETS: usize = 4 + 4 * (LARGEST_BITS as usize - 2) + 1;

/// One thread's part.
#[derive(Debug)]
struct Part {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

/// Whole numbers, such as nanoseconds or bytes. Takes memory only for the threads that record.
#[derive(Debug, Default)]
pub struct Histogram([OnceLock<Box<Part>>; SHARDS]);

impl Histogram {
    pub fn record(&self, value: u64) {
        let Some(part) = self.0.get(shard::own()).map(|slot| slot.get_or_init(Part::new)) else { return };
        if let Some(bucket) = part.buckets.get(bucket_of(value)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        part.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was recorded until now. Records made meanwhile may be missing or in it in part.
    pub fn snapshot(&self) -> Snapshot {
        let mut all = Snapshot::default();
        for part in self.0.iter().filter_map(OnceLock::get) {
            for (total, bucket) in all.buckets.iter_mut().zip(&part.buckets) {
                *total = total.wrapping_add(bucket.load(Ordering::Relaxed));
            }
            all.sum = all.sum.wrapping_add(part.sum.load(Ordering::Relaxed));
        }
        all
    }
}

impl Part {
    fn new() -> Box<Self> {
        Box::new(Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) })
    }
}

/// The step that holds a value.
fn bucket_of(value: u64) -> usize {
    if value < SMALL {
        return usize::try_from(value).unwrap_or_default();
    }
    let bits = value.ilog2();
    if bits >= LARGEST_BITS {
        return BUCKETS.saturating_sub(1);
    }
    // The two bits behind the leading one.
    let quarter = (value >> bits.saturating_sub(2)) & 3;
    let step = u64::from(bits.saturating_sub(2)).saturating_mul(4).saturating_add(quarter).saturating_add(4);
    usize::try_from(step).unwrap_or(BUCKETS)
}

/// The smallest value that a step holds.
fn lower_bound(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or_default();
    let Some(step) = bucket.checked_sub(SMALL) else { return bucket };
    (4 | (step & 3)).checked_shl(u32::try_from(step >> 2).unwrap_or(u32::MAX)).unwrap_or(u64::MAX)
}

/// A histogram at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    buckets: [u64; BUCKETS],
    /// Of all values; wraps around.
    pub sum: u64,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS], sum: 0 }
    }
}

impl Snapshot {
    pub fn count(&self) -> u64 {
        self.buckets.iter().copied().fold(0, u64::saturating_add)
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        for (total, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *total = total.saturating_add(*more);
        }
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// How many values are below `bound`, which must be a power of two to be exact.
    pub fn below(&self, bound: u64) -> u64 {
        self.buckets.iter().take(bucket_of(bound)).copied().fold(0, u64::saturating_add)
    }

    /// The value that this share (0 to 1) of all values does not exceed, taken as the middle of its step. None without values.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = share * self.count() as f64;
        let mut seen = 0u64;
        for (bucket, n) in self.buckets.iter().enumerate().filter(|(_, n)| **n > 0) {
            seen = seen.saturating_add(*n);
            if seen as f64 >= wanted {
                return Some(middle(bucket));
            }
        }
        None
    }

    /// The smallest and the largest value, to within their steps. None without values.
    pub fn ends(&self) -> Option<(f64, f64)> {
        let first = self.buckets.iter().position(|n| *n > 0)?;
        let last = self.buckets.iter().rposition(|n| *n > 0)?;
        Some((middle(first), middle(last)))
    }

    /// Zero without values.
    pub fn mean(&self) -> f64 {
        match self.count() {
            0 => 0.0,
            n => self.sum as f64 / n as f64,
        }
    }

    /// Standard deviation, to within the steps.
    pub fn deviation(&self) -> f64 {
        let (count, mean) = (self.count(), self.mean());
        if count == 0 {
            return 0.0;
        }
        let squares = self.buckets.iter().enumerate().map(|(bucket, n)| *n as f64 * (middle(bucket) - mean).powi(2));
        (squares.sum::<f64>() / count as f64).sqrt()
    }
}

fn middle(bucket: usize) -> f64 {
    let (low, next) = (lower_bound(bucket), lower_bound(bucket.saturating_add(1)));
    if next.saturating_sub(low) <= 1 { low as f64 } else { (low as f64 + next as f64) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket_of, lower_bound};

    #[test]
    fn every_value_lies_in_its_step() {
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(lower_bound(bucket)), bucket, "lower end of {bucket}");
            assert!(lower_bound(bucket) < lower_bound(bucket + 1));
            if bucket + 1 < BUCKETS {
                assert_eq!(bucket_of(lower_bound(bucket + 1) - 1), bucket, "upper end of {bucket}");
            }
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_within_an_eighth() {
        let histogram = Histogram::default();
        (1..=100_000u64).for_each(|n| histogram.record(n * 100));
        let all = histogram.snapshot();
        assert_eq!((all.count(), all.sum), (100_000, 500_005_000_000));
        for share in [0.01, 0.5, 0.9, 0.99] {
            let (found, exact) = (all.quantile(share).unwrap(), share * 10_000_000.0);
            assert!((found - exact).abs() / exact <= 0.125, "{share}: {found} is not {exact}");
        }
        assert_eq!(all.below(1 << 20), 10_485);
    }

    #[test]
    fn nothing_recorded_has_no_quantile() {
        let nothing = Histogram::default().snapshot();
        assert_eq!((nothing.count(), nothing.quantile(0.5), nothing.ends(), nothing.deviation()), (0, None, None, 0.0));
    }

    #[test]
    fn snapshots_add_up() {
        let (one, two) = (Histogram::default(), Histogram::default());
        one.record(5);
        two.record(7);
        let mut both = one.snapshot();
        both.add(&two.snapshot());
        assert_eq!((both.count(), both.sum, both.mean()), (2, 12, 6.0));
    }
}
