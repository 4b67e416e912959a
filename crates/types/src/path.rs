//! The one form of a request path. Routing, policy, audit and engines see nothing else (security.md A.8).

use percent_encoding::percent_decode_str;

/// Longest path that is looked at, in bytes after decoding.
pub const PATH_BYTES_MAX: usize = 16 * 1024;

/// A decoded path without leading slash: valid UTF-8, no empty and no dot segments, no control characters.
/// It may be empty, and may end in one slash, which means the folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CanonicalPath(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Plain `//`, `/./` or `/../`: the client is sent to the cleaned path, which is then judged like any other.
    #[error("path is not clean")]
    Redirect(String),
    /// A segment that becomes empty or a dot segment only by decoding.
    #[error("relative paths not supported")]
    Relative,
    #[error("path contains a control character")]
    Control,
    #[error("path is not valid UTF-8")]
    NotUtf8,
    #[error("path is longer than 16384 bytes")]
    TooLong,
}

impl CanonicalPath {
    /// Decodes the raw path (what follows `/v1/` on the wire) once. Errors: see `PathError`.
    pub fn parse(raw: &str) -> Result<Self, PathError> {
        if raw.len() > PATH_BYTES_MAX.saturating_mul(3) {
            return Err(PathError::TooLong);
        }
        if let Some(clean) = cleaned(raw) {
            return Err(PathError::Redirect(clean));
        }
        let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| PathError::NotUtf8)?;
        Self::from_decoded(&decoded)
    }

    /// Checks a path that came decoded, such as one in a body. Errors: as `parse`, never `Redirect`.
    pub fn from_decoded(path: &str) -> Result<Self, PathError> {
        if path.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        if path.chars().any(char::is_control) {
            return Err(PathError::Control);
        }
        let body = path.strip_suffix('/').unwrap_or(path);
        if (!path.is_empty() && body.is_empty()) || (!body.is_empty() && body.split('/').any(is_dot_or_empty)) {
            return Err(PathError::Relative);
        }
        Ok(Self(path.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_folder(&self) -> bool {
        self.0.ends_with('/') || self.0.is_empty()
    }
}

impl std::fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_dot_or_empty(segment: &str) -> bool {
    matches!(segment, "" | "." | "..")
}

/// The path without its empty and plain dot segments, or None when it has none.
fn cleaned(raw: &str) -> Option<String> {
    let body = raw.strip_suffix('/').unwrap_or(raw);
    let is_clean = (body.is_empty() && raw.is_empty()) || (!body.is_empty() && !body.split('/').any(is_dot_or_empty));
    if is_clean {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in body.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let mut out = kept.join("/");
    if raw.ends_with('/') && !out.is_empty() {
        out.push('/');
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: Result<&str, PathError>) {
        assert_eq!(CanonicalPath::parse(raw).as_ref().map(CanonicalPath::as_str), expected.as_ref().copied(), "{raw}");
    }

    #[test]
    fn a_path_has_one_form() {
        for (raw, clean) in [
            ("", ""),
            ("a", "a"),
            ("a/", "a/"),
            ("a/b", "a/b"),
            ("a%2Fb", "a/b"),
            ("%61", "a"),
            ("%C5%BE", "ž"),
            ("a%20b", "a b"),
            ("..a/b..", "..a/b.."),
        ] {
            check(raw, Ok(clean));
        }
        for (raw, clean) in
            [("a//b", "a/b"), ("a/./b", "a/b"), ("a/../b", "b"), ("/a", "a"), ("a//", "a/"), ("../a", "a"), ("a/..", "")]
        {
            check(raw, Err(PathError::Redirect(clean.into())));
        }
        for raw in ["a/%2e%2e/b", "a/%2e/b", "a/.%2e/b", "a%2F%2Fb", "%2Fa", "a%2F..%2Fb", "%2f", "%2e"] {
            check(raw, Err(PathError::Relative));
        }
        for raw in ["a%00", "a%0Ab", "%7f", "a%C2%85"] {
            check(raw, Err(PathError::Control));
        }
        check("%ff", Err(PathError::NotUtf8));
        check(&"a".repeat(PATH_BYTES_MAX + 1), Err(PathError::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn what_parses_is_clean_and_stays_so(raw in "[a-z%./2ef0]{0,24}") {
            if let Ok(path) = CanonicalPath::parse(&raw) {
                let text = path.as_str();
                assert!(text.is_empty() || text.trim_end_matches('/').split('/').all(|s| !matches!(s, "" | "." | "..")), "{text}");
                assert_eq!(CanonicalPath::from_decoded(text).as_ref().map(CanonicalPath::as_str), Ok(text));
            }
        }
    }
}
