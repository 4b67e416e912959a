//! A mount's record in the store, and how it is shown.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strongroom_engine::{Key, Options};
use strongroom_types::Ttl;

use crate::LockoutConfig;

/// One mount. Its key is its path, so that no two mounts can hold one path.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MountEntry {
    /// With trailing slash; auth methods include `auth/`.
    pub path: String,
    /// Type name in the catalogue.
    pub engine: String,
    pub uuid: String,
    pub accessor: String,
    /// First segment of its keys; a mount made anew at the same path has another.
    pub storage_id: String,
    pub description: String,
    /// None shows as null: the built-in mounts.
    pub options: Option<Options>,
    pub config: MountConfig,
    pub local: bool,
}

/// Tunable settings. Absent lists are left out when shown.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub struct MountConfig {
    /// Zero means the system's.
    pub default_lease_ttl: Ttl,
    pub max_lease_ttl: Ttl,
    pub force_no_cache: bool,
    /// Empty, `hidden` or `unauth`.
    pub listing_visibility: String,
    pub audit_non_hmac_request_keys: Vec<String>,
    pub audit_non_hmac_response_keys: Vec<String>,
    pub passthrough_request_headers: Vec<String>,
    pub allowed_response_headers: Vec<String>,
    /// Shown by auth methods only.
    pub token_type: String,
    /// When names are locked; None where nothing was tuned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_lockout: Option<LockoutConfig>,
    /// Auth methods: a login of somebody unknown gets a token without an entity, instead of an entity of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_new_entities: bool,
}

impl MountConfig {
    /// The lockout settings by their names on the wire; None where nothing was tuned.
    fn lockout_shown(&self) -> Option<serde_json::Map<String, Value>> {
        let lockout = self.user_lockout.as_ref()?;
        Some(serde_json::Map::from_iter([
            ("user_lockout_threshold".to_owned(), json!(lockout.threshold)),
            ("user_lockout_duration".to_owned(), json!(lockout.duration.as_s())),
            ("user_lockout_counter_reset_duration".to_owned(), json!(lockout.counter_reset.as_s())),
            ("user_lockout_disable".to_owned(), json!(lockout.disable.unwrap_or(false))),
        ]))
    }

    /// As the API shows it. `tuned` gives the effective ttls of a tune answer instead of the stored ones.
    pub fn shown(&self, tuned: Option<(Ttl, Ttl)>) -> serde_json::Map<String, Value> {
        let (default_ttl, max_ttl) = tuned.unwrap_or((self.default_lease_ttl, self.max_lease_ttl));
        let mut map = serde_json::Map::new();
        map.insert("default_lease_ttl".into(), json!(default_ttl.as_s()));
        map.insert("max_lease_ttl".into(), json!(max_ttl.as_s()));
        map.insert("force_no_cache".into(), json!(self.force_no_cache));
        for (name, text) in [("listing_visibility", &self.listing_visibility), ("token_type", &self.token_type)] {
            if !text.is_empty() {
                map.insert(name.into(), json!(text));
            }
        }
        if self.no_new_entities {
            map.insert("entity_creation".into(), json!("disabled"));
        }
        // A tune answer has them beside the others.
        match (self.lockout_shown(), tuned) {
            (Some(lockout), Some(_)) => map.extend(lockout),
            (Some(lockout), None) => drop(map.insert("user_lockout_config".into(), Value::Object(lockout))),
            (None, _) => {}
        }
        let lists = [
            ("audit_non_hmac_request_keys", &self.audit_non_hmac_request_keys),
            ("audit_non_hmac_response_keys", &self.audit_non_hmac_response_keys),
            ("passthrough_request_headers", &self.passthrough_request_headers),
            ("allowed_response_headers", &self.allowed_response_headers),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            map.insert(name.into(), json!(list));
        }
        map
    }
}

impl MountEntry {
    pub fn is_builtin(&self) -> bool {
        self.options.is_none()
    }

    pub fn shown(&self) -> serde_json::Map<String, Value> {
        let mut map = serde_json::Map::new();
        map.insert("type".into(), json!(self.engine));
        map.insert("description".into(), json!(self.description));
        map.insert("accessor".into(), json!(self.accessor));
        map.insert("uuid".into(), json!(self.uuid));
        map.insert("config".into(), Value::Object(self.config.shown(None)));
        map.insert("options".into(), json!(self.options));
        map.insert("local".into(), json!(self.local));
        // Every value is sealed; the reference tells it of its system mount.
        map.insert("seal_wrap".into(), json!(self.engine == "system"));
        map.insert("external_entropy_access".into(), json!(false));
        map.insert("plugin_version".into(), json!(""));
        map.insert("running_plugin_version".into(), json!(concat!("v", env!("CARGO_PKG_VERSION"), "+builtin")));
        map.insert("running_sha256".into(), json!(""));
        if !self.is_builtin() {
            map.insert("deprecation_status".into(), json!("supported"));
        }
        map
    }
}

/// `path` with its trailing slash.
pub fn key(path: &str) -> Key {
    Key::area("m").name(path)
}

/// The storage of a mount that is gone and not yet wiped.
pub fn wipe_intent(storage_id: &str) -> Key {
    Key::area("i").id("wipe").name(storage_id)
}
