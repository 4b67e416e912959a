//! Bodies of the versioned key-value engine (version 2). Version 1 has none: there the body is the secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Free-text notes on a secret, readable without reading the secret.
pub type CustomMetadata = BTreeMap<String, String>;

/// Writes a new version, or merges into the newest one (PATCH). No Debug: `data` is secret.
#[derive(Serialize, Deserialize)]
pub struct WriteVersion {
    pub data: Map<String, Value>,
    #[serde(default)]
    pub options: WriteOptions,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WriteOptions {
    /// The version that must be current; 0 means that the secret must not exist; None writes whatever is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cas: Option<u64>,
}

/// The versions to delete, bring back or destroy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VersionNumbers {
    pub versions: Vec<u64>,
}

/// Settings of one secret; what is None stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MetadataSettings {
    /// 0 means: as the mount says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_versions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cas_required: Option<bool>,
    /// A duration such as `720h`; `0s` means: as the mount says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_version_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_metadata: Option<CustomMetadata>,
}
