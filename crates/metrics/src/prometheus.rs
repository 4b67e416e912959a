//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

use crate::Page;
use crate::Snapshot;
use crate::page::{Family, Sample, Unit, Value, whole_sum};

const QUANTILES: [(&str, f64); 3] = [("0.5", 0.5), ("0.9", 0.9), ("0.99", 0.99)];

impl Page {
    /// What Prometheus reads; the media type is `Page::PROMETHEUS`.
    pub fn prometheus(&self) -> String {
        let mut out = String::with_capacity(64 * 1024);
        for (dotted, family) in &self.families {
            let name: String = dotted.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            // Writing to memory cannot fail.
            let _ = write_family(&mut out, &name, family);
        }
        out
    }

    pub const PROMETHEUS: &'static str = "text/plain; version=0.0.4";
}

fn write_family(out: &mut String, name: &str, family: &Family) -> std::fmt::Result {
    let kind = match family.samples.first().map(|s| &s.value) {
        Some(Value::Counter(_)) => "counter",
        Some(Value::Gauge(_)) => "gauge",
        Some(Value::Summary { .. } | Value::Total { .. }) => "summary",
        Some(Value::Histogram { .. }) => "histogram",
        None => return Ok(()),
    };
    writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", family.help)?;
    family.samples.iter().try_for_each(|sample| write_sample(out, name, sample))
}

fn write_sample(out: &mut String, name: &str, sample: &Sample) -> std::fmt::Result {
    let labels = |extra| Labels(&sample.labels, extra);
    match &sample.value {
        Value::Counter(n) => writeln!(out, "{name}{} {n}", labels(None)),
        Value::Gauge(n) => writeln!(out, "{name}{} {n}", labels(None)),
        Value::Summary { count, timed, unit } => {
            for (text, share) in QUANTILES {
                let value = timed.quantile(share).map_or(f64::NAN, |v| unit.shown(v));
                writeln!(out, "{name}{} {value}", labels(Some(("quantile", text))))?;
            }
            writeln!(out, "{name}_sum{} {}", labels(None), unit.shown(whole_sum(*count, timed)))?;
            writeln!(out, "{name}_count{} {count}", labels(None))
        }
        Value::Total { count, sum_ns } => {
            writeln!(out, "{name}_sum{} {}", labels(None), Unit::Ms.shown(*sum_ns as f64))?;
            writeln!(out, "{name}_count{} {count}", labels(None))
        }
        Value::Histogram { all, unit } => write_histogram(out, name, sample, all, *unit),
    }
}

fn write_histogram(out: &mut String, name: &str, sample: &Sample, all: &Snapshot, unit: Unit) -> std::fmt::Result {
    for bits in unit.bounds() {
        let bound = 1u64.checked_shl(bits).unwrap_or(u64::MAX);
        // "Less or equal" of whole numbers; of times a nanosecond is nothing.
        let last = if unit == Unit::Plain { bound.saturating_sub(1) } else { bound };
        let text = unit.shown(last as f64).to_string();
        writeln!(out, "{name}_bucket{} {}", Labels(&sample.labels, Some(("le", &text))), all.below(bound))?;
    }
    let labels = Labels(&sample.labels, None);
    writeln!(out, "{name}_bucket{} {}", Labels(&sample.labels, Some(("le", "+Inf"))), all.count())?;
    writeln!(out, "{name}_sum{labels} {}", unit.shown(all.sum as f64))?;
    writeln!(out, "{name}_count{labels} {}", all.count())
}

/// `{a="b",le="1"}`, or nothing.
struct Labels<'a>(&'a [(&'static str, String)], Option<(&'static str, &'a str)>);

impl std::fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let own = self.0.iter().map(|(name, value)| (*name, value.as_str()));
        for (i, (name, value)) in own.chain(self.1).enumerate() {
            f.write_char(if i == 0 { '{' } else { ',' })?;
            write!(f, "{name}=\"")?;
            for c in value.chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    '"' => f.write_str("\\\"")?,
                    '\n' => f.write_str("\\n")?,
                    other => f.write_char(other)?,
                }
            }
            f.write_char('"')?;
        }
        if self.0.is_empty() && self.1.is_none() { Ok(()) } else { f.write_char('}') }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Histogram, Page, Unit};

    #[test]
    fn every_kind_has_its_lines() {
        let mut page = Page::default();
        page.gauge("vault.core.unsealed", "Whether.", &[("cluster", "a\"b\\c\nd")], 1.0);
        page.counter("vault.audit.log_request_failure", "Failed.", &[], 3);
        let histogram = Histogram::default();
        histogram.record(2_000_000);
        page.summary("vault.core.handle-request", "Times.", &[], histogram.snapshot(), Unit::Ms);
        page.histogram("strongroom.batch_size", "Sizes.", &[("kind", "x")], Histogram::default().snapshot(), Unit::Plain);
        let text = page.prometheus();
        for line in [
            "# TYPE vault_core_unsealed gauge",
            "vault_core_unsealed{cluster=\"a\\\"b\\\\c\\nd\"} 1",
            "vault_audit_log_request_failure 3",
            "# TYPE vault_core_handle_request summary",
            "vault_core_handle_request_sum 2",
            "vault_core_handle_request_count 1",
            "strongroom_batch_size_bucket{kind=\"x\",le=\"0\"} 0",
            "strongroom_batch_size_bucket{kind=\"x\",le=\"+Inf\"} 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line:?} is not in:\n{text}");
        }
    }

    #[test]
    fn buckets_only_grow() {
        let histogram = Histogram::default();
        (0..40).for_each(|bits| histogram.record(1 << bits));
        let mut page = Page::default();
        page.histogram("t", "Times.", &[], histogram.snapshot(), Unit::S);
        let counts: Vec<u64> = page
            .prometheus()
            .lines()
            .filter(|l| l.starts_with("t_bucket"))
            .map(|l| l.rsplit(' ').next().unwrap().parse().unwrap())
            .collect();
        assert!(counts.is_sorted() && counts.last() == Some(&40), "{counts:?}");
    }
}
