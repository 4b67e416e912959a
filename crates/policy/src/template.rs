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

/// A pattern for every path that the template could stand for: each segment that holds a selector becomes `+`, for any
/// segment. What can't be said with `+` is said with a star, which covers more.
pub(crate) fn widened(parts: &[Part]) -> String {
    /// Stands for a selector; no path holds it.
    const HOLE: char = '\u{0}';
    let text: String = parts.iter().map(|part| if let Part::Text(text) = part { text.as_str() } else { "\u{0}" }).collect();
    let mut segments = Vec::new();
    for segment in text.split('/') {
        match (segment.contains(HOLE), segment.ends_with('*')) {
            (true, true) => segments.push("*"),
            (true, false) => segments.push("+"),
            (false, _) => segments.push(segment),
        }
    }
    segments.join("/")
}

/// SECURITY: a value is one piece of one segment, or nothing.
fn is_safe(value: &str) -> bool {
    !value.is_empty() && !value.chars().any(|c| matches!(c, '/' | '*' | '+' | ',') || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_widened_template_covers_all_that_it_could_stand_for() {
        for (template, pattern) in [
            ("secret/{{identity.entity.name}}/*", "secret/+/*"),
            ("secret/team-{{identity.entity.metadata.t}}/x", "secret/+/x"),
            ("secret/{{identity.entity.name}}*", "secret/*"),
            ("{{identity.entity.id}}", "+"),
            ("a/{{x}}{{y}}/b/{{z}}", "a/+/b/+"),
        ] {
            assert_eq!(widened(&parse(template).unwrap()), pattern, "{template}");
        }
    }

    #[test]
    fn ghsa_59w7_v8rr_pr4p_unsafe_values_fill_nothing() {
        let parts = parse("kv/{{v}}/*").unwrap();
        for value in ["", "a/b", "*", "a*", "+", "a+b", "a,b", "a\nb", "a\u{0}"] {
            assert_eq!(fill(&parts, &|_| Some(value.to_owned())), None, "{value:?}");
        }
        assert_eq!(fill(&parts, &|_| Some("a b".to_owned())).as_deref(), Some("kv/a b/*"));
    }
}
