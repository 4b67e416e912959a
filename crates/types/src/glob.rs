//! Patterns with `*` for any text, also none, dots and slashes included. Everything else stands for itself.

/// Whether the whole text fits the pattern. Takes time in proportion to the lengths multiplied, whatever the pattern.
pub fn glob_fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    // The first place that fits is as good as any later one: what is left for the others is longest.
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::glob_fits;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*", "abc", true),
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*c", "abc", true),
            ("*c", "cb", false),
            ("a*c", "ac", true),
            ("ab*bc", "abc", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*b*", "abc", true),
            ("a**c", "abc", true),
            ("", "", true),
            ("", "a", false),
            ("*.example.com", "x.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "x.example.com.evil.org", false),
            ("spiffe://example/*", "spiffe://example/app", true),
            ("spiffe://example/*", "spiffe://example.org/app", false),
            ("a?c", "abc", false),
            ("[a]", "a", false),
        ] {
            assert_eq!(glob_fits(pattern, text), fits, "{pattern} {text}");
        }
    }

    /// As the definition says it, letter by letter.
    fn model(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), None) => model(rest, text),
            (Some(('*', rest)), Some((_, shorter))) => model(rest, text) || model(pattern, shorter),
            (Some((p, rest)), Some((t, shorter))) => p == t && model(rest, shorter),
            _ => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn it_agrees_with_the_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            proptest::prop_assert_eq!(glob_fits(&pattern, &text), model(&chars(&pattern), &chars(&text)));
        }
    }
}
