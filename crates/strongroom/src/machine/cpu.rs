//! Processors and how they spent their time.

use serde_json::{Map, Value, json};

/// What `/proc` counts in, on every platform that Linux has: its interface to programs is fixed to this.
const TICKS_PER_S: f64 = 100.0;

/// `/proc/cpuinfo`: one block of `name : value` lines for each processor.
pub fn info(text: &str) -> Vec<Value> {
    text.split("\n\n").filter(|block| block.starts_with("processor")).map(one).collect()
}

fn one(block: &str) -> Value {
    let pairs = || block.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name.trim(), value.trim()));
    let text = |name: &str| pairs().find(|(n, _)| *n == name).map(|(_, value)| value).unwrap_or_default();
    let number = |name: &str| text(name).split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or_default();
    json!({
        "cpu": number("processor"),
        "vendorId": text("vendor_id"),
        "family": text("cpu family"),
        "model": text("model"),
        "stepping": number("stepping"),
        "physicalId": text("physical id"),
        "coreId": text("core id"),
        "cores": 1,
        "modelName": text("model name"),
        "mhz": text("cpu MHz").parse::<f64>().unwrap_or_default(),
        "cacheSize": number("cache size"),
        "flags": text("flags").split_whitespace().collect::<Vec<_>>(),
        "microcode": text("microcode"),
    })
}

/// `/proc/stat`: a line `cpuN` for each processor, in ticks. The sum over all is left out.
pub fn times(text: &str) -> Vec<Value> {
    const COLUMNS: [&str; 10] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guestNice"];
    let of = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next().filter(|name| name.strip_prefix("cpu").is_some_and(|n| !n.is_empty()))?;
        let seconds = words.map(|ticks| ticks.parse::<f64>().unwrap_or_default() / TICKS_PER_S);
        let mut shown: Map<String, Value> = COLUMNS.iter().zip(seconds).map(|(c, s)| ((*c).to_owned(), json!(s))).collect();
        shown.insert("cpu".into(), json!(name));
        Some(Value::Object(shown))
    };
    text.lines().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::{info, times};

    #[test]
    fn processors_are_read() {
        let text = "processor\t: 0\nmodel name\t: A B\ncpu MHz\t\t: 2596.142\ncache size\t: 1024 KB\nflags\t\t: fpu vme\n\n\
            processor\t: 1\nmodel name\t: A B\n\nHardware\t: none\n\n";
        let all = info(text);
        assert_eq!(all.len(), 2);
        assert_eq!((&all[0]["modelName"], &all[0]["mhz"], &all[0]["cacheSize"]), (&"A B".into(), &2596.142.into(), &1024.into()));
        assert_eq!((&all[0]["flags"][1], &all[1]["cpu"]), (&"vme".into(), &1.into()));
    }

    #[test]
    fn times_are_seconds_of_each_processor() {
        let all = times("cpu  200 0 0 0\ncpu0 150 25 50 1000 5 6 7 8 9 10\nintr 5\n");
        assert_eq!(all.len(), 1);
        assert_eq!((&all[0]["cpu"], &all[0]["user"], &all[0]["guestNice"]), (&"cpu0".into(), &1.5.into(), &0.1.into()));
    }
}
