//! The JSON form of the reference: gauges, counters and samples. Its figures are those since the server started.

use serde_json::{Map, Value as Json, json};

use crate::Page;
use crate::page::{Sample, Value, whole_sum};

impl Page {
    /// `timestamp` as the reference prints it; `uptime_s` is what rates are told of.
    pub fn json(&self, timestamp: &str, uptime_s: f64) -> Json {
        let (mut gauges, mut counters, mut samples) = (Vec::new(), Vec::new(), Vec::new());
        for (name, family) in &self.families {
            for sample in &family.samples {
                let labels = labels(sample);
                match &sample.value {
                    Value::Gauge(n) => gauges.push(json!({ "Name": name, "Value": n, "Labels": labels })),
                    Value::Counter(n) => {
                        let one = if *n == 0 { 0.0 } else { 1.0 };
                        let spread = Spread { min: one, max: one, mean: one, deviation: 0.0 };
                        counters.push(told(name, labels, (*n, *n as f64), spread, uptime_s));
                    }
                    Value::Summary { count, timed, unit } => {
                        let sum = unit.shown(whole_sum(*count, timed));
                        samples.push(told(name, labels, (*count, sum), Spread::of(timed, *unit), uptime_s));
                    }
                    Value::Total { count, sum_ns } => {
                        let sum = crate::Unit::Ms.shown(*sum_ns as f64);
                        let mean = if *count == 0 { 0.0 } else { sum / *count as f64 };
                        let spread = Spread { min: mean, max: mean, mean, deviation: 0.0 };
                        samples.push(told(name, labels, (*count, sum), spread, uptime_s));
                    }
                    Value::Histogram { all, unit } => {
                        let sum = unit.shown(all.sum as f64);
                        samples.push(told(name, labels, (all.count(), sum), Spread::of(all, *unit), uptime_s));
                    }
                }
            }
        }
        json!({ "Timestamp": timestamp, "Gauges": gauges, "Points": [], "Counters": counters, "Samples": samples })
    }
}

struct Spread {
    min: f64,
    max: f64,
    mean: f64,
    deviation: f64,
}

impl Spread {
    fn of(all: &crate::Snapshot, unit: crate::Unit) -> Self {
        let (min, max) = all.ends().unwrap_or_default();
        Self { min: unit.shown(min), max: unit.shown(max), mean: unit.shown(all.mean()), deviation: unit.shown(all.deviation()) }
    }
}

fn labels(sample: &Sample) -> Map<String, Json> {
    sample.labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
}

fn told(name: &str, labels: Map<String, Json>, (count, sum): (u64, f64), spread: Spread, uptime_s: f64) -> Json {
    json!({
        "Name": name, "Count": count, "Rate": sum / uptime_s.max(1.0), "Sum": sum, "Min": spread.min, "Max": spread.max,
        "Mean": spread.mean, "Stddev": spread.deviation, "Labels": labels,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Histogram, Page, Unit};

    #[test]
    fn the_three_lists_have_the_members_that_readers_expect() {
        let histogram = Histogram::default();
        histogram.record(3_000_000);
        let mut page = Page::default();
        page.gauge("vault.core.active", "Active.", &[], 1.0);
        page.counter("vault.token.creation", "Made.", &[("token_type", "service")], 4);
        page.summary("vault.core.handle_request", "Times.", &[], histogram.snapshot(), Unit::Ms);
        let shown = page.json("2026-11-24 22:56:20 +0000 UTC", 2.0);
        assert_eq!(shown["Gauges"][0], json!({ "Name": "vault.core.active", "Value": 1.0, "Labels": {} }));
        assert_eq!(shown["Counters"][0]["Labels"], json!({ "token_type": "service" }));
        assert_eq!((&shown["Counters"][0]["Count"], &shown["Counters"][0]["Rate"]), (&json!(4), &json!(2.0)));
        assert_eq!((&shown["Samples"][0]["Sum"], &shown["Samples"][0]["Count"]), (&json!(3.0), &json!(1)));
    }
}
