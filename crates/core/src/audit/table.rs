//! Devices that were enabled over the API: one document behind the barrier, the same for every node.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_audit::{Target, Transport};
use strongroom_engine::{Error, Key, Result};
use strongroom_types::parse_duration_ns;

use super::AuditKind;

/// More would make every record slow.
pub const DEVICES_MAX: usize = 16;
const FILE_NAME_BYTES_MAX: usize = 100;
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
const WRITE_TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Options that every type takes. SECURITY: each may only say what is done anyway.
const COMMON: &[&str] = &["format", "log_raw", "hmac_accessor", "prefix", "mode", "elide_list_responses"];

pub fn table_key() -> Key {
    Key::area("s").name("audit-devices")
}

/// By name, with trailing slash.
#[derive(Serialize, Deserialize, Clone, Default)]
pub struct Table(pub BTreeMap<String, Entry>);

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub description: String,
    pub local: bool,
    /// As they were given.
    pub options: BTreeMap<String, String>,
    pub target: Stored,
}

/// What the options mean, without anything that differs between nodes.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    /// Name of a file directly below the configured folder.
    File(String),
    Discard,
    Socket {
        transport: String,
        address: String,
        write_timeout_ms: u64,
    },
}

impl Entry {
    /// Errors: `Invalid`, with the reference's texts where it has the rule too.
    pub fn new(kind: &str, description: String, local: bool, options: BTreeMap<String, String>, folder: &Path) -> Result<Self> {
        let target = match kind {
            "file" => file(&options, folder)?,
            "socket" => socket(&options)?,
            other => return Err(Error::invalid(format!("unknown backend type: {other:?}"))),
        };
        let own: &[&str] = if kind == "file" { &["file_path", "path"] } else { &["address", "socket_type", "write_timeout"] };
        check_common(&options, own)?;
        Ok(Self { description, local, options, target })
    }

    pub fn kind_name(&self) -> &'static str {
        if matches!(self.target, Stored::Socket { .. }) { "socket" } else { "file" }
    }

    /// What to open on this node. SECURITY: the rules are judged again, whatever the document says. Errors: `Internal`.
    pub fn kind(&self, folder: Option<&Path>) -> Result<AuditKind> {
        match &self.target {
            Stored::Discard => Ok(AuditKind::Discard),
            Stored::File(name) => {
                let folder = folder.ok_or_else(|| Error::Internal("audit_api_folder is not configured on this node".into()))?;
                if !is_plain_file(name) {
                    return Err(Error::Internal("the stored file name is not plain".into()));
                }
                Ok(AuditKind::File { path: folder.join(name), is_sync: false })
            }
            Stored::Socket { transport, address, write_timeout_ms } => {
                let target = Transport::parse(transport).and_then(|t| Target::new(t, address).ok());
                let target = target.ok_or_else(|| Error::Internal("the stored address is malformed".into()))?;
                Ok(AuditKind::Socket { target, write_timeout: Duration::from_millis(*write_timeout_ms) })
            }
        }
    }
}

fn given<'a>(options: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    options.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

fn file(options: &BTreeMap<String, String>, folder: &Path) -> Result<Stored> {
    let path = given(options, "file_path").or_else(|| given(options, "path"));
    let path = path.ok_or_else(|| Error::invalid("file_path is required"))?;
    if path == "discard" {
        return Ok(Stored::Discard);
    }
    // SECURITY (CVE-2025-6000): whoever may call this must not choose where on the machine a file is written.
    let below = Path::new(path).strip_prefix(folder).ok().filter(|_| folder.is_absolute());
    let name = below.map_or_else(|| PathBuf::from(path), Path::to_path_buf);
    let name = name.to_str().filter(|name| is_plain_file(name) && *name != "stdout");
    let name = name.ok_or_else(|| {
        Error::invalid(
            "file_path must be `discard` or a file directly below the configured audit_api_folder: at most 100 letters, digits, \
             `-`, `_` and `.`, not beginning with `.` and not ending like the log's own files",
        )
    })?;
    Ok(Stored::File(name.to_owned()))
}

/// A name that is no path, no hidden file, and that no other log's segments or tree can have.
fn is_plain_file(name: &str) -> bool {
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    let ending = name.rsplit('.').next().unwrap_or_default();
    let is_own = name.contains('.') && (ending == "tree" || ending.bytes().all(|b| b.is_ascii_digit()));
    is_plain && !is_own && !name.is_empty() && name.len() <= FILE_NAME_BYTES_MAX && !name.starts_with('.')
}

