//! Why a record was not taken or a log not opened. Texts name files and numbers, never a recorded value.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Cloned to every waiter of a failed batch.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuditError {
    // operator
    #[error("{doing} `{}`", .file.display())]
    Io { doing: &'static str, file: PathBuf, source: Arc<io::Error> },
    #[error("audit buffer is full")]
    Full,
    #[error("audit record of {bytes} bytes is larger than the audit buffer")]
    TooLarge { bytes: usize },
    #[error("audit log `{}` is used by another process", .file.display())]
    Locked { file: PathBuf },
    /// The files hold less than what was acknowledged: somebody cut or restored them.
    #[error("audit log `{}` ends at record {size}, but {expected} records were acknowledged", .file.display())]
    Behind { file: PathBuf, size: u64, expected: u64 },
    #[error("the store is at revision {store}, but audit log `{}` saw revision {recorded}: the store was rolled back", .file.display())]
    StoreBehind { file: PathBuf, store: u64, recorded: u64 },
    /// The files do not lead to the root that was signed.
    #[error("audit log `{}`, record {seq}: {what}", .file.display())]
    Mismatch { file: PathBuf, seq: u64, what: &'static str },
    #[error("audit log `{}` is not a regular file", .file.display())]
    NotAFile { file: PathBuf },
    #[error("{doing} audit socket `{address}`")]
    Socket { doing: &'static str, address: Arc<str>, source: Arc<io::Error> },
    #[error("audit record of {bytes} bytes does not fit into a datagram")]
    Datagram { bytes: usize },
    #[error("no audit device took the record")]
    NoDevice,
    // ours
    #[error("audit device is closed")]
    Closed,
    #[error("audit data is not valid JSON")]
    Malformed,
    #[error("audit key must have 32 bytes")]
    BadKey,
}

impl AuditError {
    pub(crate) fn io(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io { doing, file, source: Arc::new(source) }
    }

    pub(crate) fn mismatch(file: &Path, seq: u64, what: &'static str) -> Self {
        Self::Mismatch { file: file.to_owned(), seq, what }
    }
}
