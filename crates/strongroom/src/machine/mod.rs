//! What `sys/host-info` says of this machine, read from `/proc` with the field names of the reference. A file that can't be
//! read or understood leaves its fields out.

mod cpu;
mod disk;
mod host;
mod memory;

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// An object with `cpu`, `cpu_times`, `disk`, `host` and `memory`. Blocks.
pub fn describe() -> Value {
    let read = |path: &str| fs::read_to_string(path).ok();
    let mut all = Map::new();
    all.insert("cpu".into(), json!(read("/proc/cpuinfo").map(|text| cpu::info(&text)).unwrap_or_default()));
    all.insert("cpu_times".into(), json!(read("/proc/stat").map(|text| cpu::times(&text)).unwrap_or_default()));
    let mounts = read("/proc/self/mounts").map(|text| disk::mounted(&text)).unwrap_or_default();
    let space = |(point, kind): (String, String)| disk::shown(&point, &kind, strongroom_os::disk_space(Path::new(&point)).ok()?);
    all.insert("disk".into(), json!(mounts.into_iter().filter_map(space).collect::<Vec<_>>()));
    all.insert("host".into(), host::shown(&host::Texts::read()));
    all.insert("memory".into(), json!(read("/proc/meminfo").and_then(|text| memory::shown(&text))));
    Value::Object(all)
}

/// Empty when the system does not tell it.
pub fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Percent with two digits; 0 of nothing.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::{describe, hostname, percent};

    #[test]
    fn this_machine_is_described() {
        let all = describe();
        assert!(all["cpu_times"].as_array().is_some_and(|c| !c.is_empty()), "{all}");
        assert!(all["memory"]["total"].as_u64().is_some_and(|b| b > 1 << 20), "{all}");
        assert!(all["host"]["bootTime"].as_u64().is_some_and(|s| s > 1_000_000_000), "{all}");
        assert_eq!(all["host"]["hostname"], hostname());
    }

    #[test]
    fn shares_are_percent() {
        assert_eq!((percent(1, 3), percent(5, 5), percent(1, 0)), (33.33, 100.0, 0.0));
    }
}
