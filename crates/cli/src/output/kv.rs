//! Prints key-value secrets of version 2 with their metadata, and of version 1 without. Must never mix the two: a secret may have
//! a key named `metadata`.

use serde_json::{Map, Value};
use strongroom_client::KvVersion;
use strongroom_client::api::Envelope;

use super::value::cell;
use super::{Failure, Format, Printed, secret, table};

/// A secret as read. Only version 2 has data and metadata side by side. Errors: a field of a deleted version.
pub(crate) fn print(
    envelope: &Envelope,
    version: KvVersion,
    path: &str,
    format: Format,
    field: Option<&str>,
) -> Result<Printed, Failure> {
    if envelope.wrap_info.is_some() || format != Format::Table && field.is_none() {
        return secret::print(envelope, format, field);
    }
    let part = |name: &str| envelope.data.as_ref()?.get(name)?.as_object();
    let data = match version {
        KvVersion::One => envelope.data.as_ref().and_then(Value::as_object),
        KvVersion::Two => part("data"),
    };
    if let Some(name) = field {
        let data = data.ok_or_else(|| Failure::server(format!("No data found at {path}")))?;
        return secret::print_field(data.get(name).cloned(), name, format);
    }
    let text = match (version, data) {
        (KvVersion::One, data) => data.map(|data| section("Data", data)).unwrap_or_default(),
        (KvVersion::Two, Some(data)) => versioned(path, part("metadata"), Some(data)),
        // Scripts know the empty line where the data of a deleted version would be.
        (KvVersion::Two, None) => versioned(path, part("metadata"), None) + "\n",
    };
    Ok(Printed::text(text).warned(envelope.warnings.as_ref()))
}

/// Version 2: path, metadata, data. `data` is None for a deleted version and for a write.
pub(crate) fn versioned(path: &str, metadata: Option<&Map<String, Value>>, data: Option<&Map<String, Value>>) -> String {
    let mut text = path_section("Secret Path", path);
    for (title, map) in [("Metadata", metadata), ("Data", data)] {
        if let Some(map) = map {
            text.push('\n');
            text.push_str(&section(title, map));
        }
    }
    text
}

/// Keys and values under a title.
fn section(title: &str, map: &Map<String, Value>) -> String {
    let rows: Vec<(&String, String)> = map.iter().map(|(key, value)| (key, cell(key, value))).collect();
    table::title_over(title, map.keys().map(String::as_str)) + &table::pairs(&rows)
}

/// All that is known about a secret: its settings, then each version in the order of its number.
pub(crate) fn metadata(path: &str, data: &Map<String, Value>) -> String {
    let mut settings = data.clone();
    let versions = match settings.remove("versions") {
        Some(Value::Object(versions)) => versions,
        _ => Map::new(),
    };
    let mut numbered: Vec<(u64, &Value)> =
        versions.iter().filter_map(|(number, value)| Some((number.parse().ok()?, value))).collect();
    numbered.sort_by_key(|(number, _)| *number);
    let mut text = path_section("Metadata Path", path);
    text.push('\n');
    text.push_str(&section("Metadata", &settings));
    for (number, version) in numbered {
        let Value::Object(version) = version else { continue };
        text.push('\n');
        text.push_str(&section(&format!("Version {number}"), version));
    }
    text
}

fn path_section(title: &str, path: &str) -> String {
    format!("{}{path}\n", table::title_in(title, path.chars().count()))
}