fn socket(options: &BTreeMap<String, String>) -> Result<Stored> {
    let address = given(options, "address").ok_or_else(|| Error::invalid("address is required"))?;
    let transport = Transport::parse(given(options, "socket_type").unwrap_or("tcp"));
    let transport = transport.ok_or_else(|| Error::invalid("socket_type must be tcp, udp or unix"))?;
    let target = Target::new(transport, address).map_err(|rule| Error::invalid(format!("address {rule}")))?;
    let timeout = match given(options, "write_timeout") {
        None => Some(WRITE_TIMEOUT),
        Some(text) => parse_timeout(text),
    };
    let timeout = timeout.filter(|t| !t.is_zero() && *t <= WRITE_TIMEOUT_MAX);
    let timeout = timeout.ok_or_else(|| Error::invalid("write_timeout must be a duration of at most 60s, such as 2s"))?;
    Ok(Stored::Socket {
        transport: transport.name().to_owned(),
        address: target.address,
        write_timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1),
    })
}

fn parse_timeout(text: &str) -> Option<Duration> {
    match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => parse_duration_ns(text).ok().and_then(|ns| u64::try_from(ns).ok()).map(Duration::from_nanos),
    }
}

/// SECURITY: nothing here makes a device record in clear or write anything but the log's own lines. `log_raw` and `prefix` are
/// taken, since scripts set them, and change nothing; what else would loosen the log is refused (docs/decisions/0015).
fn check_common(options: &BTreeMap<String, String>, own: &[&str]) -> Result<()> {
    if given(options, "format").is_some_and(|format| format != "json") {
        return Err(Error::invalid(format!("unknown format type {:?}", options.get("format").map_or("", String::as_str))));
    }
    if flag(options, "log_raw")? == Some(true) {
        tracing::warn!("log_raw of an audit device changes nothing: values are recorded as hashes only");
    }
    if flag(options, "hmac_accessor")? == Some(false) {
        return Err(Error::invalid("hmac_accessor must be true: accessors are recorded as hashes only"));
    }
    flag(options, "elide_list_responses")?;
    if given(options, "prefix").is_some() {
        tracing::warn!("prefix of an audit device changes nothing: lines are JSON and nothing else");
    }
    if given(options, "mode").is_some_and(|mode| !matches!(mode, "0600" | "600" | "0000" | "0")) {
        return Err(Error::invalid("mode must be 0600: audit files belong to the server's user alone"));
    }
    if options.keys().any(|name| !COMMON.contains(&name.as_str()) && !own.contains(&name.as_str())) {
        return Err(Error::invalid(format!("options: unknown option; known are {}, {}", own.join(", "), COMMON.join(", "))));
    }
    Ok(())
}

fn flag(options: &BTreeMap<String, String>, name: &str) -> Result<Option<bool>> {
    match given(options, name) {
        None => Ok(None),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Some(true)),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Some(false)),
        Some(text) => Err(Error::invalid(format!("strconv.ParseBool: parsing {text:?}: invalid syntax"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(options: &[(&str, &str)]) -> Result<Entry> {
        let options = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Entry::new("file", String::new(), false, options, Path::new("/var/audit"))
    }

    #[test]
    fn cve_2025_6000_only_plain_names_below_the_folder_are_files() {
        for good in ["a", "audit.log", "/var/audit/audit.log", "a-b_c.1.log"] {
            let entry = made(&[("file_path", good)]).unwrap();
            let name = good.rsplit('/').next().unwrap();
            assert_eq!(entry.kind(Some(Path::new("/x"))).unwrap().place(), format!("/x/{name}"), "the node's own folder counts");
        }
        for bad in [
            "../a",
            "/var/audit/../a",
            "/etc/passwd",
            "/var/audit/b/a",
            "b/a",
            ".a",
            "..",
            ".",
            "/",
            "/var/audit",
            "a\0",
            "a b",
            "stdout",
            "a.tree",
            "a.000000000012",
            "/var/audit/",
            "/dev/null",
            "ä",
        ] {
            assert!(made(&[("file_path", bad)]).is_err(), "{bad}");
        }
        let stored = Entry { target: Stored::File("../a".into()), ..made(&[("file_path", "a")]).unwrap() };
        assert!(stored.kind(Some(Path::new("/x"))).is_err(), "a changed document does not count");
    }

    #[test]
    fn cve_2024_0831_nothing_loosens_the_log() {
        for (name, value) in [("hmac_accessor", "false"), ("mode", "0777"), ("format", "jsonx"), ("log_rw", "1")] {
            assert!(made(&[("file_path", "a"), (name, value)]).is_err(), "{name}");
        }
        assert!(made(&[("file_path", "a"), ("log_raw", "false"), ("mode", "0600"), ("format", "json")]).is_ok());
    }
}
