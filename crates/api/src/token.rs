//! Requests of the token store. They only leave a client, so they cannot be read back.

use std::collections::BTreeMap;

use serde::Serialize;
use strongroom_types::SecretString;

use crate::secret_text;

/// Makes a token; what is None is left to the server. Durations as text, such as `1h`.
#[derive(Debug, Default, Serialize)]
pub struct CreateToken {
    /// Only root may choose it.
    #[serde(with = "secret_text::option", skip_serializing_if = "Option::is_none")]
    pub id: Option<SecretString>,
    /// Empty: those of the parent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    #[serde(rename = "meta", skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explicit_max_ttl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_parent: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_default_policy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// 0 means any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_uses: Option<u64>,
    /// `service` or `batch`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// Alias whose entity the token is given; only with a role that allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_alias: Option<String>,
}

/// Names a token by itself.
#[derive(Debug, Serialize)]
pub struct TokenRequest {
    #[serde(with = "secret_text")]
    pub token: SecretString,
}

/// Asks what a token may do.
#[derive(Debug, Serialize)]
pub struct CapabilitiesRequest {
    /// None: the token in use.
    #[serde(skip_serializing_if = "Option::is_none", with = "secret_text::option")]
    pub token: Option<SecretString>,
    pub paths: Vec<String>,
}

/// Names a token by its accessor.
#[derive(Debug, Serialize)]
pub struct AccessorRequest {
    pub accessor: String,
}

/// Extends a token: exactly one of token and accessor, or neither for the caller's own.
#[derive(Debug, Default, Serialize)]
pub struct RenewToken {
    #[serde(with = "secret_text::option", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accessor: Option<String>,
    /// In seconds; None asks for the token's own ttl.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub increment: Option<u64>,
}
