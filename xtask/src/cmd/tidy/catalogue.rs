//! The catalogue of known defects: every line of `docs/security/catalogue.txt` has a test with one of its ids in its name, or
//! says what it waits for. `docs/security/catalogue.md` is written from both.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, bail};

use super::Findings;
use super::tree::Source;
use crate::place;

const LIST: &str = "docs/security/catalogue.txt";
const PAGE: &str = "docs/security/catalogue.md";
const HEAD: &str = "# Known defects of others, and our tests for them\n\n\
    Written by `cargo xtask tidy --bless` from [catalogue.txt](catalogue.txt) and the names of the tests; `cargo xtask tidy`\n\
    checks it. A line that has tests and still waits has them for the parts that exist.\n";
/// How ids of other people's lists begin, as parts of a test's name: a test may only name what the catalogue lists.
const KINDS: [(&str, usize); 3] = [("cve", 2), ("hcsec", 2), ("ghsa", 3)];

/// One defect.
struct Row {
    group: String,
    ids: Vec<String>,
    what: String,
    waits_for: String,
}

/// A test's name and its file.
type Test = (String, String);

pub fn check(sources: &[Source], bless: bool) -> Result<Findings> {
    let text = fs::read_to_string(place::root().join(LIST)).context(LIST)?;
    let rows = rows(&text)?;
    let tests: Vec<Test> = sources.iter().flat_map(|s| tests_in(&s.code).map(|name| (name, s.path.clone()))).collect();
    let page = page(&rows, &tests);
    if bless {
        fs::write(place::root().join(PAGE), &page).context(PAGE)?;
    }
    let mut findings = gaps(&rows, &tests);
    if fs::read_to_string(place::root().join(PAGE)).unwrap_or_default() != page {
        findings.push(format!("{PAGE}: not what it would be now; write it with `cargo xtask tidy --bless`"));
    }
    Ok(findings)
}

/// Errors: a line that has not four parts, an id twice.
fn rows(text: &str) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [group, ids, what, waits_for] = parts[..] else { bail!("{LIST}: `{line}`: expected four parts") };
        let ids: Vec<String> = ids.split(',').map(|id| id.trim().to_owned()).collect();
        if let Some(id) = ids.iter().find(|id| rows.iter().any(|row| row.ids.contains(id))) {
            bail!("{LIST}: {id} stands there twice");
        }
        rows.push(Row { group: group.to_owned(), ids, what: what.to_owned(), waits_for: waits_for.to_owned() });
    }
    Ok(rows)
}

/// Names of the tests that are run, in code without text.
fn tests_in(code: &str) -> impl Iterator<Item = String> {
    let (mut is_test, mut is_ignored) = (false, false);
    code.lines().filter_map(move |line| {
        let line = line.trim();
        is_ignored |= line.starts_with("#[ignore");
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
        let (was_test, was_ignored) = (std::mem::take(&mut is_test), std::mem::take(&mut is_ignored));
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        (was_test && !was_ignored).then_some(name)
    })
}

impl Row {
    fn is_tested_by(&self, name: &str) -> bool {
        self.ids.iter().any(|id| format!("_{name}_").contains(&format!("_{}_", id.to_lowercase().replace('-', "_"))))
    }
}

/// Lines without tests, and tests without lines.
fn gaps(rows: &[Row], tests: &[Test]) -> Findings {
    let is_bare = |row: &&Row| row.waits_for.is_empty() && !tests.iter().any(|(name, _)| row.is_tested_by(name));
    let bare = rows.iter().filter(is_bare);
    let mut findings: Findings = bare.map(|row| format!("{LIST}: {} has no test and waits for nothing", row.ids[0])).collect();
    for (name, path) in tests {
        let unknown = ids_in(name).into_iter().filter(|id| !rows.iter().any(|row| row.ids.iter().any(|known| known == id)));
        findings.extend(unknown.map(|id| format!("{path}: `{name}` names {id}, which {LIST} does not")));
    }
    findings
}

/// The ids that a test's name holds, as they are written elsewhere.
fn ids_in(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split('_').collect();
    let mut ids = Vec::new();
    for (kind, length) in KINDS {
        for at in (0..words.len()).filter(|at| words[*at] == kind) {
            let parts = words[at + 1..]
                .iter()
                .take(length)
                .map(|part| if kind == "ghsa" { (*part).to_owned() } else { part.to_uppercase() });
            ids.push([vec![kind.to_uppercase()], parts.collect()].concat().join("-"));
        }
    }
    ids
}

fn page(rows: &[Row], tests: &[Test]) -> String {
    let tested = rows.iter().filter(|row| tests.iter().any(|(name, _)| row.is_tested_by(name))).count();
    let mut out =
        format!("{HEAD}\n{} defects: {tested} with tests, {} waiting for parts to come.\n", rows.len(), rows.len() - tested);
    for group in rows.chunk_by(|a, b| a.group == b.group) {
        let _ = writeln!(out, "\n## {}\n\n| ids | what it was | tests | waits for |\n|---|---|---|---|", group[0].group);
        for row in group {
            let tests = tests.iter().filter(|(name, _)| row.is_tested_by(name));
            let tests: Vec<String> = tests.map(|(name, path)| format!("[`{name}`](../../{path})")).collect();
            let _ = writeln!(out, "| {} | {} | {} | {} |", row.ids.join(", "), row.what, tests.join("<br>"), row.waits_for);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# words\na | CVE-2020-1, GHSA-ab-cd-ef | one |\nb | CVE-2020-2 | two | later\nb | CVE-2020-3 | three |";
    const CODE: &str = "#[tokio::test(flavor)]\nasync fn cve_2020_1_works() {}\nfn cve_2020_2_is_no_test() {}\n\
        #[test]\n#[ignore]\nfn cve_2020_3_is_not_run() {}\n#[test]\nfn cve_2020_33_and_ghsa_ab_cd_ef() {}";

    fn tests() -> Vec<Test> {
        tests_in(CODE).map(|name| (name, "a.rs".to_owned())).collect()
    }

    #[test]
    fn lines_without_tests_and_tests_without_lines_are_found() {
        let names: Vec<String> = tests_in(CODE).collect();
        assert_eq!(names, ["cve_2020_1_works", "cve_2020_33_and_ghsa_ab_cd_ef"]);
        let found = gaps(&rows(TEXT).unwrap(), &tests());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("CVE-2020-3 has no test") && found[1].contains("names CVE-2020-33"), "{found:?}");
    }

    #[test]
    fn the_page_shows_each_line_once_with_its_tests() {
        let page = page(&rows(TEXT).unwrap(), &tests());
        assert!(page.contains("3 defects: 1 with tests, 2 waiting"), "{page}");
        assert!(page.contains("| CVE-2020-1, GHSA-ab-cd-ef | one | [`cve_2020_1_works`](../../a.rs)<br>[`cve_2020_33"), "{page}");
        assert!(page.contains("| CVE-2020-2 | two |  | later |"), "{page}");
    }

    #[test]
    fn an_id_stands_there_once_and_every_line_has_four_parts() {
        assert!(rows("a | X | y |\na | X | z |").is_err() && rows("a | X | y").is_err());
    }
}
