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
            if compares_a_secret(line) {
                findings.push(format!("{place}: a secret is compared with an operator; take eq_constant_time"));
            }
            let switched_off = line.contains("allow(") && FIRM_LINTS.iter().any(|lint| has_word(line, lint));
            if switched_off {
                findings.push(format!("{place}: a firm lint is switched off; `expect` it at one place, with its reason"));
            }
        }
    }
    findings
}

/// Whether what was taken out of a secret stands beside `==` or `!=`. Its length is none.
fn compares_a_secret(line: &str) -> bool {
    let words = line.replace("()", "").replace(['(', ')', ';', ','], " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_secret = |word: &str| word.contains(".expose") && !word.ends_with(".len");
    words.windows(3).any(|three| matches!(three, [a, "==" | "!=", b] if is_secret(a) || is_secret(b)))
}

#[cfg(test)]
mod tests {
    use super::compares_a_secret;

    #[test]
    fn ghsa_34fc_gh42_pj53_operators_beside_a_secret_are_found() {
        for line in ["if a.expose() == b {", "x != self.key.expose()", "(given.expose()) == y", "a == b.expose().as_bytes()"] {
            assert!(compares_a_secret(line), "{line}");
        }
        for line in [
            "let b = a.expose();",
            "if a.expose().is_empty() && n == 3 {",
            "eq_constant_time(a.expose(), b)",
            "n == 3 && f(a.expose())",
        ] {
            assert!(!compares_a_secret(line), "{line}");
        }
    }
}
