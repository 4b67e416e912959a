//! URIs as certificates may carry them.

use strongroom_engine::{Error, Result};
use strongroom_types::glob_fits;

use crate::role::Role;

const BYTES_MAX: usize = 2048;

/// Errors: `Invalid` when one is no URI or the role does not allow it.
pub fn judge(role: &Role, uris: &[String]) -> Result<()> {
    if uris.is_empty() {
        return Ok(());
    }
    if role.allowed_uri_sans.is_empty() {
        let text = "URI Subject Alternative Names are not allowed in this role, but were provided via the API";
        return Err(Error::invalid(text));
    }
    check(uris)?;
    let is_allowed = |uri: &String| role.allowed_uri_sans.iter().any(|pattern| glob_fits(pattern, uri));
    if uris.iter().all(is_allowed) {
        return Ok(());
    }
    Err(Error::invalid("URI Subject Alternative Names were provided via the API which are not valid for this role"))
}

/// Errors: `Invalid` when one is no absolute URI.
pub fn check(uris: &[String]) -> Result<()> {
    if uris.iter().all(|uri| is_uri(uri)) {
        return Ok(());
    }
    Err(Error::invalid("a URI Subject Alternative Name must be an absolute URI without spaces and without . or .. in its path"))
}

/// RFC 3986, section 3: a scheme and what follows, in the characters of a URI. SECURITY: dot segments are not taken, or what
/// a pattern fits and what a verifier reads could differ.
fn is_uri(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let is_character = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let folded = rest.to_ascii_lowercase().replace("%2e", ".");
    let has_dots = folded.split(['/', '?', '#']).any(|segment| segment == "." || segment == "..");
    is_scheme && !rest.is_empty() && rest.chars().all(is_character) && !has_dots && uri.len() <= BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(patterns: &[&str]) -> Role {
        Role { allowed_uri_sans: patterns.iter().map(|p| (*p).to_owned()).collect(), ..Role::default() }
    }

    #[test]
    fn uris_must_be_whole_and_fit_a_pattern() {
        let role = role(&["spiffe://example/*"]);
        for (uri, expected) in [
            ("spiffe://example/app", true),
            ("spiffe://example/a/b", true),
            ("spiffe://other/app", false),
            ("spiffe://example/../other", false),
            ("spiffe://example/%2E%2e/other", false),
            ("spiffe://example/a b", false),
            ("spiffe://example/a\0", false),
            ("xspiffe://example/app", false),
            ("::", false),
            ("app", false),
        ] {
            assert_eq!(judge(&role, &[uri.to_owned()]).is_ok(), expected, "{uri}");
        }
        assert!(judge(&Role::default(), &["spiffe://example/app".to_owned()]).is_err());
    }
}
