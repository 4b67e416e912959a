//! Sends one request and reads its answer. Must never send the token to an origin other than the configured one, nor read without
//! a bound.

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::preview::Planned;
use crate::response::Response;
use crate::{Client, path};

/// Answers larger than this are refused; the largest honest ones are listings.
const ANSWER_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    List,
    Scan,
    Put,
    Post,
    Patch,
    Delete,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::List => "LIST",
            Self::Scan => "SCAN",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn content_type(self) -> &'static str {
        if self == Self::Patch { "application/merge-patch+json" } else { "application/json" }
    }
}

/// One request. No Debug: the body is secret.
#[derive(Clone, Copy)]
pub struct Request<'a, B: ?Sized = Value> {
    pub method: Method,
    /// Decoded, without `/v1/`.
    pub path: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    /// None sends an empty body.
    pub body: Option<&'a B>,
}

impl Client {
    /// Sends a request; refusals are errors. Errors: all of `Error`.
    pub async fn request<B: Serialize + ?Sized>(&self, method: Method, path: &str, body: Option<&B>) -> Result<Response, Error> {
        self.exchange(Request { method, path, query: &[], body }).await?.checked()
    }

    /// Sends a request; any status is an answer. One redirect (307, 308) within the same origin is followed.
    pub async fn exchange<B: Serialize + ?Sized>(&self, request: Request<'_, B>) -> Result<Response, Error> {
        let method = request.method;
        let url = path::url(&self.base, request.path, request.query)?;
        let shown = path::without_query(&url);
        let body = match request.body {
            Some(body) => Some(encoded(body).ok_or_else(|| Error::Encode { method: method.as_str(), url: shown.clone() })?),
            None => None,
        };
        if let Some(preview) = &self.preview {
            preview.keep(Planned { method, url, headers: self.headers()?, body });
            return Err(Error::NotSent);
        }
        let mut answer = self.send(method, &url, body.clone()).await?;
        if let Some(target) = redirect_target(&url, &answer) {
            let target = target
                .filter(|_| self.follows_redirects)
                .ok_or_else(|| Error::Redirect { method: method.as_str(), url: shown.clone() })?;
            answer = self.send(method, &target, body).await?;
            if redirect_target(&target, &answer).is_some() {
                return Err(Error::Redirect { method: method.as_str(), url: shown });
            }
        }
        self.read_answer(method, shown, answer).await
    }

    async fn send(&self, method: Method, url: &Url, body: Option<Bytes>) -> Result<reqwest::Response, Error> {
        let transport = |source: reqwest::Error| Error::Transport {
            method: method.as_str(),
            url: path::without_query(url),
            source: source.without_url(),
        };
        let verb = reqwest::Method::from_bytes(method.as_str().as_bytes());
        let verb = verb.map_err(|_| Error::Encode { method: method.as_str(), url: path::without_query(url) })?;
        let mut request = self.http.request(verb, url.clone()).headers(self.headers()?);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, method.content_type()).body(body);
        }
        request.send().await.map_err(transport)
    }

    pub(crate) fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = self.extra_headers.clone();
        // Agents in between accept requests only with this header: a browser can't be made to send it across origins.
        headers.insert("x-vault-request", HeaderValue::from_static("true"));
        let optional = [
            ("x-vault-token", "token", self.token.as_ref().map(|token| token.expose())),
            ("x-vault-namespace", "namespace", self.namespace.as_deref()),
            ("x-vault-wrap-ttl", "wrap ttl", self.wrap_ttl.as_deref()),
        ];
        for (header, name, value) in optional {
            if let Some(value) = value {
                headers.insert(HeaderName::from_static(header), check_header(name, value)?);
            }
        }
        Ok(headers)
    }

    pub(crate) async fn read_answer(
        &self,
        method: Method,
        url: String,
        mut answer: reqwest::Response,
    ) -> Result<Response, Error> {
        let status = answer.status().as_u16();
        let mut body = Zeroizing::new(Vec::new());
        loop {
            let chunk = answer.chunk().await;
            let chunk = chunk.map_err(|source| Error::Transport {
                method: method.as_str(),
                url: url.clone(),
                source: source.without_url(),
            })?;
            let Some(chunk) = chunk else { break };
            if body.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
                return Err(Error::TooLarge { method: method.as_str(), url, bytes_max: ANSWER_BYTES_MAX });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { method: method.as_str(), url, namespace: self.namespace.clone(), status, body })
    }
}

/// The bytes are wiped when the last copy is dropped.
fn encoded<B: Serialize + ?Sized>(body: &B) -> Option<Bytes> {
    Some(Bytes::from_owner(Zeroizing::new(serde_json::to_vec(body).ok()?)))
}

/// None: no redirect. Some(None): one that must not be followed.
fn redirect_target(from: &Url, answer: &reqwest::Response) -> Option<Option<Url>> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    // 301 to 303 may turn a write into a read, so they are not followed.
    let keeps_method = matches!(answer.status().as_u16(), 307 | 308);
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let target = location.and_then(|location| from.join(location).ok());
    Some(target.filter(|target| keeps_method && target.origin() == from.origin()))
}

/// Marks the value as sensitive, so that no layer below prints it. Errors: `Header`.
pub(crate) fn check_header(name: &'static str, value: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(value).map_err(|_| Error::Header { name })?;
    value.set_sensitive(true);
    Ok(value)
}
