//! Initialisation, seal and barrier key. These bodies have no envelope.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_types::SecretString;

use crate::secret_text;

/// `sys/seal-status`, and the answer to an unseal share.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SealStatus {
    #[serde(rename = "type")]
    pub seal_type: String,
    pub initialized: bool,
    pub sealed: bool,
    /// Shares needed.
    #[serde(rename = "t")]
    pub threshold: u64,
    /// Shares that exist.
    #[serde(rename = "n")]
    pub shares: u64,
    /// Shares given so far.
    pub progress: u64,
    /// Names this attempt to unseal; empty when none is under way.
    pub nonce: String,
    pub version: String,
    pub storage_type: String,
    /// None while sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// Whatever else the server tells, such as its build date; shown as it came.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// `sys/leader`: which node does the work.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Leader {
    pub ha_enabled: bool,
    pub is_self: bool,
    /// Empty when unknown or without other nodes.
    pub leader_address: String,
}

/// `sys/init`, GET.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct InitStatus {
    pub initialized: bool,
}

/// `sys/init`, PUT. 1 <= threshold <= shares.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InitRequest {
    pub secret_shares: u64,
    pub secret_threshold: u64,
    /// OpenPGP public keys in base64, one for each share; empty: shares are answered as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pgp_keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_token_pgp_key: Option<String>,
}

/// The only time that the shares and the first root token are seen.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InitAnswer {
    /// Hexadecimal.
    #[serde(with = "secret_text::list")]
    pub keys: Vec<SecretString>,
    /// The same in base64.
    #[serde(with = "secret_text::list")]
    pub keys_base64: Vec<SecretString>,
    #[serde(with = "secret_text")]
    pub root_token: SecretString,
}

/// One share, in hexadecimal or base64; or a fresh start.
#[derive(Debug, Default, Serialize)]
pub struct UnsealRequest {
    #[serde(with = "secret_text::option", skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretString>,
    /// Forgets the shares given so far.
    pub reset: bool,
}

/// `sys/key-status`: the key that encrypts new entries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyStatus {
    pub term: u64,
    /// RFC 3339.
    pub install_time: String,
    /// Entries encrypted with it so far.
    pub encryptions: u64,
}
