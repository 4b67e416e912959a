//! `audit` stanzas: `audit "file" "NAME" { options { file_path = ... } }`, and shorter forms with one label or with the options
//! directly in the block. What would record less, or in clear, than an operator expects is refused.

use std::path::PathBuf;

use strongroom_audit::Limits;

use super::mistake::Result;
use super::section::{Section, Unknown};

const KEYS: &[&str] = &["type", "path", "description", "local", "options"];
const OPTIONS: &[&str] = &[
    "file_path",
    "path",
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

/// One device, all values settled.
#[derive(Clone, Debug)]
pub struct Audit {
    /// With trailing slash.
    pub name: String,
    pub description: String,
    pub path: PathBuf,
    /// Every group of lines is on disk before it is acknowledged. Default: false; checkpoints are, every 100 ms.
    pub is_sync: bool,
    pub limits: Limits,
}

/// Reads the stanzas of one file.
pub fn read(file: &Section<'_>, warnings: &mut Vec<String>) -> Result<Vec<Audit>> {
    let known: Vec<&str> = KEYS.iter().chain(OPTIONS).copied().collect();
    file.stanzas("audit", 2, &known)?.iter().map(|stanza| one(stanza, &known, warnings)).collect()
}

fn one(stanza: &Section<'_>, known: &[&str], warnings: &mut Vec<String>) -> Result<Audit> {
    stanza.check_keys(known, Unknown::RefuseNearMiss, warnings)?;
    let kind = stanza.text("type")?.or(stanza.labels.first().copied());
    if kind != Some("file") {
        return Err(stanza.refuse_all("not supported by this build; the type \"file\" is"));
    }
    // `path` is the device's name, except in the short form, where the second label can be it.
    let name = stanza.labels.get(1).copied().or(stanza.text("path")?).unwrap_or("file").trim_matches('/');
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
    Ok(Audit {
        name: format!("{name}/"),
        description: stanza.text("description")?.unwrap_or_default().to_owned(),
        path: file_path(options, !nested.is_empty())?,
        is_sync: options.flag("sync")?.unwrap_or(false),
        limits: limits(options)?,
    })
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn file_path(options: &Section<'_>, is_nested: bool) -> Result<PathBuf> {
    let old_name = if is_nested { options.text("path")? } else { None };
    let path = options.text("file_path")?.or(old_name).ok_or_else(|| options.refuse("file_path", "is required"))?;
    if matches!(path, "stdout" | "discard") || path.starts_with("/dev/") {
        return Err(options.refuse("file_path", "must be a regular file: streams and devices are not supported by this build"));
    }
    Ok(path.into())
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
