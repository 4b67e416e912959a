//! The running configuration as `sys/config/state/sanitized` shows it. SECURITY: every field is secret unless it is listed
//! here. The patterns below name all fields on purpose, so that a new one does not compile before somebody has decided; `_`
//! keeps it secret.

use serde_json::{Value, json};
use strongroom_core::{AuditDevice, AuditKind};
use strongroom_http::TlsVersion;

use super::plan::Plan;
use crate::config::{Address, AuditApi, Cluster, Config, Leases, Listener, Process, Tls};
use crate::log::Format;

pub fn shown(plan: &Plan) -> Value {
    let Plan { config, config_paths: _, storage, log_level, log_format, dev, accepts_rollback } = plan;
    let Config {
        listeners,
        storage: _,
        audit,
        audit_api,
        leases,
        cluster,
        log: _,
        process,
        telemetry,
        flat_mount,
        lockout,
        warnings: _,
    } = config;
    let AuditApi { is_allowed, folder: _ } = audit_api;
    let Leases { default_ttl, max_ttl } = leases;
    let Cluster { name, api_addr } = cluster;
    let Process { pid_file: _, lock_memory } = process;
    json!({
        "api_addr": api_addr,
        "cluster_name": name,
        "unsafe_allow_api_audit_creation": is_allowed,
        "default_lease_ttl": default_ttl.as_s(),
        "max_lease_ttl": max_ttl.as_s(),
        "disable_mlock": !lock_memory,
        "flat_mount": flat_mount,
        "log_level": log_level.name(),
        "log_format": match log_format { Format::Standard => "standard", Format::Json => "json" },
        "dev": dev.is_some(),
        "accept_rollback": accepts_rollback,
        "listeners": listeners.iter().map(listener).collect::<Vec<_>>(),
        "storage": { "type": storage.name() },
        "seals": [{ "type": "shamir", "disabled": false }],
        "user_lockout": lockout,
        "telemetry": {
            "prometheus": telemetry.served.prometheus,
            "metrics_address": telemetry.metrics_address.map(|address| address.to_string()),
        },
        "audit": audit.iter().map(device).collect::<Vec<_>>(),
    })
}

fn listener(listener: &Listener) -> Value {
    let Listener { address, tls, forwarded, opens, limits: _ } = listener;
    let (kind, address) = match address {
        Address::Tcp(address) => ("tcp", address.to_string()),
        Address::Unix { path, mode: _ } => ("unix", path.display().to_string()),
    };
    let mut config = json!({
        "address": address,
        "tls_disable": tls.is_none(),
        "trusts_proxies": !forwarded.authorized.is_empty(),
        "unauthenticated_metrics_access": opens.metrics,
        "disable_unauthed_rekey_endpoints": !opens.rekey,
        "disable_unauthed_generate_root_endpoints": !opens.generate_root,
    });
    if let (Some(Tls { cert_file: _, key_file: _, version_min, client_certificates }), Some(config)) =
        (tls, config.as_object_mut())
    {
        let version = if *version_min == TlsVersion::V1_2 { "tls12" } else { "tls13" };
        config.insert("tls_min_version".into(), json!(version));
        config.insert("tls_disable_client_certs".into(), json!(!client_certificates));
    }
    json!({ "type": kind, "config": config })
}

fn device(device: &AuditDevice) -> Value {
    let AuditDevice { name, description: _, kind, limits: _ } = device;
    let is_sync = matches!(kind, AuditKind::File { is_sync: true, .. });
    json!({ "type": kind.name(), "path": name, "sync": is_sync })
}
