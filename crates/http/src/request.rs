//! From a parsed HTTP head to a `wire::Request`. Takes texts as they came: decodes no path, judges no token, and never
//! fails because of an odd header value.

use http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN, USER_AGENT,
};
use http::request::Parts;
use strongroom_core::wire::{HeaderSource, Headers, Method, RawHeaders};
use strongroom_types::SecretString;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const WRAP_TTL: HeaderName = HeaderName::from_static("x-vault-wrap-ttl");
const USER_AGENT_BYTES_MAX: usize = 256;

/// Stands for a token in bytes that no token has. It matches none, so the request is refused like any wrong token.
const NO_TOKEN_LIKE_THIS: &str = "\u{fffd}";

/// Whether a page for browsers is asked for.
pub(crate) fn is_page(parts: &Parts) -> bool {
    let path = parts.uri.path();
    path == "/ui" || path.starts_with("/ui/")
}

/// The path after `/v1/`, or None when it is not below that.
pub(crate) fn api_path(parts: &Parts) -> Option<&str> {
    parts.uri.path().strip_prefix("/v1/")
}

pub(crate) fn method(parts: &Parts) -> Method {
    match parts.method.as_str() {
        "GET" => Method::Get,
        "POST" | "PUT" => Method::Write,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "LIST" => Method::List,
        "SCAN" => Method::Scan,
        "HEAD" => Method::Head,
        "OPTIONS" => Method::Options,
        _ => Method::Other,
    }
}

pub(crate) fn headers(map: HeaderMap) -> Headers {
    Headers {
        token: token(&map),
        namespace: text(&map, &NAMESPACE),
        wrap_ttl: text(&map, &WRAP_TTL),
        content_type: text(&map, &CONTENT_TYPE),
        user_agent: text(&map, &USER_AGENT).map(bounded),
        origin: text(&map, &ORIGIN),
        preflight_method: text(&map, &ACCESS_CONTROL_REQUEST_METHOD),
        raw: RawHeaders::new(Table(map)),
    }
}

/// The table that hyper made, moved and not copied.
struct Table(HeaderMap);

impl HeaderSource for Table {
    fn values(&self, name: &str) -> Vec<String> {
        self.0.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }
}

fn token(map: &HeaderMap) -> Option<SecretString> {
    map.get(&TOKEN).filter(|value| !value.is_empty()).map(secret).or_else(|| bearer(map))
}

/// The scheme counts in this spelling only, as with the reference.
fn bearer(map: &HeaderMap) -> Option<SecretString> {
    let mut schemes = map.get_all(AUTHORIZATION).iter();
    let value = schemes.find_map(|value| value.as_bytes().strip_prefix(b"Bearer "))?.trim_ascii();
    (!value.is_empty()).then(|| secret_from_bytes(value))
}

fn secret(value: &HeaderValue) -> SecretString {
    secret_from_bytes(value.as_bytes())
}

fn secret_from_bytes(value: &[u8]) -> SecretString {
    match std::str::from_utf8(value) {
        Ok(text) if text.is_ascii() => SecretString::from(text),
        _ => SecretString::from(NO_TOKEN_LIKE_THIS),
    }
}

fn text(map: &HeaderMap, name: &HeaderName) -> Option<String> {
    map.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(USER_AGENT_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Request};
    use strongroom_core::wire::Method;

    use super::{NO_TOKEN_LIKE_THIS, api_path, headers, method};

    fn check_token(sent: &[(&'static str, &[u8])], expected: Option<&str>) {
        let mut map = HeaderMap::new();
        for (name, value) in sent {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        assert_eq!(headers(map.clone()).token.as_ref().map(|token| token.expose()), expected, "{sent:?}");
    }

    #[test]
    fn the_token_header_comes_before_authorization() {
        check_token(&[], None);
        check_token(&[("x-vault-token", b"t")], Some("t"));
        check_token(&[("x-vault-token", b"t"), ("authorization", b"Bearer b")], Some("t"));
        check_token(&[("x-vault-token", b""), ("authorization", b"Bearer b")], Some("b"));
        check_token(&[("x-vault-token", b"one"), ("x-vault-token", b"two")], Some("one"));
        check_token(&[("authorization", b"Bearer b")], Some("b"));
        check_token(&[("authorization", b"Basic x"), ("authorization", b"Bearer b")], Some("b"));
        check_token(&[("authorization", b"bearer b")], None);
        check_token(&[("authorization", b"Bearer ")], None);
        check_token(&[("authorization", b"Bearer")], None);
    }

    #[test]
    fn odd_tokens_are_wrong_tokens() {
        check_token(&[("x-vault-token", b"two words")], Some("two words"));
        check_token(&[("x-vault-token", b"caf\xc3\xa9")], Some(NO_TOKEN_LIKE_THIS));
        check_token(&[("authorization", b"Bearer \xff")], Some(NO_TOKEN_LIKE_THIS));
    }

    #[test]
    fn post_and_put_are_one_and_unknown_verbs_are_told_apart() {
        let verbs = [
            ("GET", Method::Get),
            ("POST", Method::Write),
            ("PUT", Method::Write),
            ("PATCH", Method::Patch),
            ("DELETE", Method::Delete),
            ("LIST", Method::List),
            ("SCAN", Method::Scan),
            ("HEAD", Method::Head),
            ("TRACE", Method::Other),
            ("get", Method::Other),
        ];
        for (verb, expected) in verbs {
            let (parts, ()) = Request::builder().method(verb).uri("/v1/x").body(()).unwrap().into_parts();
            assert_eq!(method(&parts), expected, "{verb}");
        }
    }

    #[test]
    fn only_paths_below_v1_are_ours_and_stay_encoded() {
        for (uri, expected) in [
            ("/v1/a%2Fb?list=true", Some("a%2Fb")),
            ("/v1/", Some("")),
            ("/v1//x", Some("/x")),
            ("http://host/v1/x", Some("x")),
            ("/v1", None),
            ("/v2/x", None),
            ("/", None),
            ("*", None),
        ] {
            let (parts, ()) = Request::builder().method("GET").uri(uri).body(()).unwrap().into_parts();
            assert_eq!(api_path(&parts), expected, "{uri}");
        }
    }

    #[test]
    fn a_long_user_agent_is_cut_between_characters() {
        let mut map = HeaderMap::new();
        map.insert("user-agent", HeaderValue::from_bytes("é".repeat(400).as_bytes()).unwrap());
        assert_eq!(headers(map.clone()).user_agent.unwrap().len(), 256);
    }
}
