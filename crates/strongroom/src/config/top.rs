//! The keys outside of stanzas, and what happens to stanzas that this build does not have.

use std::path::PathBuf;

use strongroom_types::Ttl;

use super::Config;
use super::mistake::Result;
use super::near::near_miss;
use super::section::{Section, Unknown};

/// Read here or in the other files of this module.
const READ: &[&str] = &[
    "api_addr",
    "audit",
    "audit_api_folder",
    "backend",
    "cluster_name",
    "default_lease_ttl",
    "disable_mlock",
    "flat_mount",
    "listener",
    "log_format",
    "log_level",
    "max_lease_ttl",
    "pid_file",
    "seal",
    "storage",
    "unsafe_allow_api_audit_creation",
    "user_lockout",
    "telemetry",
];

/// Keys of the reference without meaning here; leaving them out takes nothing away from an operator.
const IGNORED: &[&str] = &[
    "allow_audit_log_prefixing",
    "allow_unauthenticated_workflows",
    "cache_size",
    "cluster_addr",
    "cluster_cipher_suites",
    "detect_deadlocks",
    "disable_cache",
    "disable_clustering",
    "disable_indexing",
    "disable_performance_standby",
    "disable_printable_check",
    "disable_sealwrap",
    "disable_sentinel_trace",
    "disable_ssct_tokens",
    "disable_standby_reads",
    "enable_response_header_hostname",
    "enable_response_header_raft_node_id",
    "enable_ui",
    "imprecise_lease_role_tracking",
    "introspection_endpoint",
    "plugin_auto_download",
    "plugin_auto_register",
    "plugin_directory",
    "plugin_download_behavior",
    "plugin_file_permissions",
    "plugin_file_uid",
    "raw_storage_endpoint",
    "service_registration",
    "ui",
];

/// Known, and an operator would miss them.
const WITHOUT_EFFECT: &[&str] = &[
    "default_max_request_duration",
    "ha_storage",
    "initialize",
    "log_file",
    "log_rotate_bytes",
    "log_rotate_duration",
    "log_rotate_max_files",
    "plugin",
];

/// A misspelt one of these would leave the server without what it guards.
const GUARDING: &[&str] = &["listener", "seal", "audit", "user_lockout"];

/// Reads the single values and checks every key of the file.
pub fn read(file: &Section<'_>, config: &mut Config) -> Result<()> {
    check_keys(file, &mut config.warnings)?;
    seal(file, &mut config.warnings)?;
    if let Some(ttl) = file.duration("default_lease_ttl")? {
        config.leases.default_ttl = Ttl::from_s(ttl.as_secs());
    }
    if let Some(ttl) = file.duration("max_lease_ttl")? {
        config.leases.max_ttl = Ttl::from_s(ttl.as_secs());
    }
    if let Some(name) = file.text("cluster_name")? {
        config.cluster.name = name.to_owned();
    }
    if let Some(address) = file.text("api_addr")? {
        config.cluster.api_addr = address.to_owned();
    }
    if let Some(mount) = file.text("flat_mount")? {
        config.flat_mount = Some(flat_mount(file, mount)?);
    }
    if let Some(path) = file.text("pid_file")? {
        config.process.pid_file = Some(path.into());
    }
    if let Some(disabled) = file.flag("disable_mlock")? {
        config.process.lock_memory = !disabled;
    }
    if let Some(allowed) = file.flag("unsafe_allow_api_audit_creation")? {
        config.audit_api.is_allowed = allowed;
    }
    if let Some(folder) = file.text("audit_api_folder")? {
        let folder = PathBuf::from(folder);
        if !folder.is_absolute() {
            return Err(file.refuse("audit_api_folder", "must be an absolute path"));
        }
        config.audit_api.folder = Some(folder);
    }
    log(file, config)
}

/// A mount path with trailing slash; empty stays empty.
fn flat_mount(file: &Section<'_>, text: &str) -> Result<String> {
    let path = text.trim_matches('/');
    let is_path = path.split('/').all(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
    match path {
        "" => Ok(String::new()),
        path if is_path => Ok(format!("{path}/")),
        _ => Err(file.refuse("flat_mount", "must be the path of a mount, such as \"secret\", or empty")),
    }
}

fn log(file: &Section<'_>, config: &mut Config) -> Result<()> {
    if let Some(level) = file.text("log_level")? {
        let rule = "must be trace, debug, info, warn or error";
        config.log.level = Some(level.parse().map_err(|_| file.refuse("log_level", rule))?);
    }
    if let Some(format) = file.text("log_format")? {
        config.log.format = Some(format.parse().map_err(|_| file.refuse("log_format", "must be standard or json"))?);
    }
    Ok(())
}

fn check_keys(file: &Section<'_>, warnings: &mut Vec<String>) -> Result<()> {
    let known: Vec<&str> = [READ, IGNORED, WITHOUT_EFFECT].concat();
    for key in file.keys().filter(|key| !known.contains(key)) {
        if let Some(meant) = near_miss(key, GUARDING) {
            return Err(file.refuse(key, format!("unknown stanza; `{meant}` was probably meant")));
        }
    }
    file.check_keys(&known, Unknown::Warn, warnings)?;
    warnings.extend(
        WITHOUT_EFFECT.iter().filter(|key| file.has(key)).map(|key| file.note(key, "not supported by this build, ignored")),
    );
    Ok(())
}

/// Shamir is what a store without a stanza has.
fn seal(file: &Section<'_>, warnings: &mut Vec<String>) -> Result<()> {
    for stanza in file.stanzas("seal", 1, &["disabled"])? {
        if stanza.labels.as_slice() != ["shamir"] {
            return Err(stanza.refuse_all("not supported by this build; \"shamir\" is, and needs no stanza"));
        }
        stanza.check_keys(&["disabled"], Unknown::RefuseNearMiss, warnings)?;
    }
    Ok(())
}
