//! Words that name nothing, and code that the lints let through only because somebody asked them to.

use std::path::PathBuf;

use super::Findings;
use super::scan::has_word;
use super::tree::Source;

/// A module is called by a noun of the field; these are not.
const EMPTY_WORDS: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "manager", "base"];
/// Lints that production code may not switch off.
const FIRM_LINTS: &[&str] =
    &["unwrap_used", "expect_used", "indexing_slicing", "arithmetic_side_effects", "todo", "unimplemented", "unsafe_code"];
/// What may not stand in production code.
const FORBIDDEN: &[&str] = &[".unwrap()", "todo!(", "unimplemented!(", "dbg!("];

pub fn check(files: &[PathBuf]) -> Findings {
    let mut findings = Findings::new();
    for path in files.iter().filter(|p| p.starts_with("crates") || p.starts_with("xtask")) {
        for part in path.iter().map(|part| part.to_string_lossy()) {
            let stem = part.split('.').next().unwrap_or_default();
            if stem.split(['_', '-']).any(|word| EMPTY_WORDS.contains(&word)) {
                findings.push(format!("{}: `{part}` names nothing; take a noun of the field", path.display()));
            }
        }
    }
    findings
}

pub fn forbidden_code(sources: &[Source]) -> Findings {
    let mut findings = Findings::new();
    for source in sources {
        let product = source.path.starts_with("crates/");
        for (number, line) in source.code.lines().enumerate() {
            let place = format!("{}:{}", source.path, number + 1);
            if has_word(line, "unsafe") && !source.path.starts_with("crates/os/") {
                findings.push(format!("{place}: unsafe outside of crates/os"));
            }
        }
        for (number, line) in source.production.lines().enumerate().filter(|_| product) {
            let place = format!("{}:{}", source.path, number + 1);
            findings.extend(FORBIDDEN.iter().filter(|f| line.contains(**f)).map(|f| format!("{place}: {f} in production code")));
            let switched_off = line.contains("allow(") && FIRM_LINTS.iter().any(|lint| has_word(line, lint));
            if switched_off {
                findings.push(format!("{place}: a firm lint is switched off; `expect` it at one place, with its reason"));
            }
        }
    }
    findings
}
