//! Paths with `{{ selector }}` in them. A selector that has no value, or a value that could change which segments the
//! path has or act as a wildcard, yields no path at all (CVE-2026-5006, GHSA-59w7-v8rr-pr4p).

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Text(String),
    Selector(String),
}

/// Splits a path at its selectors. None when braces do not pair up.
pub(crate) fn parse(path: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = path;
    while let Some((text, after)) = rest.split_once("{{") {
        let (selector, after) = after.split_once("}}")?;
        if text.contains("}}") || selector.contains("{{") {
            return None;
        }
        parts.push(Part::Text(text.to_owned()));
        parts.push(Part::Selector(selector.trim().to_owned()));
        rest = after;
    }
    if rest.contains("}}") {
        return None;
    }
    parts.push(Part::Text(rest.to_owned()));
    Some(parts)
}

/// The path with every selector replaced. None when one has no value or an unsafe one.
pub(crate) fn fill(parts: &[Part], value_of: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Selector(selector) => out.push_str(&value_of(selector).filter(|value| is_safe(value))?),
        }
    }
    Some(out)
}

/// SECURITY: a value is one piece of one segment, or nothing.
fn is_safe(value: &str) -> bool {
    !value.is_empty() && !value.chars().any(|c| matches!(c, '/' | '*' | '+') || c.is_control())
}
