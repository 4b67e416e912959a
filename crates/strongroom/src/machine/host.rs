//! Name, system and uptime.

use std::fs;

use serde_json::{Map, Value, json};

/// The files that tell it; empty where one can't be read.
#[derive(Default)]
pub struct Texts {
    pub hostname: String,
    /// `/proc/stat`
    pub stat: String,
    /// `/proc/uptime`
    pub uptime: String,
    /// `/etc/os-release`
    pub os_release: String,
    /// `/proc/sys/kernel/osrelease`
    pub kernel: String,
    /// Running processes.
    pub process_count: u64,
}

impl Texts {
    pub fn read() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let is_process = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit());
        let processes = fs::read_dir("/proc").map(|all| all.flatten().filter(is_process).count()).unwrap_or_default();
        Self {
            hostname: super::hostname(),
            stat: read("/proc/stat"),
            uptime: read("/proc/uptime"),
            os_release: read("/etc/os-release"),
            kernel: read("/proc/sys/kernel/osrelease"),
            process_count: u64::try_from(processes).unwrap_or_default(),
        }
    }
}

pub fn shown(texts: &Texts) -> Value {
    let release = |name: &str| {
        let line = texts.os_release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(|value| value.trim_matches('"').to_owned()).unwrap_or_default()
    };
    let booted = texts.stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<u64>().ok());
    let uptime = texts.uptime.split(['.', ' ']).next().and_then(|s| s.parse::<u64>().ok());
    let mut all = Map::new();
    all.insert("hostname".into(), json!(texts.hostname));
    all.insert("os".into(), json!(std::env::consts::OS));
    all.insert("platform".into(), json!(release("ID")));
    all.insert("platformFamily".into(), json!(release("ID_LIKE")));
    all.insert("platformVersion".into(), json!(release("VERSION_ID")));
    all.insert("kernelVersion".into(), json!(texts.kernel.trim()));
    all.insert("kernelArch".into(), json!(std::env::consts::ARCH));
    all.insert("procs".into(), json!(texts.process_count));
    all.extend(booted.map(|s| ("bootTime".to_owned(), json!(s))));
    all.extend(uptime.map(|s| ("uptime".to_owned(), json!(s))));
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::{Texts, shown};

    #[test]
    fn a_host_is_put_together_from_its_files() {
        let texts = Texts {
            hostname: "h".into(),
            stat: "cpu 1\nbtime 1700000000\n".into(),
            uptime: "12.34 5.6\n".into(),
            os_release: "NAME=\"X Y\"\nID=x\nVERSION_ID=\"12\"\n".into(),
            kernel: "6.1.0\n".into(),
            process_count: 3,
        };
        let all = shown(&texts);
        assert_eq!((&all["bootTime"], &all["uptime"], &all["procs"]), (&1_700_000_000.into(), &12.into(), &3.into()));
        assert_eq!(
            (&all["platform"], &all["platformVersion"], &all["kernelVersion"]),
            (&"x".into(), &"12".into(), &"6.1.0".into())
        );
        assert!(shown(&Texts::default()).get("uptime").is_none());
    }
}
