//! Turns an API path into a URL. Must never let the URL parser rewrite a path: a caller who names `a/../b` must not reach `b`.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::Url;

use crate::error::Error;

/// What has a meaning in a URL's path, `%` included: paths come in decoded.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// `path` is decoded, without `/v1/`; slashes at both ends are dropped. Errors: `Path`.
pub(crate) fn url(base: &Url, path: &str, query: &[(&str, &str)]) -> Result<Url, Error> {
    let bad = || Error::Path { path: path.to_owned() };
    let trimmed = path.trim_matches('/');
    if trimmed.split('/').any(|segment| matches!(segment, "" | "." | "..")) || trimmed.contains(char::is_control) {
        return Err(bad());
    }
    let mut url = base.clone();
    url.set_path(&format!("{}/v1/{}", base.path().trim_end_matches('/'), utf8_percent_encode(trimmed, RESERVED)));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// For errors: a query can hold what its sender did not mean to publish.
pub(crate) fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&str>) {
        let base = Url::parse("https://host:8200/prefix/").unwrap();
        let found = url(&base, path, &[]).ok().map(String::from);
        assert_eq!(found.as_deref(), expected.map(|rest| format!("https://host:8200/prefix/v1/{rest}")).as_deref(), "{path}");
    }

    #[test]
    fn names_reach_the_server_as_they_are() {
        check("secret/data/a", Some("secret/data/a"));
        check("/secret/data/a/", Some("secret/data/a"));
        check("secret/data/a b", Some("secret/data/a%20b"));
        check("secret/data/100%", Some("secret/data/100%25"));
        check("secret/data/%2e%2e", Some("secret/data/%252e%252e"));
        check("secret/data/a?b#c", Some("secret/data/a%3Fb%23c"));
        check(r"secret/data/..\x", Some("secret/data/..%5Cx"));
        check("secret/data/ü", Some("secret/data/%C3%BC"));
        check("secret/data/...", Some("secret/data/..."));
    }

    #[test]
    fn a_path_that_a_parser_would_rewrite_is_refused() {
        for path in ["", "/", "a//b", "a/../b", "a/./b", "..", "a/..", "a\n/b", "a\0"] {
            check(path, None);
        }
    }

    #[test]
    fn the_query_is_encoded_and_left_out_of_errors() {
        let base = Url::parse("http://host").unwrap();
        let url = url(&base, "a", &[("version", "3"), ("x", "a&b")]).unwrap();
        assert_eq!(url.as_str(), "http://host/v1/a?version=3&x=a%26b");
        assert_eq!(without_query(&url), "http://host/v1/a");
    }
}
