//! `/proc/meminfo`: lines `Name: N kB`.

use serde_json::{Map, Value, json};

use super::percent;

/// Ours and theirs.
const FIELDS: [(&str, &str); 18] = [
    ("total", "MemTotal"),
    ("available", "MemAvailable"),
    ("free", "MemFree"),
    ("active", "Active"),
    ("inactive", "Inactive"),
    ("buffers", "Buffers"),
    ("cached", "Cached"),
    ("writeBack", "Writeback"),
    ("dirty", "Dirty"),
    ("shared", "Shmem"),
    ("slab", "Slab"),
    ("sreclaimable", "SReclaimable"),
    ("sunreclaim", "SUnreclaim"),
    ("pageTables", "PageTables"),
    ("swapCached", "SwapCached"),
    ("swapTotal", "SwapTotal"),
    ("swapFree", "SwapFree"),
    ("commitLimit", "CommitLimit"),
];

/// In bytes. None when the text is something else.
pub fn shown(text: &str) -> Option<Map<String, Value>> {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
    };
    let total = bytes("MemTotal")?;
    let used = total.saturating_sub(bytes("MemAvailable").unwrap_or_default());
    let mut all: Map<_, _> = FIELDS.iter().filter_map(|(ours, name)| Some(((*ours).to_owned(), json!(bytes(name)?)))).collect();
    all.insert("used".into(), json!(used));
    all.insert("usedPercent".into(), json!(percent(used, total)));
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn memory_is_in_bytes() {
        let all = shown("MemTotal:       1000 kB\nMemFree:  1 kB\nMemAvailable:    250 kB\nActive(anon): 7 kB\n").unwrap();
        assert_eq!((&all["total"], &all["used"], &all["usedPercent"]), (&1_024_000.into(), &768_000.into(), &75.0.into()));
        assert!(!all.contains_key("active"), "Active(anon) is another line");
        assert!(shown("nothing").is_none());
    }
}
