//! The `storage` stanza (`backend` is its old name): where the sealed data lies. Kinds that only other builds have are
//! refused; `raft` and `file` are served by the embedded store, which refuses folders with somebody else's data by itself.

use std::path::{Path, PathBuf};

use super::mistake::{Mistake, Result};
use super::section::{Section, Unknown};

/// `path` and `max_size` mean something to us; the others belong to the reference's clustered store.
const KEYS: &[&str] = &[
    "path",
    "max_size",
    "node_id",
    "performance_multiplier",
    "trailing_logs",
    "snapshot_threshold",
    "snapshot_interval",
    "retry_join",
    "retry_join_as_non_voter",
    "max_entry_size",
    "max_transaction_size",
    "max_mount_and_namespace_table_entry_size",
    "autopilot_reconcile_interval",
    "autopilot_update_interval",
    "disable_clustering",
    "max_parallel",
];

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Storage {
    /// Gone with the process.
    Memory,
    /// One folder, one process. `size_bytes_max` None: as large as the disk allows.
    Embedded { path: PathBuf, size_bytes_max: Option<u64> },
}

impl Storage {
    /// As seal-status shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Memory => "inmem",
            Self::Embedded { .. } => "embedded",
        }
    }

    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Memory => None,
            Self::Embedded { path, .. } => Some(path),
        }
    }
}

/// Reads the stanza of one file; None when it has none.
pub fn read(file: &Section<'_>, warnings: &mut Vec<String>) -> Result<Option<Storage>> {
    let mut stanzas = file.stanzas("storage", 1, KEYS)?;
    stanzas.extend(file.stanzas("backend", 1, KEYS)?);
    match stanzas.as_slice() {
        [] => Ok(None),
        [stanza] => one(stanza, warnings).map(Some),
        [_, second, ..] => Err(second.refuse_all("there can be one storage stanza only")),
    }
}

fn one(stanza: &Section<'_>, warnings: &mut Vec<String>) -> Result<Storage> {
    stanza.check_keys(KEYS, Unknown::Warn, warnings)?;
    match stanza.labels.as_slice() {
        ["inmem"] => Ok(Storage::Memory),
        [] | ["embedded"] => embedded(stanza),
        [kind @ ("raft" | "file")] => {
            warnings.push(stanza.note("path", &format!("\"{kind}\" storage is served by the embedded store")));
            embedded(stanza)
        }
        _ => Err(stanza.refuse_all("not supported by this build; \"embedded\" and \"inmem\" are")),
    }
}

fn embedded(stanza: &Section<'_>) -> Result<Storage> {
    let path = stanza.text("path")?.ok_or_else(|| no_path(stanza))?;
    Ok(Storage::Embedded { path: path.into(), size_bytes_max: stanza.count("max_size")?.filter(|bytes| *bytes > 0) })
}

fn no_path(stanza: &Section<'_>) -> Mistake {
    stanza.refuse("path", "is required: the folder for the data")
}
