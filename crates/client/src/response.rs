//! One answer: its status and body, read on demand. Must never be printed: the body is secret.

use serde::de::DeserializeOwned;
use strongroom_api::{Envelope, ErrorBody};
use zeroize::Zeroizing;

use crate::error::{ApiError, Error};

/// Of a body that is not ours, an error shows this much.
const RAW_CHARS_MAX: usize = 1024;

/// An answer of any status. The body is wiped on drop.
pub struct Response {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) namespace: Option<String>,
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Response {
    pub fn status(&self) -> u16 {
        self.status
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Errors: `Unexpected`, which names the place and not the text.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| self.unexpected(&error))
    }

    /// Without copies of the text: those would not be wiped. Errors: `Unexpected`.
    pub(crate) fn borrowed<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| self.unexpected(&error))
    }

    pub(crate) fn unexpected(&self, error: &serde_json::Error) -> Error {
        Error::Unexpected { method: self.method, url: self.url.clone(), line: error.line(), column: error.column() }
    }

    /// The envelope; None when the server had nothing to say (204).
    pub fn envelope(&self) -> Result<Option<Envelope>, Error> {
        if self.body.trim_ascii().is_empty() { Ok(None) } else { self.json().map(Some) }
    }

    /// The data of an envelope, in a known form. Errors: `Unexpected` also when there is none.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Error> {
        #[derive(serde::Deserialize)]
        struct Data<T> {
            data: T,
        }
        self.json::<Data<T>>().map(|envelope| envelope.data)
    }

    /// A read that may find nothing: 404 is None, unless the server sent an envelope with it (a deleted version, or only
    /// warnings).
    pub fn found(self) -> Result<Option<Envelope>, Error> {
        if self.status != 404 {
            return self.checked()?.envelope();
        }
        let envelope: Envelope = self.json().unwrap_or_default();
        let has_content = envelope.data.is_some() || envelope.warnings.as_ref().is_some_and(|warnings| !warnings.is_empty());
        if has_content {
            return Ok(Some(envelope));
        }
        // A reason that the server gives is worth more than "nothing there": a missing namespace, an unknown route.
        let error = self.api_error();
        if error.errors.is_empty() && error.raw.is_empty() { Ok(None) } else { Err(Error::Api(Box::new(error))) }
    }

    /// Turns a refusal into an error. Errors: `Api`; `Redirect` never comes this far.
    pub fn checked(self) -> Result<Self, Error> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(Error::Api(Box::new(self.api_error()))) }
    }

    fn api_error(&self) -> ApiError {
        let (errors, raw) = match serde_json::from_slice::<ErrorBody>(&self.body) {
            Ok(body) => (body.errors, String::new()),
            Err(_) => (Vec::new(), printable(&self.body)),
        };
        ApiError {
            method: self.method,
            url: self.url.clone(),
            namespace: self.namespace.clone(),
            status: self.status,
            errors,
            raw,
        }
    }
}

/// Text that is safe on a terminal: bounded, without control characters except line ends.
fn printable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.trim().chars().filter(|c| *c == '\n' || !c.is_control()).take(RAW_CHARS_MAX).collect()
}
