//! The `telemetry` stanza: who can read the server's figures, and how.

use std::net::SocketAddr;
use std::time::Duration;

use strongroom_core::Telemetry as Served;

use super::listener::parse_address;
use super::mistake::Result;
use super::section::{Section, Unknown};

const KEYS: &[&str] = &["disable_hostname", "metrics_address", "prometheus_retention_time", "usage_gauge_period"];

/// Keys of the reference that push figures elsewhere or name them otherwise.
const WITHOUT_EFFECT: &[&str] = &[
    "add_lease_metrics_namespace_labels",
    "add_mount_point_rollback_metrics",
    "circonus_api_app",
    "circonus_api_token",
    "circonus_api_url",
    "dogstatsd_addr",
    "dogstatsd_tags",
    "enable_hostname_label",
    "filter_default",
    "lease_metrics_epsilon",
    "maximum_gauge_cardinality",
    "metrics_prefix",
    "num_lease_metrics_buckets",
    "prefix_filter",
    "stackdriver_location",
    "stackdriver_namespace",
    "stackdriver_project_id",
    "statsd_address",
    "statsite_address",
];

/// All values settled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Telemetry {
    pub served: Served,
    /// Of a listener of its own that serves `/metrics` to everybody, without TLS. Default: none.
    pub metrics_address: Option<SocketAddr>,
}

/// Reads the stanzas of one file.
pub fn read(file: &Section<'_>, telemetry: &mut Telemetry, warnings: &mut Vec<String>) -> Result<()> {
    let known = [KEYS, WITHOUT_EFFECT].concat();
    for stanza in file.stanzas("telemetry", 0, &known)? {
        stanza.check_keys(&known, Unknown::RefuseNearMiss, warnings)?;
        let ignored = WITHOUT_EFFECT.iter().filter(|key| stanza.has(key));
        warnings.extend(ignored.map(|key| stanza.note(key, "has no effect in this build")));
        one(&stanza, telemetry, warnings)?;
    }
    Ok(())
}

fn one(stanza: &Section<'_>, telemetry: &mut Telemetry, warnings: &mut Vec<String>) -> Result<()> {
    if stanza.flag("disable_hostname")? == Some(false) {
        warnings.push(stanza.note("disable_hostname", "names never hold the host's name"));
    }
    if stanza.has("prometheus_retention_time") {
        // Figures are those since the start, so nothing is kept for a time; zero switches the form off, as it always did.
        telemetry.served.prometheus = stanza.duration("prometheus_retention_time")?.is_some();
    }
    match stanza.text("usage_gauge_period") {
        Ok(Some("none")) => telemetry.served.usage_period = None,
        _ => {
            let period = stanza.duration("usage_gauge_period")?;
            if period.is_some_and(|period| period < Duration::from_secs(1)) {
                return Err(stanza.refuse("usage_gauge_period", "must be at least a second, or \"none\""));
            }
            telemetry.served.usage_period = period.or(telemetry.served.usage_period);
        }
    }
    if let Some(text) = stanza.text("metrics_address")? {
        let rule = "must be an IP address and a port, such as \"127.0.0.1:9102\"";
        let address = parse_address(text).ok_or_else(|| stanza.refuse("metrics_address", rule))?;
        if !address.ip().is_loopback() {
            warnings.push(stanza.note("metrics_address", "everybody who reaches this address can read the server's figures"));
        }
        telemetry.metrics_address = Some(address);
    }
    Ok(())
}
