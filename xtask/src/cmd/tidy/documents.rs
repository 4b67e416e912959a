//! The documents that must be there and what each must hold.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Findings, graph};
use crate::place;

const NEEDED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "LICENSE",
    "docs/STATUS.md",
    "docs/benchmarks.md",
];
const ARCHITECTURE_LINES_MAX: usize = 300;
/// A decision is at most a page.
const DECISION_LINES_MAX: usize = 80;

fn text(path: &str) -> Option<String> {
    fs::read_to_string(place::root().join(path)).ok()
}

pub fn check(metadata: &Value) -> Result<Findings> {
    let mut findings: Findings =
        NEEDED.iter().filter(|p| !place::root().join(p).is_file()).map(|p| format!("{p} is missing")).collect();
    if let Some(page) = text("ARCHITECTURE.md") {
        findings.extend(architecture(&page, metadata));
    }
    if let Some(page) = text("CHANGELOG.md")
        && !unreleased_has_a_line(&page)
    {
        findings.push("CHANGELOG.md: no line under `## [Unreleased]`".to_owned());
    }
    findings.extend(decisions()?);
    Ok(findings)
}

fn architecture(page: &str, metadata: &Value) -> Findings {
    let mut findings = Findings::new();
    if page.lines().count() > ARCHITECTURE_LINES_MAX {
        findings.push(format!("ARCHITECTURE.md: more than {ARCHITECTURE_LINES_MAX} lines"));
    }
    for (name, folder) in graph::crates(metadata) {
        let own_line = |line: &str| {
            let line = line.trim_start_matches([' ', '│', '├', '└', '─', '|', '`', '-', '*']);
            line.strip_prefix(&name).is_some_and(|rest| rest.starts_with([' ', '/', '`']))
        };
        let quoted = [format!("`{name}`"), format!("`strongroom-{name}`")];
        if !page.contains(&folder) && !quoted.iter().any(|q| page.contains(q)) && !page.lines().any(own_line) {
            findings.push(format!("ARCHITECTURE.md does not name `{name}` ({folder})"));
        }
    }
    findings
}

fn unreleased_has_a_line(page: &str) -> bool {
    let mut section = page.lines().skip_while(|l| !l.to_lowercase().starts_with("## [unreleased]")).skip(1);
    section.by_ref().take_while(|l| !l.starts_with("## ")).any(|l| l.starts_with("- "))
}

/// `NNNN-title.md`, each number once, one page each.
fn decisions() -> Result<Findings> {
    let (mut findings, mut numbers) = (Findings::new(), BTreeSet::new());
    let folder = place::root().join("docs/decisions");
    if !folder.is_dir() {
        return Ok(vec!["docs/decisions/ is missing".to_owned()]);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == "README.md" {
            continue;
        }
        let number = name.get(..4).filter(|n| n.bytes().all(|b| b.is_ascii_digit()) && name[4..].starts_with('-'));
        match number.and_then(|n| n.parse::<usize>().ok()) {
            None => findings.push(format!("docs/decisions/{name}: not called NNNN-title.md")),
            Some(number) if !numbers.insert(number) => findings.push(format!("docs/decisions/{name}: {number} is taken")),
            Some(_) => {}
        }
        let lines = fs::read_to_string(&path).with_context(|| name.clone())?.lines().count();
        if lines > DECISION_LINES_MAX {
            findings.push(format!("docs/decisions/{name}: {lines} lines; a decision is one page ({DECISION_LINES_MAX})"));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changelog_needs_a_line_under_unreleased() {
        for (page, fine) in [
            ("## [Unreleased]\n### Added\n- A thing.\n", true),
            ("## [Unreleased]\n\n## [1.0.0]\n- Old.\n", false),
            ("# Changelog\n", false),
        ] {
            assert_eq!(unreleased_has_a_line(page), fine, "{page}");
        }
    }
}
