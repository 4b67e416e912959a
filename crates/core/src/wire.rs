//! A request as it came off the wire, and the answer as it goes back. `http` fills the one and writes the other.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use strongroom_barrier::Checked;
use strongroom_types::SecretString;

mod upload;

pub use upload::{BrokenOff, Pieces, Upload};

/// What the verb asks for. POST and PUT are one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Method {
    #[default]
    Get,
    Write,
    Patch,
    Delete,
    List,
    Scan,
    Head,
    /// A browser asks whether a page of another origin may send a request.
    Options,
    /// Any other verb: answered 405.
    Other,
}

/// One request, nothing decoded, nothing trusted. Sizes are already bounded by `http`.
pub struct Request {
    pub method: Method,
    /// Raw path after `/v1/`, still percent-encoded.
    pub path: String,
    /// Raw query text without the question mark; empty when there is none.
    pub query: String,
    pub headers: Headers,
    pub body: Bytes,
    pub peer: Peer,
    /// Instead of a body, where `Handler::takes_upload` says so.
    pub upload: Upload,
}

/// The headers that mean something. A repeated header counts by its first value.
#[derive(Debug, Default)]
pub struct Headers {
    /// X-Vault-Token, or else the Bearer token of Authorization. None when neither is there or it is empty.
    pub token: Option<SecretString>,
    pub namespace: Option<String>,
    pub wrap_ttl: Option<String>,
    pub content_type: Option<String>,
    /// User-Agent, bounded to 256 bytes, for the audit log.
    pub user_agent: Option<String>,
    /// Of the page that a browser sends this request for.
    pub origin: Option<String>,
    /// Access-Control-Request-Method of an OPTIONS request.
    pub preflight_method: Option<String>,
    /// Every header, for the few that an operator names.
    pub raw: RawHeaders,
}

/// Looks up headers as they came. `http` has them in a table of its own, so nothing is copied before somebody asks.
pub trait HeaderSource: Send + Sync {
    /// All values of one header in order; `name` is lower case. Bytes that are no text are replaced.
    fn values(&self, name: &str) -> Vec<String>;
}

impl HeaderSource for Vec<(String, String)> {
    fn values(&self, name: &str) -> Vec<String> {
        self.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone()).collect()
    }
}

/// The headers of one request; clones are the same table. SECURITY: among them are credentials.
#[derive(Clone, Default)]
pub struct RawHeaders(Option<Arc<dyn HeaderSource>>);

impl RawHeaders {
    pub fn new(source: impl HeaderSource + 'static) -> Self {
        Self(Some(Arc::new(source)))
    }

    /// Empty when the header is not there. `name` is lower case.
    pub fn values(&self, name: &str) -> Vec<String> {
        self.0.as_ref().map(|source| source.values(name)).unwrap_or_default()
    }
}

impl fmt::Debug for RawHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawHeaders")
    }
}

/// The other end of the connection.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// None on a unix socket. Behind a trusted proxy this is the client that the proxy names.
    pub address: Option<SocketAddr>,
    /// Certificates the client presented (DER, leaf first), possession of the key proven, chain not verified.
    pub certificates: Arc<[Vec<u8>]>,
    /// What the listener that it came to serves without a token.
    pub opens: Opens,
}

/// What a listener serves to whoever can reach it. None by default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Opens {
    /// `sys/rekey/init`, `update` and `verify`.
    pub rekey: bool,
    /// `sys/generate-root/attempt` and `update`.
    pub generate_root: bool,
    /// `sys/metrics`.
    pub metrics: bool,
}

/// Only what a log may show: bodies, paths and queries can hold secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What goes back. `http` adds the headers that every answer has.
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Bytes,
    /// For 307.
    pub location: Option<String>,
    /// Seconds, for 429 and 503.
    pub retry_after_s: Option<u32>,
    /// Headers that few answers have, such as those of CORS.
    pub extra: ExtraHeaders,
    /// Sent instead of `body`.
    pub file: Option<Content>,
    /// The server puts it in the store's place before the answer leaves. Nobody else looks at it.
    pub restore: Option<Box<Checked>>,
}

/// A body that memory should not hold.
pub struct Content {
    pub bytes: u64,
    pub reader: Box<dyn std::io::Read + Send>,
}

/// Names and values, in the order in which they go out.
pub type ExtraHeaders = Vec<(Cow<'static, str>, String)>;

/// Without the body: it can hold secrets.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Content type of every JSON answer, exactly so: clients compare the whole text.
pub const JSON: &str = "application/json";

impl Answer {
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: JSON,
            body: body.into(),
            location: None,
            retry_after_s: None,
            extra: Vec::new(),
            file: None,
            restore: None,
        }
    }

    pub fn empty(status: u16) -> Self {
        Self::json(status, Bytes::new())
    }

    /// `{"errors":[..]}`.
    pub fn errors(status: u16, texts: &[&str]) -> Self {
        let body = serde_json::to_vec(&serde_json::json!({ "errors": texts })).unwrap_or_default();
        Self::json(status, body)
    }
}

/// What `http` serves. Must answer everything, and must never panic.
pub trait Handler: Send + Sync + 'static {
    fn handle(&self, request: Request) -> impl Future<Output = Answer> + Send;

    /// Whether the body of such a request comes as an `Upload`. `path` as in `Request`.
    fn takes_upload(&self, _method: Method, _path: &str) -> bool {
        false
    }

    /// What every page for browsers (all below `/ui/`) carries besides the headers of all answers.
    fn page_headers(&self) -> impl Future<Output = ExtraHeaders> + Send {
        std::future::ready(Vec::new())
    }

    /// What a listener for metrics alone serves. 404 where there are none.
    fn metrics(&self) -> impl Future<Output = Answer> + Send {
        std::future::ready(Answer::errors(404, &[]))
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Headers, Method, Peer, RawHeaders, Request};

    #[test]
    fn debug_output_holds_no_secret() {
        let request = Request {
            method: Method::Write,
            path: "hush".to_owned(),
            query: "hush".to_owned(),
            headers: Headers {
                token: Some("hush".into()),
                raw: RawHeaders::new(vec![("x-vault-token".to_owned(), "hush".to_owned())]),
                ..Headers::default()
            },
            body: "hush".into(),
            peer: Peer::default(),
            upload: super::Upload::default(),
        };
        let shown = format!("{request:?} {:?}", Answer::json(200, "hush"));
        assert!(shown.contains("body_bytes: 4") && !shown.contains("hush"), "{shown}");
        assert!(!format!("{:?}", request.headers).contains("hush"));
    }
}
