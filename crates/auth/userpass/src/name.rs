//! Names of users.

/// Longest name in bytes.
const BYTES_MAX: usize = 255;

/// A name in its one form: lower case, ASCII letters, digits and `_`, inside also `-` and `.`.
/// SECURITY: lookups, the alias and the count of failures all use this form, so no spelling is a second user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserName(String);

impl UserName {
    /// None for what no user can be called.
    pub fn parse(text: &str) -> Option<Self> {
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let bytes = text.as_bytes();
        let ends_fit = bytes.first().is_some_and(is_word) && bytes.last().is_some_and(is_word);
        let fits = ends_fit && bytes.len() <= BYTES_MAX && bytes.iter().all(|b| is_word(b) || matches!(b, b'-' | b'.'));
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_every_spelling() {
        for text in ["CamelCase", "camelcase", "CAMELCASE"] {
            assert_eq!(UserName::parse(text).unwrap().as_str(), "camelcase");
        }
        assert!(UserName::parse("a.b-c_d").is_some() && UserName::parse("7").is_some());
        for text in ["", "-dash", "dash-", ".a", "a b", " a", "a ", "ann@example.com", "a/b", "\u{212a}", "a\u{0}", "é"] {
            assert!(UserName::parse(text).is_none(), "{text:?}");
        }
        assert!(UserName::parse(&"a".repeat(256)).is_none());
    }
}
