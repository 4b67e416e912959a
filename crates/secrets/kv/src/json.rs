//! Answers, written as bytes: values go through as they lie in the store, nothing is built for them.

use std::io::Write;

use strongroom_types::{Timestamp, go_duration};

use crate::record::{Record, Version};

/// `{"data":..,"metadata":..}`; without a value `data` is null.
pub fn secret(value: Option<&[u8]>, custom: &str, version: (u64, Version)) -> Vec<u8> {
    with_metadata(b"{\"data\":", value, custom, version)
}

/// `{"subkeys":..,"metadata":..}`.
pub fn structure(subkeys: Option<&[u8]>, custom: &str, version: (u64, Version)) -> Vec<u8> {
    with_metadata(b"{\"subkeys\":", subkeys, custom, version)
}

fn with_metadata(head: &[u8], value: Option<&[u8]>, custom: &str, version: (u64, Version)) -> Vec<u8> {
    let value = value.unwrap_or(b"null");
    let mut out = Vec::with_capacity(value.len().saturating_add(custom.len()).saturating_add(256));
    out.extend_from_slice(head);
    out.extend_from_slice(value);
    out.extend_from_slice(b",\"metadata\":");
    facts_into(&mut out, custom, version);
    out.push(b'}');
    out
}

/// What a write answers: the facts of one version.
pub fn facts(custom: &str, version: (u64, Version)) -> Vec<u8> {
    let mut out = Vec::with_capacity(custom.len().saturating_add(192));
    facts_into(&mut out, custom, version);
    out
}

fn facts_into(out: &mut Vec<u8>, custom: &str, (number, version): (u64, Version)) {
    out.extend_from_slice(b"{\"created_time\":\"");
    time(out, Some(version.created));
    out.extend_from_slice(b"\",\"custom_metadata\":");
    out.extend_from_slice(or_null(custom));
    out.extend_from_slice(b",\"deletion_time\":\"");
    time(out, version.deletion);
    print(out, format_args!("\",\"destroyed\":{},\"version\":{number}}}", version.is_destroyed()));
}

/// Everything about a key but its values.
pub fn metadata_into(out: &mut Vec<u8>, record: &Record<'_>) {
    let (head, settings) = (record.head, record.head.settings);
    print(out, format_args!("{{\"cas_required\":{},\"created_time\":\"", settings.cas_required));
    time(out, Some(head.created));
    print(out, format_args!("\",\"current_metadata_version\":{},\"current_version\":{}", head.metadata_version, head.current));
    out.extend_from_slice(b",\"custom_metadata\":");
    out.extend_from_slice(or_null(record.custom));
    print(out, format_args!(",\"delete_version_after\":\"{}\"", go_duration(settings.delete_after_s)));
    print(out, format_args!(",\"max_versions\":{}", settings.max_versions));
    print(out, format_args!(",\"metadata_cas_required\":{}", settings.metadata_cas_required));
    print(out, format_args!(",\"oldest_version\":{},\"updated_time\":\"", record.oldest()));
    time(out, Some(head.updated));
    out.extend_from_slice(b"\",\"versions\":{");
    for (i, (number, version)) in record.versions().enumerate() {
        print(out, format_args!("{}\"{number}\":{{\"created_time\":\"", if i > 0 { "," } else { "" }));
        time(out, Some(version.created));
        out.extend_from_slice(b"\",\"deletion_time\":\"");
        time(out, version.deletion);
        print(out, format_args!("\",\"destroyed\":{}}}", version.is_destroyed()));
    }
    out.extend_from_slice(b"}}");
}

/// A JSON text, escaped.
pub fn text(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

fn or_null(custom: &str) -> &[u8] {
    if custom.is_empty() { b"null" } else { custom.as_bytes() }
}

fn time(out: &mut Vec<u8>, at: Option<Timestamp>) {
    if let Some(at) = at {
        print(out, format_args!("{at}"));
    }
}

/// Writing to memory cannot fail.
fn print(out: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(what);
}
