//! Prints the mount table and lists of names. Must never sort a list again: the server's order is part of its answer.

use std::collections::BTreeMap;

use serde_json::Value;
use strongroom_client::api::Mount;

use super::value::duration;
use super::{Failure, Format, Printed, table};

/// One name per line below a heading, or a JSON list.
pub(crate) fn keys(keys: &[Value], format: Format) -> Result<Printed, Failure> {
    if format != Format::Table {
        return Printed::structured(keys, format);
    }
    let lines: String = keys.iter().map(|key| format!("{}\n", super::value::plain(key))).collect();
    Ok(Printed::text(format!("Keys\n----\n{lines}")))
}

pub(crate) fn mounts(mounts: &BTreeMap<String, Mount>, detailed: bool) -> String {
    if detailed {
        let header =
            ["Path", "Type", "Accessor", "Default TTL", "Max TTL", "Local", "Seal Wrap", "Options", "Description", "UUID"];
        return table::columns(&header, &mounts.iter().map(|(path, mount)| detailed_row(path, mount)).collect::<Vec<_>>());
    }
    let row = |(path, mount): (&String, &Mount)| {
        vec![path.clone(), mount.mount_type.clone(), mount.accessor.clone(), mount.description.clone()]
    };
    table::columns(&["Path", "Type", "Accessor", "Description"], &mounts.iter().map(row).collect::<Vec<_>>())
}

pub(crate) fn auth_methods(methods: &BTreeMap<String, Mount>, detailed: bool) -> String {
    if detailed {
        let rows = methods.iter().map(|(path, method)| detailed_auth_row(path, method)).collect::<Vec<_>>();
        return table::columns(&DETAILED_AUTH, &rows);
    }
    let row = |(path, method): (&String, &Mount)| {
        let Mount { mount_type, accessor, description, plugin_version, .. } = method;
        vec![path.clone(), mount_type.clone(), accessor.clone(), description.clone(), plugin_version.clone()]
    };
    let header = ["Path", "Type", "Accessor", "Description", "Version"];
    table::columns(&header, &methods.iter().map(row).collect::<Vec<_>>())
}

const DETAILED_AUTH: [&str; 16] = [
    "Path",
    "Plugin",
    "Accessor",
    "Default TTL",
    "Max TTL",
    "Token Type",
    "Replication",
    "Seal Wrap",
    "External Entropy Access",
    "Options",
    "Description",
    "UUID",
    "Version",
    "Running Version",
    "Running SHA256",
    "Deprecation Status",
];

fn detailed_auth_row(path: &str, method: &Mount) -> Vec<String> {
    vec![
        path.to_owned(),
        method.mount_type.clone(),
        method.accessor.clone(),
        life(method.config.default_lease_ttl),
        life(method.config.max_lease_ttl),
        method.config.token_type.clone(),
        if method.local { "local" } else { "replicated" }.to_owned(),
        method.seal_wrap.to_string(),
        method.external_entropy_access.to_string(),
        options(method),
        method.description.clone(),
        method.uuid.clone(),
        method.plugin_version.clone(),
        method.running_plugin_version.clone(),
        method.running_sha256.clone(),
        method.deprecation_status.clone(),
    ]
}

/// Zero is the system's.
fn life(seconds: u64) -> String {
    if seconds == 0 { "system".to_owned() } else { duration(seconds) }
}

fn options(mount: &Mount) -> String {
    let options = mount.options.iter().flatten().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(" ");
    format!("map[{options}]")
}

fn detailed_row(path: &str, mount: &Mount) -> Vec<String> {
    vec![
        path.to_owned(),
        mount.mount_type.clone(),
        mount.accessor.clone(),
        life(mount.config.default_lease_ttl),
        life(mount.config.max_lease_ttl),
        mount.local.to_string(),
        mount.seal_wrap.to_string(),
        options(mount),
        mount.description.clone(),
        mount.uuid.clone(),
    ]
}
