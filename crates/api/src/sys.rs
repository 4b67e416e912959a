//! Mounts and policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One mount in `sys/mounts`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    #[serde(rename = "type")]
    pub mount_type: String,
    pub description: String,
    pub accessor: String,
    pub uuid: String,
    pub config: MountConfig,
    pub options: Option<BTreeMap<String, String>>,
    pub local: bool,
    pub seal_wrap: bool,
    pub external_entropy_access: bool,
    /// Empty for what is built in.
    pub plugin_version: String,
    pub running_plugin_version: String,
    pub running_sha256: String,
    pub deprecation_status: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MountConfig {
    /// In seconds; 0 means: as the system says.
    pub default_lease_ttl: u64,
    /// In seconds; 0 means: as the system says.
    pub max_lease_ttl: u64,
    pub force_no_cache: bool,
    /// Kind of token that logins give; auth methods only.
    pub token_type: String,
}

/// Mounts an engine. Durations as text, such as `1h`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EnableMount {
    #[serde(rename = "type")]
    pub mount_type: String,
    pub description: String,
    pub config: TuneMount,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    pub local: bool,
    pub seal_wrap: bool,
}

/// Settings of a mount; what is None stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TuneMount {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_lease_ttl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lease_ttl: Option<String>,
    /// `unauth` or `hidden`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing_visibility: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_non_hmac_request_keys: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_non_hmac_response_keys: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passthrough_request_headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_response_headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_lockout_config: Option<UserLockout>,
}

/// When an auth method locks names; what is None stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserLockout {
    /// A number as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout_threshold: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout_duration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout_counter_reset_duration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout_disable: Option<bool>,
}

/// Moves a mount; both paths with `auth/` for an auth method.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Remount {
    pub from: String,
    pub to: String,
}

/// The data of `sys/internal/ui/mounts/<path>`: which mount a path belongs to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UiMount {
    /// With a trailing slash.
    pub path: String,
    #[serde(rename = "type")]
    pub mount_type: String,
    pub options: Option<BTreeMap<String, String>>,
}

/// The text of a policy, written and read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PolicyBody {
    pub policy: String,
}
