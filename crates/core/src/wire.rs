//! A request as it came off the wire, and the answer as it goes back. `http` fills the one and writes the other.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use strongroom_types::SecretString;

/// What the verb asks for. POST and PUT are one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    Get,
    Write,
    Patch,
    Delete,
    List,
    Scan,
    Head,
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
}

/// The other end of the connection.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// None on a unix socket. Behind a trusted proxy this is the client that the proxy names.
    pub address: Option<SocketAddr>,
    /// Certificates the client presented (DER, leaf first), possession of the key proven, chain not verified.
    pub certificates: Arc<[Vec<u8>]>,
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
}

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
        Self { status, content_type: JSON, body: body.into(), location: None, retry_after_s: None }
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
}

#[cfg(test)]
mod tests {
    use super::{Answer, Headers, Method, Peer, Request};

    #[test]
    fn debug_output_holds_no_secret() {
        let request = Request {
            method: Method::Write,
            path: "hush".to_owned(),
            query: "hush".to_owned(),
            headers: Headers { token: Some("hush".into()), ..Headers::default() },
            body: "hush".into(),
            peer: Peer::default(),
        };
        let shown = format!("{request:?} {:?}", Answer::json(200, "hush"));
        assert!(shown.contains("body_bytes: 4") && !shown.contains("hush"), "{shown}");
        assert!(!format!("{:?}", request.headers).contains("hush"));
    }
}
