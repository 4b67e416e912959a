//! One check each: what a server needs from its machine before it can start.

use std::path::Path;

use serde_json::{Value, json};
use strongroom_core::AuditKind;

use crate::commands::server::{self, doors};
use crate::config::{Config, Storage};

/// In the order of badness.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    Good,
    Skipped,
    Warning,
    Failed,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What a check found.
#[derive(Debug)]
pub struct Finding {
    check: &'static str,
    pub state: State,
    text: String,
}

impl Finding {
    pub fn new(check: &'static str, state: State, text: impl Into<String>) -> Self {
        Self { check, state, text: text.into() }
    }

    pub fn skipped(check: &'static str) -> Self {
        Self::new(check, State::Skipped, "as asked for")
    }

    pub fn line(&self) -> String {
        format!("[{:^7}] {}: {}\n", self.state.word(), self.check, self.text)
    }

    pub fn json(&self) -> Value {
        json!({ "check": self.check, "state": self.state.word(), "text": self.text })
    }
}

/// Hardens this process as a server would its own.
pub fn machine(config: &Config) -> Finding {
    match strongroom_os::harden(config.process.lock_memory).warnings().as_slice() {
        [] => Finding::new("machine", State::Good, "no core dumps, no tracing, memory is locked"),
        warnings => Finding::new("machine", State::Warning, warnings.join("; ")),
    }
}

/// Opens the store where there is one; a new one is not made.
pub fn storage(config: &Config) -> Finding {
    const CHECK: &str = "storage";
    match &config.storage {
        None => Finding::new(CHECK, State::Failed, "the configuration has no storage stanza"),
        Some(Storage::Memory) => Finding::new(CHECK, State::Warning, "in memory: all is lost when the server stops"),
        Some(Storage::Embedded { path, .. }) if is_empty(path) => match writable(path) {
            Ok(()) => {
                Finding::new(CHECK, State::Good, format!("{} is empty: a store is made at the first start", path.display()))
            }
            Err(error) => Finding::new(CHECK, State::Failed, format!("{}: {error}", path.display())),
        },
        Some(storage @ Storage::Embedded { path, .. }) => match server::try_open(storage.clone()) {
            Ok(()) => Finding::new(CHECK, State::Good, format!("{} can be opened", path.display())),
            Err(error) => {
                let text = format!("{}: {error:#}; while the server runs give -skip=storage", path.display());
                Finding::new(CHECK, State::Failed, text)
            }
        },
    }
}

/// Binds every address, reads every certificate, and lets go again.
pub fn listeners(config: &Config) -> anyhow::Result<Finding> {
    const CHECK: &str = "listener";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bound = runtime.block_on(doors::Doors::bind(&config.listeners, config.telemetry.metrics_address));
    Ok(match bound {
        Err(error) => Finding::new(CHECK, State::Failed, format!("{error:#}; while the server runs give -skip=listener")),
        Ok(_) if config.listeners.iter().any(server::is_open_to_others_in_clear) => {
            Finding::new(CHECK, State::Warning, "an address that others can reach has no TLS: tokens and secrets travel in clear")
        }
        Ok(_) => Finding::new(CHECK, State::Good, "every address is free, every certificate can be used"),
    })
}

/// Files of audit devices must be writable: a server that can't record answers nothing.
pub fn audit(config: &Config) -> Finding {
    const CHECK: &str = "audit";
    let files = config.audit.iter().filter_map(|device| match &device.kind {
        AuditKind::File { path, .. } => Some(path),
        _ => None,
    });
    let unwritable: Vec<String> = files
        .filter_map(|file| {
            let error = writable(file.parent().unwrap_or(Path::new("."))).err()?;
            Some(format!("{}: {error}", file.display()))
        })
        .collect();
    match (unwritable.as_slice(), config.audit.len()) {
        ([], 0) => Finding::new(CHECK, State::Good, "no device is configured: a local file beside the data is kept"),
        ([], count) => Finding::new(CHECK, State::Good, format!("{count} device(s), every file can be written")),
        (failed, _) => Finding::new(CHECK, State::Failed, failed.join("; ")),
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// A file can be made there, or in the nearest folder above that exists.
fn writable(folder: &Path) -> std::io::Result<()> {
    let folder = folder.ancestors().find(|one| one.is_dir()).unwrap_or(Path::new("."));
    let probe = folder.join(format!(".strongroom-diagnose-{}", std::process::id()));
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(probe)
}
