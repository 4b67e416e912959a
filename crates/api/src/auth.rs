//! What is handed out when a token is made: the token itself, or a wrapping token that holds an answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_types::SecretString;

use crate::secret_text;

/// A token with its rights, as logins, token creation and renewal answer it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// Empty when the token was named by its accessor.
    #[serde(with = "secret_text")]
    pub client_token: SecretString,
    pub accessor: String,
    pub policies: Vec<String>,
    pub token_policies: Vec<String>,
    pub identity_policies: Option<Vec<String>>,
    pub metadata: Option<BTreeMap<String, String>>,
    pub orphan: bool,
    pub entity_id: String,
    /// In seconds; 0 means that the token does not expire.
    pub lease_duration: u64,
    pub renewable: bool,
    /// `service` or `batch`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token_type: String,
    /// Uses left; 0 means any number.
    pub num_uses: u64,
}

/// The body of a login with a password.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PasswordLogin {
    #[serde(with = "secret_text")]
    pub password: SecretString,
}

/// A single-use token in place of an answer.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WrapInfo {
    #[serde(with = "secret_text")]
    pub token: SecretString,
    pub accessor: String,
    /// In seconds.
    pub ttl: u64,
    /// RFC 3339.
    pub creation_time: String,
    /// Without the leading `/v1/`.
    pub creation_path: String,
    /// Of the token inside; empty when the answer inside is not a token.
    pub wrapped_accessor: String,
}
