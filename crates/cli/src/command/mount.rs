//! What `auth`, `secrets` and `audit` have in common: things that are enabled at a path, listed, tuned and disabled.

use clap::Args;
use serde_json::Value;
use strongroom_client::Method;
use strongroom_client::api::{EnableMount, TuneMount};

use crate::arguments::{duration_text, is_set, pair};
use crate::connection::{Connection, Session};
use crate::output::{Failure, Printed};

/// The one thing at a path.
#[derive(Args)]
pub struct At {
    /// Where it is enabled
    pub path: String,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Args)]
pub struct List {
    /// Show the settings too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub detailed: Option<bool>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// Where a new mount shall be, and how it is kept.
#[derive(Args)]
pub struct Place {
    /// Where to enable it; the kind's name when absent
    #[arg(long)]
    pub path: Option<String>,
    /// Keep it out of replication
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    local: Option<bool>,
    /// Wrap its entries with the seal too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    seal_wrap: Option<bool>,
}

/// Settings that can be given at the start and later.
#[derive(Args)]
pub struct Settings {
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Life of leases and tokens when nothing else is asked
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    default_lease_ttl: Option<String>,
    /// Longest life of leases and tokens
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    max_lease_ttl: Option<String>,
    /// Who sees it without a token: unauth or hidden
    #[arg(long, value_name = "WHO")]
    listing_visibility: Option<String>,
    /// Version of its API; key-value engines have 1 and 2
    #[arg(long)]
    version: Option<u64>,
    /// Option of the engine or method; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
    /// Request field that the audit log shows in clear; may be given more than once
    #[arg(long, value_name = "NAME")]
    audit_non_hmac_request_keys: Option<Vec<String>>,
    /// Response field that the audit log shows in clear; may be given more than once
    #[arg(long, value_name = "NAME")]
    audit_non_hmac_response_keys: Option<Vec<String>>,
    /// Request header that it may see; may be given more than once
    #[arg(long, value_name = "NAME")]
    passthrough_request_headers: Option<Vec<String>>,
    /// Response header that it may set; may be given more than once
    #[arg(long, value_name = "NAME")]
    allowed_response_headers: Option<Vec<String>>,
    /// Version of the plug-in; all are built in
    #[arg(long, value_name = "VERSION")]
    plugin_version: Option<String>,
}

impl Settings {
    /// Only what was given, so that a tune leaves the rest alone.
    pub fn into_tune(self) -> TuneMount {
        let version = self.version.map(|version| ("version".to_owned(), version.to_string()));
        let options: std::collections::BTreeMap<_, _> = self.options.into_iter().chain(version).collect();
        TuneMount {
            description: self.description,
            default_lease_ttl: self.default_lease_ttl,
            max_lease_ttl: self.max_lease_ttl,
            listing_visibility: self.listing_visibility,
            audit_non_hmac_request_keys: self.audit_non_hmac_request_keys,
            audit_non_hmac_response_keys: self.audit_non_hmac_response_keys,
            passthrough_request_headers: self.passthrough_request_headers,
            allowed_response_headers: self.allowed_response_headers,
            plugin_version: self.plugin_version,
            options: Some(options).filter(|options| !options.is_empty()),
            ..TuneMount::default()
        }
    }
}

/// The body that enables a mount. It takes two of the settings beside its config.
pub fn enabling(kind: &str, place: &Place, mut config: TuneMount) -> EnableMount {
    let (description, options) = (config.description.take().unwrap_or_default(), config.options.take().unwrap_or_default());
    let (local, seal_wrap) = (is_set(place.local), is_set(place.seal_wrap));
    EnableMount { mount_type: kind.to_owned(), description, config, options, local, seal_wrap }
}

/// A table of mounts as it came: a program may look for what this client doesn't know.
pub(crate) async fn as_it_came(session: &Session<'_>, path: &str, doing: &str) -> Result<Printed, Failure> {
    let failed = |error| Failure::of(&error, doing);
    let answer = session.client.request::<()>(Method::Get, path, None).await.map_err(failed)?;
    Printed::structured(&answer.data::<Value>().map_err(failed)?, session.format)
}
