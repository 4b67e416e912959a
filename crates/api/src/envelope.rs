//! The frame around answers, and the body of errors. Must never show `data` in Debug: it is what the product keeps secret.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Auth, WrapInfo};

/// The frame of an answer. Which part is filled says what kind of answer it is: data, a token or a wrapping token.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Envelope {
    pub request_id: String,
    /// Empty when there is nothing to renew or revoke.
    pub lease_id: String,
    /// In seconds; without a lease id: how long the data may be cached.
    pub lease_duration: u64,
    pub renewable: bool,
    pub data: Option<Value>,
    /// None and an empty list both mean: no warnings.
    pub warnings: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrap_info: Option<WrapInfo>,
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// The body of every refusal. An empty list belongs to 404 and 405.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ErrorBody {
    pub errors: Vec<String>,
}

/// The data of a LIST answer. Names that end in a slash are folders.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Keys {
    pub keys: Vec<String>,
}
