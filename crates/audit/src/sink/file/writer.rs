//! The current segment and its good length. Whoever holds it is the only one that writes lines.

use std::path::PathBuf;
use std::sync::Arc;

use super::medium::Medium;
use super::queue::{Queue, Taken};
use super::reserve::Reserve;
use crate::AuditError;
use crate::tree::{Hash, leaf_hash};

/// Buffers that grew beyond this in a burst are given back.
const SPARE_BYTES_MAX: usize = 1024 * 1024;

pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) medium: Arc<dyn Medium>,
    /// Bytes of whole lines.
    pub(super) bytes: u64,
    /// Sequence number of the segment's first line.
    pub(super) first_seq: u64,
    pub(super) reserve: Arc<Reserve>,
    /// Leaves of lines that are written but not yet in the tree.
    pub(super) leaves: Vec<Hash>,
    /// Something may lie behind the whole lines.
    is_torn: bool,
    spare: Vec<u8>,
}

impl Writer {
    pub(super) fn new(path: PathBuf, medium: Arc<dyn Medium>, bytes: u64, first_seq: u64, reserve: Arc<Reserve>) -> Self {
        Self { path, medium, bytes, first_seq, reserve, leaves: Vec::new(), is_torn: false, spare: Vec::new() }
    }

    pub(super) fn has_news(&self) -> bool {
        !self.leaves.is_empty()
    }

    /// Writes what is queued and tells those who wait.
    pub(super) fn flush(&mut self, queue: &Queue, is_sync: bool) -> Result<(), AuditError> {
        self.flush_reserving(queue, is_sync, false).map(|_| ())
    }

    /// As `flush`; with `reserve` the number it returns is the caller's, who must write that line or rewind.
    pub(super) fn flush_reserving(&mut self, queue: &Queue, is_sync: bool, reserve: bool) -> Result<u64, AuditError> {
        let spare = std::mem::take(&mut self.spare);
        let Taken { mut bytes, first_seq, end_seq, batch } = queue.take(spare, reserve);
        let result = if bytes.is_empty() { Ok(()) } else { self.append(&bytes, is_sync) };
        match &result {
            Ok(()) => batch.complete(Ok(())),
            Err(error) => {
                queue.rewind(first_seq, error);
                batch.complete(Err(error.clone()));
            }
        }
        if result.is_ok() {
            self.hash(&bytes);
        }
        bytes.clear();
        if bytes.capacity() <= SPARE_BYTES_MAX {
            self.spare = bytes;
        }
        result.map(|()| end_seq)
    }

    /// One line that is not queued.
    pub(super) fn append_line(&mut self, line: &[u8], is_sync: bool) -> Result<(), AuditError> {
        let bytes = [line, b"\n"].concat();
        self.append(&bytes, is_sync)?;
        self.hash(&bytes);
        Ok(())
    }

    /// All bytes or none. A torn tail that can't be cut off now is cut off before the next write.
    fn append(&mut self, bytes: &[u8], is_sync: bool) -> Result<(), AuditError> {
        if self.is_torn {
            self.medium.truncate(self.bytes).map_err(AuditError::io("repairing", &self.path))?;
            self.is_torn = false;
        }
        let mut written = self.medium.append(bytes);
        if written.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::StorageFull) && self.reserve.give() {
            written = self.medium.truncate(self.bytes).and_then(|()| self.medium.append(bytes));
        }
        match written.and_then(|()| if is_sync { self.medium.sync() } else { Ok(()) }) {
            Ok(()) => {
                self.bytes = self.bytes.saturating_add(bytes.len() as u64);
                Ok(())
            }
            Err(e) => {
                self.is_torn = self.medium.truncate(self.bytes).is_err();
                Err(AuditError::io("writing", &self.path)(e))
            }
        }
    }

    fn hash(&mut self, lines: &[u8]) {
        let mut from = 0usize;
        for end in memchr::memchr_iter(b'\n', lines) {
            self.leaves.push(leaf_hash(lines.get(from..end).unwrap_or_default()));
            from = end.saturating_add(1);
        }
    }
}
