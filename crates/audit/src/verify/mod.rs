//! Offline verification of a log: no server and no secret, only the files and the log's public key. It reads everything
//! once, and reports each problem with its file and line. It must find every change to anything that a checkpoint
//! covers, and must not cry wolf after a crash.

mod chain;
mod files;
#[cfg(test)]
mod tests;
mod torn;
mod walk;

use std::path::{Path, PathBuf};

use strongroom_types::Timestamp;

pub(crate) use self::files::{Found, NextNote, Notes};

use crate::tree::Hash;
use crate::{AuditError, Checkpoint};

/// What else is known about the log.
#[derive(Clone, Default, Debug)]
pub struct Options {
    /// The text of a checkpoint that was kept elsewhere: the log must extend it.
    pub checkpoint: Option<String>,
    /// Older segments were moved elsewhere: lines may be missing from the beginning that the server did not delete.
    pub archived: bool,
}

/// What was found. The log is intact when there are no problems.
#[derive(Clone, Default, Debug)]
pub struct Report {
    /// Records, from 0; pruned ones included.
    pub size: u64,
    pub root: Hash,
    /// Checkpoints that hold.
    pub checkpoints: u64,
    /// The last of them.
    pub last: Option<Checkpoint>,
    /// Keys that were appointed.
    pub epochs: u64,
    /// Every start of the server: where an intruder with the log key would have had to show up.
    pub restarts: Vec<Restart>,
    /// Records below this number have only their hashes left.
    pub pruned_below: u64,
    /// Records behind the last checkpoint: not protected yet. Zero after a clean stop.
    pub uncheckpointed: u64,
    /// Bytes of a last line that a crash cut off.
    pub torn_bytes: u64,
    /// At most 100.
    pub problems: Vec<Problem>,
    /// What needs a look but can happen without an intruder: clock steps, torn ends. At most 100.
    pub warnings: Vec<Problem>,
}

impl Report {
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restart {
    pub seq: u64,
    pub time: Timestamp,
    pub epoch: u64,
    /// Of a torn last line, dropped at this start.
    pub dropped_bytes: u64,
}

/// Prints as `file:line: what`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub file: PathBuf,
    /// From 1; 0 when it concerns the whole file.
    pub line: u64,
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Verifies the log whose current segment is `path`, against the log's public key. Blocks.
/// Errors: `Io` when something can't be read; what is wrong with the log stands in the report.
pub fn verify(path: &Path, key: &Hash, options: &Options) -> Result<Report, AuditError> {
    walk::Walk::new(path, key, options)?.run()
}
