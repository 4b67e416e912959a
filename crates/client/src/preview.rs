//! What a client would send, for those who want to see it instead. Must never be printed as a whole: a body is secret, and the
//! token is told apart from the other headers.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap};

use crate::exchange::Method;

/// Holds the request of a client that sends nothing. No Debug: what it holds is secret.
#[derive(Default)]
pub struct Preview(Mutex<Option<Planned>>);

impl Preview {
    /// The request, once.
    pub fn take(&self) -> Option<Planned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn keep(&self, planned: Planned) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(planned);
    }
}

/// One request that was not sent.
pub struct Planned {
    pub method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

impl Planned {
    /// With the query.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// As a policy names it: decoded, below `/v1/`.
    pub fn path(&self) -> String {
        let path = self.url.path();
        let below = path.split_once("/v1/").map_or(path, |(_, below)| below);
        percent_encoding::percent_decode_str(below).decode_utf8_lossy().into_owned()
    }

    pub fn has_token(&self) -> bool {
        self.headers.contains_key(TOKEN)
    }

    /// Names as they are sent, in lower case; without the token and second factors, which are for the sender to fill in.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let kind = self.body.as_ref().filter(|_| self.method == Method::Patch).map(|_| (CONTENT_TYPE.as_str(), PATCH));
        let rest = self.headers.iter().filter(|(name, _)| !matches!(name.as_str(), TOKEN | MFA));
        kind.into_iter().chain(rest.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))))
    }

    /// JSON.
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }
}

const TOKEN: &str = "x-vault-token";
const MFA: &str = "x-vault-mfa";
const PATCH: &str = "application/merge-patch+json";
