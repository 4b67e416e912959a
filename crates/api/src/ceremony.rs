//! Bodies of key ceremonies: replacing the unseal keys, and root tokens for whoever brings enough of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_types::SecretString;

use crate::secret_text;

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Starts replacing the unseal keys.
#[derive(Debug, Default, Serialize)]
pub struct ReplaceRequest {
    pub secret_shares: u64,
    pub secret_threshold: u64,
    /// In base64, one for each share; empty: shares are answered as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pgp_keys: Vec<String>,
    pub backup: bool,
    pub require_verification: bool,
}

/// How far a replacement is; with the last key, the new keys.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplaceStatus {
    pub nonce: String,
    pub started: bool,
    #[serde(rename = "t")]
    pub threshold: u64,
    #[serde(rename = "n")]
    pub shares: u64,
    pub progress: u64,
    pub required: u64,
    pub pgp_fingerprints: Option<Vec<String>>,
    pub backup: bool,
    pub verification_required: bool,
    pub verification_nonce: String,
    #[serde(skip_serializing_if = "is_false")]
    pub complete: bool,
    #[serde(with = "secret_text::list", skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<SecretString>,
    #[serde(with = "secret_text::list", skip_serializing_if = "Vec::is_empty")]
    pub keys_base64: Vec<SecretString>,
}

/// How far the verification of new keys is.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VerifyStatus {
    pub nonce: String,
    pub started: bool,
    #[serde(rename = "t")]
    pub threshold: u64,
    #[serde(rename = "n")]
    pub shares: u64,
    pub progress: u64,
    pub complete: bool,
}

/// One share, for a ceremony.
#[derive(Debug, Serialize)]
pub struct ShareRequest {
    pub nonce: String,
    #[serde(with = "secret_text")]
    pub key: SecretString,
}

/// Encrypted shares by OpenPGP fingerprint.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyBackup {
    pub nonce: String,
    /// Hexadecimal.
    pub keys: BTreeMap<String, Vec<String>>,
    pub keys_base64: BTreeMap<String, Vec<String>>,
}

/// Starts generating a root token.
#[derive(Debug, Default, Serialize)]
pub struct GenerateRootRequest {
    #[serde(with = "secret_text::option", skip_serializing_if = "Option::is_none")]
    pub otp: Option<SecretString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pgp_key: Option<String>,
}

/// How far a generation is; with the last key, the token in its cover.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GenerateRootStatus {
    pub nonce: String,
    pub started: bool,
    pub progress: u64,
    pub required: u64,
    pub complete: bool,
    #[serde(with = "secret_text")]
    pub encoded_token: SecretString,
    #[serde(with = "secret_text")]
    pub encoded_root_token: SecretString,
    pub pgp_fingerprint: String,
    #[serde(with = "secret_text")]
    pub otp: SecretString,
    pub otp_length: u64,
}
