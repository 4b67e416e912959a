//! The server's configuration: HCL or JSON, one file, several, or a folder of them, with the stanza and key names of the reference.
//! It yields plain values with every default settled, and warnings. It touches nothing but the files it is given: whether
//! a folder or a certificate is good is found out where they are used (decisions.md 10, 19).

mod audit;
mod listener;
mod lockout;
mod mistake;
mod near;
mod section;
mod storage;
mod telemetry;
#[cfg(test)]
mod tests;
mod top;

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_core::{AuditDevice, AuditKind, LockoutDefaults};
use strongroom_types::Ttl;

pub use listener::{Address, DEFAULT_ADDRESS, Limits, Listener, Tls, parse_address};
pub use mistake::Mistake;
pub use storage::Storage;
pub use telemetry::Telemetry;

use mistake::Result;
use section::Section;

/// Everything that the files say.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// In the order of the files.
    pub listeners: Vec<Listener>,
    /// None: no stanza; only a dev server can do without.
    pub storage: Option<Storage>,
    pub audit: Vec<AuditDevice>,
    pub audit_api: AuditApi,
    pub leases: Leases,
    /// By auth method; `all` for every one.
    pub lockout: LockoutDefaults,
    pub cluster: Cluster,
    /// The mount that the flat contract serves, with trailing slash; empty switches it off. None: `secret/`.
    pub flat_mount: Option<String>,
    pub log: Log,
    pub process: Process,
    pub telemetry: Telemetry,
    /// What an operator should know and what does not stop the start.
    pub warnings: Vec<String>,
}

/// Audit devices by API: on only when both are given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditApi {
    pub is_allowed: bool,
    pub folder: Option<PathBuf>,
}

impl AuditApi {
    /// None: the API can enable no device.
    pub fn folder(&self) -> Option<&PathBuf> {
        self.folder.as_ref().filter(|_| self.is_allowed)
    }
}

/// Lifetimes of tokens and leases where neither request nor mount says more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leases {
    /// Default: 768h.
    pub default_ttl: Ttl,
    /// Default: 768h.
    pub max_ttl: Ttl,
}

impl Default for Leases {
    fn default() -> Self {
        let month = Ttl::from_s(768 * 3600);
        Self { default_ttl: month, max_ttl: month }
    }
}

/// How this server is called by others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cluster {
    /// Empty: one is made when the store is initialised.
    pub name: String,
    /// Empty: taken from the first TCP listener.
    pub api_addr: String,
}

/// The server's own log, on standard error. None: the default, which flags and environment can change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Log {
    /// Default: info.
    pub level: Option<crate::log::Level>,
    /// Default: standard.
    pub format: Option<crate::log::Format>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// None: no such file is written.
    pub pid_file: Option<PathBuf>,
    /// Keep memory out of swap where the system allows it. Default: true.
    pub lock_memory: bool,
}

impl Default for Process {
    fn default() -> Self {
        Self { pid_file: None, lock_memory: true }
    }
}

impl Config {
    /// Reads files and folders in order. Lists grow, single values of later files win.
    /// Errors: the first mistake, with file, line, key and rule.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut config = Self::default();
        for path in paths {
            for file in files_of(path)? {
                let text =
                    fs::read_to_string(&file).map_err(|error| Mistake::of_file(&file, format!("can't be read: {error}")))?;
                config.add(&file, &text)?;
            }
        }
        config.check(paths.last().map_or(Path::new(""), PathBuf::as_path))?;
        Ok(config)
    }

    /// Adds what one file says.
    fn add(&mut self, file: &Path, text: &str) -> Result<()> {
        let body = strongroom_hcl::parse(text).map_err(|error| Mistake::unreadable(file, &error))?;
        let section = Section::file(file, &body);
        top::read(&section, self)?;
        self.listeners.extend(listener::read(&section, &mut self.warnings)?);
        telemetry::read(&section, &mut self.telemetry, &mut self.warnings)?;
        self.audit.extend(audit::read(&section, &mut self.warnings)?);
        self.lockout.extend(lockout::read(&section, &mut self.warnings)?);
        if let Some(storage) = storage::read(&section, &mut self.warnings)? {
            self.storage = Some(storage);
        }
        Ok(())
    }

    /// Rules about all files together.
    fn check(&self, last: &Path) -> Result<()> {
        if self.leases.default_ttl > self.leases.max_ttl {
            return Err(Mistake {
                key: "default_lease_ttl".into(),
                ..Mistake::of_file(last, "must not be larger than max_lease_ttl")
            });
        }
        if self.audit_api.is_allowed && self.audit_api.folder.is_none() {
            return Err(Mistake {
                key: "unsafe_allow_api_audit_creation".into(),
                ..Mistake::of_file(last, "needs `audit_api_folder`, the folder for files of such devices")
            });
        }
        for (index, audit) in self.audit.iter().enumerate() {
            let earlier = || self.audit.iter().take(index);
            let refused = |rule: &str| Err(Mistake { key: format!("audit \"{}\"", audit.name), ..Mistake::of_file(last, rule) });
            if earlier().any(|other| other.name == audit.name) {
                return refused("two devices have this name");
            }
            if earlier().any(|other| place(other) == place(audit)) {
                return refused("two devices write to this file_path or address");
            }
        }
        Ok(())
    }
}

/// What no two devices may share.
fn place(device: &AuditDevice) -> String {
    match &device.kind {
        AuditKind::File { path, .. } => format!("file {}", path.display()),
        other => other.place(),
    }
}

/// The file itself, or the `.hcl` and `.json` files of a folder in the order of their names.
fn files_of(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error: std::io::Error| Mistake::of_file(path, format!("can't be read: {error}"));
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "hcl" || extension == "json") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() { Err(Mistake::of_file(path, "the folder holds no .hcl or .json file")) } else { Ok(files) }
}
