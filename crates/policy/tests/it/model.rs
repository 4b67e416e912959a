//! A naive model of a decision: every rule is tried, matches are compared pairwise. Shares no code with the crate.

use std::cmp::Ordering;

/// One rule of a policy set: pattern and capability names.
#[derive(Clone, Debug)]
pub struct ModelRule {
    pub path: String,
    pub names: Vec<&'static str>,
}

/// The names that the set grants on a path; `deny` alone is a deny, empty grants nothing.
pub fn granted(rules: &[ModelRule], path: &str, is_folder: bool) -> Vec<&'static str> {
    let decided = match path.strip_suffix('/') {
        None => exact(rules, path).or(best(rules, path)),
        Some(trimmed) => folder(rules, path, trimmed, is_folder),
    };
    decided.map(|pattern| merged(rules, pattern)).unwrap_or_default()
}

fn folder<'a>(rules: &'a [ModelRule], path: &str, trimmed: &str, is_folder: bool) -> Option<&'a str> {
    let usable = |pattern: &&str| is_folder || is_deny(rules, pattern);
    let exacts = [exact(rules, path), exact(rules, trimmed).filter(usable)];
    if let Some(found) = exacts.into_iter().flatten().find(|pattern| is_deny(rules, pattern)) {
        return Some(found);
    }
    if let Some(found) = exacts.into_iter().flatten().next() {
        return Some(found);
    }
    match (best(rules, path), best(rules, trimmed).filter(usable)) {
        (Some(here), Some(other)) => {
            let same = here.trim_end_matches('/') == other.trim_end_matches('/');
            let wins = is_deny(rules, other) && (same || compare(other, here) == Ordering::Greater);
            Some(if wins { other } else { here })
        }
        (here, other) => here.or(other),
    }
}

fn exact<'a>(rules: &'a [ModelRule], path: &str) -> Option<&'a str> {
    rules.iter().map(|rule| rule.path.as_str()).find(|pattern| !is_wild(pattern) && *pattern == path)
}

fn best<'a>(rules: &'a [ModelRule], path: &str) -> Option<&'a str> {
    let matching = rules.iter().map(|rule| rule.path.as_str()).filter(|pattern| is_wild(pattern) && matches(pattern, path));
    matching.max_by(|a, b| compare(a, b))
}

fn is_wild(pattern: &str) -> bool {
    pattern.ends_with('*') || pattern.split('/').any(|segment| segment == "+")
}

fn is_deny(rules: &[ModelRule], pattern: &str) -> bool {
    merged(rules, pattern) == ["deny"]
}

/// All names of all rules on one pattern, sorted; deny swallows the rest.
fn merged(rules: &[ModelRule], pattern: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = rules.iter().filter(|rule| rule.path == pattern).flat_map(|rule| rule.names.clone()).collect();
    if names.contains(&"deny") {
        return vec!["deny"];
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn matches(pattern: &str, path: &str) -> bool {
    let (body, is_glob) = pattern.strip_suffix('*').map_or((pattern, false), |body| (body, true));
    let wanted: Vec<&str> = body.split('/').collect();
    let given: Vec<&str> = path.split('/').collect();
    if given.len() < wanted.len() || (!is_glob && given.len() != wanted.len()) {
        return false;
    }
    let last = wanted.len() - 1;
    wanted
        .iter()
        .zip(&given)
        .enumerate()
        .all(|(at, (wanted, given))| *wanted == "+" || wanted == given || (is_glob && at == last && given.starts_with(wanted)))
}

/// Greater is the pattern that is preferred.
fn compare(a: &str, b: &str) -> Ordering {
    let body = |pattern: &str| pattern.strip_suffix('*').unwrap_or(pattern).to_owned();
    let plus = |pattern: &str| pattern.split('/').filter(|segment| *segment == "+").count();
    let first = |pattern: &str| {
        let mut at = 0;
        for segment in pattern.split('/') {
            if segment == "+" || segment.ends_with('*') && at + segment.len() == pattern.len() {
                return if segment == "+" { at } else { at + segment.len() - 1 };
            }
            at += segment.len() + 1;
        }
        at
    };
    let glob = |pattern: &str| pattern.ends_with('*');
    (first(a).cmp(&first(b)))
        .then(glob(b).cmp(&glob(a)))
        .then(plus(b).cmp(&plus(a)))
        .then(body(a).len().cmp(&body(b).len()))
        .then(body(a).cmp(&body(b)))
}
