//! A small file that only grows: checkpoints and appointments. A failed write leaves no half entry behind.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::AuditError;
use crate::sink::file::open_append;

pub(crate) struct Appender {
    path: PathBuf,
    file: File,
    bytes: u64,
    is_synced: bool,
}

impl Appender {
    /// Opens and cuts to `bytes`, the end of the last whole entry.
    pub(crate) fn open(path: &Path, bytes: u64) -> Result<Self, AuditError> {
        let file = open_append(path)?;
        file.set_len(bytes).map_err(AuditError::io("repairing", path))?;
        Ok(Self { path: path.to_owned(), file, bytes, is_synced: false })
    }

    pub(crate) fn append(&mut self, entry: &[u8]) -> Result<(), AuditError> {
        self.is_synced = false;
        // A torn entry of an earlier failure may still be there.
        self.file.set_len(self.bytes).map_err(AuditError::io("repairing", &self.path))?;
        self.file.write_all(entry).map_err(AuditError::io("writing", &self.path))?;
        self.bytes = self.bytes.saturating_add(entry.len() as u64);
        Ok(())
    }

    /// Appends and waits for the disk. On an error the entry is not there.
    pub(crate) fn append_durably(&mut self, entry: &[u8]) -> Result<(), AuditError> {
        let before = self.bytes;
        self.append(entry)?;
        self.sync().inspect_err(|_| self.bytes = before)
    }

    pub(crate) fn sync(&mut self) -> Result<(), AuditError> {
        if !self.is_synced {
            self.file.sync_data().map_err(AuditError::io("syncing", &self.path))?;
            self.is_synced = true;
        }
        Ok(())
    }
}
