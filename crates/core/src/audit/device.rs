//! What an audit device is, as the configuration or the API describes it.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};
use strongroom_audit::{Limits, Target};

/// A device as configured, all values settled.
#[derive(Clone, Debug)]
pub struct AuditDevice {
    /// With trailing slash, such as `file/`.
    pub name: String,
    pub description: String,
    pub kind: AuditKind,
    pub limits: Limits,
}

/// Where a device's lines go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuditKind {
    File {
        path: PathBuf,
        /// Every group of lines is on disk before it is acknowledged.
        is_sync: bool,
    },
    /// Standard output of the server, for a collector that keeps it.
    Stdout,
    /// A collector elsewhere. It lags, and counts for a record only when no local device took it.
    Socket { target: Target, write_timeout: Duration },
    /// Nowhere; never counts.
    Discard,
}

impl AuditDevice {
    /// A file device with all defaults.
    pub fn file(name: &str, path: impl Into<PathBuf>) -> Self {
        Self::new(name, AuditKind::File { path: path.into(), is_sync: false })
    }

    pub fn new(name: &str, kind: AuditKind) -> Self {
        Self { name: name.to_owned(), description: String::new(), kind, limits: Limits::default() }
    }
}

impl AuditKind {
    /// The type as the API shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Socket { .. } => "socket",
            Self::File { .. } | Self::Stdout | Self::Discard => "file",
        }
    }

    /// Where to, in a few words for people.
    pub fn place(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Stdout => "stdout".to_owned(),
            Self::Discard => "discard".to_owned(),
            Self::Socket { target, .. } => format!("{}://{}", target.transport.name(), target.address),
        }
    }

    /// The options that describe it, as the API shows them.
    pub fn options(&self) -> Map<String, Value> {
        let shown = match self {
            Self::Socket { target, write_timeout } => json!({
                "address": target.address,
                "socket_type": target.transport.name(),
                "write_timeout": format!("{}s", write_timeout.as_secs_f64()),
            }),
            file => json!({ "file_path": file.place() }),
        };
        match shown {
            Value::Object(options) => options,
            _ => Map::new(),
        }
    }
}
