//! How long files and functions may be. What is longer today stands in `xtask/tidy/large_files.txt` with its length,
//! which may only shrink.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use super::Findings;
use super::scan::item_end;
use super::tree::Source;
use crate::place;

/// Production lines of a file.
const FILE_LINES_MAX: usize = 500;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

fn exceptions() -> Result<BTreeMap<String, usize>> {
    let path = place::own("tidy/large_files.txt");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| {
            let (file, lines) = line.rsplit_once(' ').with_context(|| format!("`{line}`: expected a file and its lines"))?;
            Ok((file.trim().to_owned(), lines.parse().with_context(|| line.to_owned())?))
        })
        .collect()
}

pub fn files(sources: &[Source]) -> Result<Findings> {
    let (allowed, mut findings) = (exceptions()?, Findings::new());
    for source in sources {
        let lines = source.production.trim_end().lines().count();
        match allowed.get(&source.path) {
            None if lines > FILE_LINES_MAX => {
                findings.push(format!("{}: {lines} production lines; stop at {FILE_LINES_MAX}", source.path));
            }
            Some(limit) if lines > *limit => findings.push(format!("{}: grew from {limit} to {lines} lines", source.path)),
            Some(limit) if lines < *limit => {
                findings.push(format!("{}: {lines} lines; say so in large_files.txt (it has {limit})", source.path));
            }
            _ => {}
        }
    }
    let gone = allowed.keys().filter(|p| !sources.iter().any(|s| s.path == **p));
    findings.extend(gone.map(|p| format!("large_files.txt: {p} is gone")));
    Ok(findings)
}

pub fn functions(sources: &[Source]) -> Findings {
    sources.iter().flat_map(|source| long_functions(&source.path, &source.production)).collect()
}

fn long_functions(path: &str, code: &str) -> Findings {
    let mut findings = Findings::new();
    for (at, _) in code.match_indices("fn ") {
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() || code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let lines = code[at..at + item_end(&code[at..])].lines().count();
        if lines > FUNCTION_LINES_MAX {
            let line = code[..at].lines().count();
            findings.push(format!("{path}:{line}: `{name}` has {lines} lines; stop at {FUNCTION_LINES_MAX}"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_found_by_its_braces() {
        let long = format!("fn short() {{}}\nfn long() {{\n{}}}\n", "x();\n".repeat(FUNCTION_LINES_MAX));
        let found = long_functions("a.rs", &long);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("`long`"), "{found:?}");
    }
}
