//! A page of figures, gathered anew for each reading. Names have the reference's dotted form (`vault.core.unsealed`); what
//! belongs to one name stands together, as Prometheus demands.

use std::collections::BTreeMap;

use crate::Snapshot;
use crate::sampled::Sampled;

/// A name and a value. Values must come from a closed set or the mount table.
pub type Label<'a> = (&'static str, &'a str);

/// What the recorded whole numbers are, and how they are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Recorded as nanoseconds, shown as milliseconds, as the reference shows its times.
    Ms,
    /// Recorded as nanoseconds, shown as seconds, as Prometheus wants times.
    S,
    /// Shown as recorded.
    Plain,
}

impl Unit {
    pub(crate) fn shown(self, value: f64) -> f64 {
        match self {
            Self::Ms => value / 1e6,
            Self::S => value / 1e9,
            Self::Plain => value,
        }
    }

    /// Powers of two between which a histogram is told: 16 us to 17 s for times.
    pub(crate) fn bounds(self) -> std::ops::RangeInclusive<u32> {
        if self == Self::Plain { 0..=24 } else { 14..=34 }
    }
}

/// One figure's value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Counter(u64),
    Gauge(f64),
    /// Told with quantiles. The count may be larger than what was timed.
    Summary {
        count: u64,
        timed: Box<Snapshot>,
        unit: Unit,
    },
    /// Told without quantiles.
    Total {
        count: u64,
        sum_ns: u64,
    },
    /// Told with bounds.
    Histogram {
        all: Box<Snapshot>,
        unit: Unit,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub labels: Vec<(&'static str, String)>,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub help: &'static str,
    pub samples: Vec<Sample>,
}

/// The figures of one reading.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// By dotted name.
    pub(crate) families: BTreeMap<String, Family>,
}

impl Page {
    pub fn counter(&mut self, name: &str, help: &'static str, labels: &[Label<'_>], value: u64) {
        self.add(name, help, labels, Value::Counter(value));
    }

    pub fn gauge(&mut self, name: &str, help: &'static str, labels: &[Label<'_>], value: f64) {
        self.add(name, help, labels, Value::Gauge(value));
    }

    pub fn summary(&mut self, name: &str, help: &'static str, labels: &[Label<'_>], all: Snapshot, unit: Unit) {
        self.add(name, help, labels, Value::Summary { count: all.count(), timed: Box::new(all), unit });
    }

    /// A summary in milliseconds whose count is exact and whose times stand for all.
    pub fn sampled(&mut self, name: &str, help: &'static str, labels: &[Label<'_>], sampled: &Sampled) {
        let value = Value::Summary { count: sampled.count(), timed: Box::new(sampled.times_ns()), unit: Unit::Ms };
        self.add(name, help, labels, value);
    }

    /// A summary in milliseconds of which only count and sum are known.
    pub fn total(&mut self, name: &str, help: &'static str, labels: &[Label<'_>], count: u64, sum_ns: u64) {
        self.add(name, help, labels, Value::Total { count, sum_ns });
    }

    pub fn histogram(&mut self, name: &str, help: &'static str, labels: &[Label<'_>], all: Snapshot, unit: Unit) {
        self.add(name, help, labels, Value::Histogram { all: Box::new(all), unit });
    }

    fn add(&mut self, name: &str, help: &'static str, labels: &[Label<'_>], value: Value) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let family = self.families.entry(name.to_owned()).or_insert_with(|| Family { help, samples: Vec::new() });
        family.samples.push(Sample { labels, value });
    }
}

/// The sum of a summary, what was not timed counting like what was.
pub(crate) fn whole_sum(count: u64, timed: &Snapshot) -> f64 {
    if count == timed.count() { timed.sum as f64 } else { timed.mean() * count as f64 }
}
