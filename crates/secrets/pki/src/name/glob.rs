//! Stars in allowed names: each stands for any text, also none, dots and slashes included. Everything else stands for itself.

/// Whether the whole text fits the pattern. Takes time in proportion to both lengths together for each star.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part).filter(|_| !part.is_empty()).or(part.is_empty().then_some(("", rest)))
        else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_any_text_and_nothing_else_does() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a", "", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything/at.all", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a**c", "ac", true),
            ("ab*ba", "aba", false),
            ("*.example.com", "x.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "x.example.com.evil.org", false),
            ("spiffe://example/*", "spiffe://example/app", true),
            ("spiffe://example/*", "spiffe://example.org/app", false),
            ("a?c", "abc", false),
            ("[a]", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
