//! Prints the mount table and lists of names. Must never sort a list again: the server's order is part of its answer.

use std::collections::BTreeMap;

use serde_json::Value;
use strongroom_client::api::Mount;

use super::value::duration;
use super::{Failure, Format, Printed, table};

/// One name per line below a heading, or a JSON list.
pub(crate) fn keys(keys: &[Value], format: Format) -> Result<Printed, Failure> {
    if format != Format::Table {
        return Printed::json(keys);
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

fn detailed_row(path: &str, mount: &Mount) -> Vec<String> {
    let life = |seconds| if seconds == 0 { "system".to_owned() } else { duration(seconds) };
    let options = mount.options.iter().flatten().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(" ");
    vec![
        path.to_owned(),
        mount.mount_type.clone(),
        mount.accessor.clone(),
        life(mount.config.default_lease_ttl),
        life(mount.config.max_lease_ttl),
        mount.local.to_string(),
        mount.seal_wrap.to_string(),
        format!("map[{options}]"),
        mount.description.clone(),
        mount.uuid.clone(),
    ]
}
