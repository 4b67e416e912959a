//! What was copied, and what was not with the reason. Names only, never a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::output::table;

/// Rows of the table that name what was left behind; the JSON report has all.
const ROWS_MAX: usize = 100;

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Report {
    /// By kind, such as `kv secrets`.
    pub counts: BTreeMap<String, Counts>,
    pub not_carried: Vec<Note>,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Counts {
    pub found: u64,
    /// Now at the target, from this run or before it.
    pub carried: u64,
    pub skipped: u64,
    pub failed: u64,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Note {
    pub kind: String,
    pub name: String,
    pub reason: String,
    /// It should have worked: running again may help.
    pub is_failure: bool,
}

/// What became of one thing.
pub(super) enum Fate {
    Carried,
    /// Carried, but for a part.
    Partly(Vec<String>),
    /// It can't be carried.
    Skipped(String),
    Failed(String),
}

impl Report {
    pub(super) fn add(&mut self, kind: &str, name: &str, fate: Fate) {
        let counts = self.counts.entry(kind.to_owned()).or_default();
        counts.found = counts.found.saturating_add(1);
        let (count, reasons, is_failure) = match fate {
            Fate::Carried => (&mut counts.carried, Vec::new(), false),
            Fate::Partly(reasons) => (&mut counts.carried, reasons, false),
            Fate::Skipped(reason) => (&mut counts.skipped, vec![reason], false),
            Fate::Failed(reason) => (&mut counts.failed, vec![reason], true),
        };
        *count = count.saturating_add(1);
        let note = |reason| Note { kind: kind.to_owned(), name: name.to_owned(), reason, is_failure };
        self.not_carried.extend(reasons.into_iter().map(note));
    }

    /// Things that are only counted, such as versions within a secret.
    pub(super) fn count(&mut self, kind: &str, carried: u64, skipped: u64) {
        if carried == 0 && skipped == 0 {
            return;
        }
        let counts = self.counts.entry(kind.to_owned()).or_default();
        counts.found = counts.found.saturating_add(carried).saturating_add(skipped);
        counts.carried = counts.carried.saturating_add(carried);
        counts.skipped = counts.skipped.saturating_add(skipped);
    }

    pub(super) fn has_failures(&self) -> bool {
        self.not_carried.iter().any(|note| note.is_failure)
    }

    pub(super) fn table(&self, is_dry: bool) -> String {
        let carried = if is_dry { "To carry" } else { "Carried" };
        let row = |(kind, c): (&String, &Counts)| {
            let figures = [c.found, c.carried, c.skipped, c.failed].map(|n| n.to_string());
            [vec![kind.clone()], figures.to_vec()].concat()
        };
        let counts: Vec<_> = self.counts.iter().map(row).collect();
        let mut text = table::columns(&["Kind", "Found", carried, "Skipped", "Failed"], &counts);
        if self.not_carried.is_empty() {
            return text;
        }
        let shown = self.not_carried.iter().take(ROWS_MAX).map(|note| {
            let how = if note.is_failure { "failed" } else { "skipped" };
            vec![note.kind.clone(), note.name.clone(), how.to_owned(), note.reason.clone()]
        });
        text.push('\n');
        text.push_str(&table::columns(&["Kind", "Name", "What", "Reason"], &shown.collect::<Vec<_>>()));
        let more = self.not_carried.len().saturating_sub(ROWS_MAX);
        if more > 0 {
            text.push_str(&format!("\n{more} more: the JSON report (-format=json, or -report=FILE) has all.\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, Report};

    #[test]
    fn every_fate_is_counted_once_and_only_failures_fail() {
        let mut report = Report::default();
        report.add("policies", "a", Fate::Carried);
        report.add("policies", "b", Fate::Partly(vec!["one".into(), "two".into()]));
        report.add("policies", "c", Fate::Skipped("why".into()));
        let counts = report.counts.get("policies").map(|c| (c.found, c.carried, c.skipped, c.failed));
        assert_eq!((counts, report.not_carried.len(), report.has_failures()), (Some((3, 2, 1, 0)), 3, false));
        report.add("policies", "d", Fate::Failed("403".into()));
        assert!(report.has_failures());
        let table = report.table(true);
        assert!(table.contains("To carry") && table.contains("failed") && table.contains("403"), "{table}");
    }
}
