//! `audit` stanzas: `audit "file" "NAME" { options { file_path = ... } }`, and shorter forms with one label or with the options
//! directly in the block; the types `file`, `stdout` and `socket`. What would record less, or in clear, than an operator expects is refused.

use std::path::PathBuf;
use std::time::Duration;

use strongroom_audit::{Limits, Target, Transport};
use strongroom_core::{AuditDevice, AuditKind};

use super::mistake::Result;
use super::section::{Section, Unknown};

const KEYS: &[&str] = &["type", "path", "description", "local", "options"];
const OPTIONS: &[&str] = &[
    "file_path",
    "path",
    "address",
    "socket_type",
    "write_timeout",
    "sync",
    "buffer_bytes",
    "segment_bytes",
    "budget_bytes",
    "epoch_duration",
    "epoch_records",
    "elide_list_responses",
    "format",
    "hmac_accessor",
    "log_raw",
    "mode",
    "prefix",
];

const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
const WRITE_TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Reads the stanzas of one file.
pub fn read(file: &Section<'_>, warnings: &mut Vec<String>) -> Result<Vec<AuditDevice>> {
    let known: Vec<&str> = KEYS.iter().chain(OPTIONS).copied().collect();
    file.stanzas("audit", 2, &known)?.iter().map(|stanza| one(stanza, &known, warnings)).collect()
}

fn one(stanza: &Section<'_>, known: &[&str], warnings: &mut Vec<String>) -> Result<AuditDevice> {
    stanza.check_keys(known, Unknown::RefuseNearMiss, warnings)?;
    let kind = stanza.text("type")?.or(stanza.labels.first().copied());
    let Some(kind @ ("file" | "stdout" | "socket")) = kind else {
        return Err(stanza.refuse_all("not supported by this build; the types \"file\", \"stdout\" and \"socket\" are"));
    };
    // `path` is the device's name, except in the short form, where the second label can be it.
    let name = stanza.labels.get(1).copied().or(stanza.text("path")?).unwrap_or(kind).trim_matches('/');
    if !is_plain_name(name) {
        return Err(stanza.refuse("path", "the device's name must be letters, digits, `-`, `_` or `.`"));
    }
    let nested = stanza.stanzas("options", 0, OPTIONS)?;
    let options = match nested.as_slice() {
        [] => stanza,
        [options] => options,
        [_, second, ..] => return Err(second.refuse_all("is given twice")),
    };
    if !nested.is_empty() {
        options.check_keys(OPTIONS, Unknown::RefuseNearMiss, warnings)?;
    }
    refuse_weaker(options)?;
    Ok(AuditDevice {
        name: format!("{name}/"),
        description: stanza.text("description")?.unwrap_or_default().to_owned(),
        kind: target(kind, options, !nested.is_empty())?,
        limits: limits(options)?,
    })
}

fn target(kind: &str, options: &Section<'_>, is_nested: bool) -> Result<AuditKind> {
    let foreign: &[&str] = match kind {
        "socket" => &["file_path", "sync", "segment_bytes", "budget_bytes", "mode"],
        "stdout" => &["file_path", "sync", "segment_bytes", "budget_bytes", "mode", "address", "socket_type", "write_timeout"],
        _ => &["address", "socket_type", "write_timeout"],
    };
    if let Some(key) = foreign.iter().find(|key| options.has(key)) {
        return Err(options.refuse(key, format!("is no option of a {kind} device")));
    }
    match kind {
        "socket" => socket(options),
        "stdout" => Ok(AuditKind::Stdout),
        _ => file(options, is_nested),
    }
}

fn socket(options: &Section<'_>) -> Result<AuditKind> {
    let transport = Transport::parse(options.text("socket_type")?.unwrap_or("tcp"));
    let transport = transport.ok_or_else(|| options.refuse("socket_type", "must be \"tcp\", \"udp\" or \"unix\""))?;
    let address = options.text("address")?.ok_or_else(|| options.refuse("address", "is required"))?;
    let target = Target::new(transport, address).map_err(|rule| options.refuse("address", rule))?;
    let write_timeout = options.duration("write_timeout")?.unwrap_or(WRITE_TIMEOUT);
    if write_timeout > WRITE_TIMEOUT_MAX {
        return Err(options.refuse("write_timeout", "must be at most 60s"));
    }
    Ok(AuditKind::Socket { target, write_timeout })
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn file(options: &Section<'_>, is_nested: bool) -> Result<AuditKind> {
    let old_name = if is_nested { options.text("path")? } else { None };
    let path = options.text("file_path")?.or(old_name).ok_or_else(|| options.refuse("file_path", "is required"))?;
    if path == "stdout" {
        return Ok(AuditKind::Stdout);
    }
    if path == "discard" || path.starts_with("/dev/") {
        return Err(options.refuse("file_path", "must be \"stdout\" or a regular file: whatever is recorded must be kept"));
    }
    Ok(AuditKind::File { path: PathBuf::from(path), is_sync: options.flag("sync")?.unwrap_or(false) })
}

/// SECURITY: settings of the reference that this build does not have, where the difference matters.
fn refuse_weaker(options: &Section<'_>) -> Result<()> {
    if options.flag("log_raw")? == Some(true) {
        return Err(options.refuse("log_raw", "not supported: values are recorded as hashes only"));
    }
    if options.flag("hmac_accessor")? == Some(false) {
        return Err(options.refuse("hmac_accessor", "must be true: accessors are recorded as hashes only"));
    }
    if options.text("format")?.is_some_and(|format| format != "json") {
        return Err(options.refuse("format", "must be \"json\""));
    }
    if options.text("prefix")?.is_some() {
        return Err(options.refuse("prefix", "not supported: lines are JSON and nothing else"));
    }
    if options.text("mode")?.is_some_and(|mode| !matches!(mode, "0600" | "600" | "0000" | "0")) {
        return Err(options.refuse("mode", "must be \"0600\": audit files belong to the server's user alone"));
    }
    options.flag("elide_list_responses").map(drop)
}

fn limits(options: &Section<'_>) -> Result<Limits> {
    let default = Limits::default();
    let count = |key| Ok(options.count(key)?.filter(|count| *count > 0));
    let buffer = count("buffer_bytes")?.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    Ok(Limits {
        buffer_bytes_max: buffer.unwrap_or(default.buffer_bytes_max),
        segment_bytes_max: count("segment_bytes")?.unwrap_or(default.segment_bytes_max),
        budget_bytes: options.count("budget_bytes")?.unwrap_or(default.budget_bytes),
        epoch_s: options.duration("epoch_duration")?.map_or(default.epoch_s, |epoch| epoch.as_secs().max(1)),
        epoch_records: count("epoch_records")?.unwrap_or(default.epoch_records),
    })
}
