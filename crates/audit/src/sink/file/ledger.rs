//! The hash tree of a file device and what is signed about it: checkpoints, epochs, segment changes. Runs on
//! `tick`, so requests only ever wait for the short moments in which the writer is held.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_types::{Rng, SecretBytes, Timestamp};

use super::medium::{Medium, Wrap, open_append, sync_folder_of};
use super::segment::{self, Segment};
use super::writer::Writer;
use super::{Inner, Limits, lock};
use crate::appender::Appender;
use crate::epoch::{Appointment, Cause, EpochKey};
use crate::note::{Checkpoint, note_hash};
use crate::tree::{Hash, TILE_HASHES, Tiles, Tree};
use crate::{AuditError, Head};

/// Tiles of level 1 cover this many records; when one fills up, all tiles are put on disk.
pub(super) const BLOCK_RECORDS: u64 = TILE_HASHES * TILE_HASHES;

pub(super) struct Ledger {
    pub(super) tree: Tree,
    pub(super) tiles: Tiles,
    pub(super) files: Files,
    /// None between open and the restart line, and after the end.
    pub(super) key: Option<EpochKey>,
    /// Number of the last epoch that was appointed.
    pub(super) epoch: u64,
    pub(super) origin: String,
    /// Size and note hash of the last checkpoint.
    pub(super) last: (u64, Hash),
    /// Number of the first record whose line is kept, as checkpoints state it.
    pub(super) kept: u64,
    /// Closed segments, oldest first.
    pub(super) closed: VecDeque<Segment>,
    /// Size of the tree up to which tiles are known to be on disk.
    pub(super) synced: u64,
    pub(super) settings: Settings,
}

/// The small files of the tree folder.
pub(super) struct Files {
    pub(super) checkpoints: Appender,
    /// Copies of the lines that appoint keys, so that they outlive pruned segments.
    pub(super) epochs: Appender,
    /// Appointments that are in the log, but not yet in `epochs`.
    pub(super) owed: Vec<u8>,
    /// The public key; holds the lock against a second process.
    pub(super) key: File,
}

pub(super) struct Settings {
    pub(super) path: PathBuf,
    pub(super) limits: Limits,
    pub(super) store_head: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub(super) rng: Arc<dyn Rng>,
    pub(super) wrap: Wrap,
}

impl Inner {
    /// Appoints the first key of this run and makes the first checkpoint.
    pub(super) fn start(&self, log_key: &SecretBytes, dropped_bytes: u64, now: Timestamp) -> Result<(), AuditError> {
        let signer = EpochKey::from_seed(log_key, 0, now, 0)?;
        let mut ledger = lock(&self.ledger);
        self.appoint(&mut ledger, &signer, Cause::Restart { dropped_bytes }, now)?;
        let medium = lock(&self.writer).medium.clone();
        self.checkpoint(&mut ledger, &*medium, now)
    }

    pub(super) fn tick(&self, now: Timestamp) -> Result<(), AuditError> {
        self.reserve.restore();
        let mut ledger = lock(&self.ledger);
        let caught_up = self.catch_up(&mut ledger);
        let medium = lock(&self.writer).medium.clone();
        if caught_up.is_ok() && ledger.is_epoch_over(now) {
            self.change_epoch(&mut ledger, now)?;
        }
        if ledger.tree.size() > ledger.last.0 {
            self.checkpoint(&mut ledger, &*medium, now)?;
        }
        let is_long = lock(&self.writer).bytes > ledger.settings.limits.segment_bytes_max;
        drop(ledger);
        if is_long {
            self.change_segment(now)?;
        }
        caught_up
    }

    /// Writes what is queued and brings the tree up to it.
    fn catch_up(&self, ledger: &mut Ledger) -> Result<(), AuditError> {
        let mut writer = lock(&self.writer);
        let flushed = writer.flush(&self.queue, self.is_sync);
        let leaves = std::mem::take(&mut writer.leaves);
        drop(writer);
        leaves.into_iter().for_each(|leaf| ledger.tree.push(leaf));
        flushed
    }

    fn change_epoch(&self, ledger: &mut Ledger, now: Timestamp) -> Result<(), AuditError> {
        let Some(old) = ledger.key.take() else { return Err(AuditError::Closed) };
        let done = self.appoint(ledger, &old, Cause::Rotate, now);
        if done.is_err() {
            ledger.key = Some(old); // its epoch goes on; otherwise it is wiped here
        }
        done
    }

    /// Writes the line that appoints a fresh key, signed by `signer`, and takes the key into use. The root it signs is
    /// that of all lines before it, so nobody may get in between: the writer is held.
    fn appoint(&self, ledger: &mut Ledger, signer: &EpochKey, cause: Cause, now: Timestamp) -> Result<(), AuditError> {
        let mut writer = lock(&self.writer);
        let seq = writer.flush_reserving(&self.queue, self.is_sync, true)?;
        std::mem::take(&mut writer.leaves).into_iter().for_each(|leaf| ledger.tree.push(leaf));
        let epoch = ledger.epoch.saturating_add(1);
        let line = EpochKey::generate(&*ledger.settings.rng, epoch, now, seq).map(|key| {
            let (origin, root) = (ledger.origin.clone(), ledger.tree.root());
            let line = Appointment { seq, time: now, cause, origin, epoch, key: key.public(), root }.line(signer);
            (key, line)
        });
        let written = line.and_then(|(key, line)| writer.append_line(&line, self.is_sync).map(|()| (key, line)));
        let (key, line) = written.inspect_err(|error| self.queue.rewind(seq, error))?;
        std::mem::take(&mut writer.leaves).into_iter().for_each(|leaf| ledger.tree.push(leaf));
        drop(writer);
        ledger.files.owed.extend_from_slice(&line);
        ledger.files.owed.push(b'\n');
        ledger.epoch = epoch;
        ledger.key = Some(key);
        Ok(())
    }

    /// Puts lines, tiles and a signed checkpoint on disk, in this order: what is signed is there. Takes no lock but `head`.
    fn checkpoint(&self, ledger: &mut Ledger, medium: &dyn Medium, now: Timestamp) -> Result<(), AuditError> {
        ledger.write_tiles()?;
        ledger.files.pay()?;
        // SECURITY: after a failed sync the kernel may have dropped acknowledged lines; nothing more is taken.
        let synced = medium.sync().map_err(AuditError::io("syncing", &ledger.settings.path));
        synced.inspect_err(|e| self.queue.refuse(e.clone()))?;
        let head = ledger.sign_checkpoint(now)?;
        *lock(&self.head) = Some(head);
        if head.size / BLOCK_RECORDS > ledger.synced / BLOCK_RECORDS {
            ledger.sync_tiles()?;
        }
        Ok(())
    }

    /// Closes the current segment under its own name and begins a new one, with a checkpoint at the seam. When somebody
    /// has moved the file away, only begins a new one. Requests wait for two syncs.
    pub(super) fn change_segment(&self, now: Timestamp) -> Result<(), AuditError> {
        let mut ledger = lock(&self.ledger);
        if ledger.key.is_none() {
            return Err(AuditError::Closed); // the file may be somebody else's by now
        }
        self.catch_up(&mut ledger)?;
        let mut writer = lock(&self.writer);
        writer.flush(&self.queue, self.is_sync)?;
        std::mem::take(&mut writer.leaves).into_iter().for_each(|leaf| ledger.tree.push(leaf));
        let (medium, first_seq) = (writer.medium.clone(), writer.first_seq);
        if ledger.tree.size() > ledger.last.0 {
            self.checkpoint(&mut ledger, &*medium, now)?;
        }
        if ledger.tree.size() == first_seq && writer.path.exists() {
            return Ok(()); // nothing in it yet
        }
        ledger.seal_segment(&mut writer)?;
        drop(writer);
        ledger.prune(now)
    }
}

impl Ledger {
    pub(super) fn is_epoch_over(&self, now: Timestamp) -> bool {
        self.key.as_ref().is_some_and(|key| key.is_over(self.tree.size(), now, &self.settings.limits))
    }

    fn write_tiles(&mut self) -> Result<(), AuditError> {
        let mut full = self.tree.take_full();
        while let Some(tile) = full.first() {
            if let Err(e) = self.tiles.write(tile) {
                let path = self.tiles.path(tile.level, tile.index);
                self.tree.give_back(full);
                return Err(AuditError::io("writing", &path)(e));
            }
            full.remove(0);
        }
        Ok(())
    }

    pub(super) fn sign_checkpoint(&mut self, now: Timestamp) -> Result<Head, AuditError> {
        let Some(key) = &self.key else { return Err(AuditError::Closed) };
        let head = Head { size: self.tree.size(), root: self.tree.root() };
        let (origin, store) = (self.origin.clone(), (self.settings.store_head)());
        let note = Checkpoint { origin, head, epoch: key.number, time: now, prev: self.last.1, store, kept: self.kept }.sign(key);
        self.files.checkpoints.append_durably(format!("{note}\n").as_bytes())?;
        self.last = (head.size, note_hash(&note));
        Ok(head)
    }

    pub(super) fn sync_tiles(&mut self) -> Result<(), AuditError> {
        self.tiles.sync().map_err(AuditError::io("syncing", &self.tiles.path(0, 0)))?;
        self.synced = self.last.0;
        Ok(())
    }

    /// Puts the last tiles on disk, wipes the key and lets another opener in: whoever still holds this device, such as a request
    /// that is under way, can change no file any more.
    pub(super) fn end(&mut self) -> Result<(), AuditError> {
        self.sync_tiles()?;
        self.key = None;
        self.files.key.unlock().map_err(AuditError::io("unlocking", &self.settings.path))
    }

    /// Moves the writer to a new segment. The leaves of the incomplete tile are kept, so that the tree can go on even
    /// when the old segment is gone.
    fn seal_segment(&mut self, writer: &mut Writer) -> Result<(), AuditError> {
        let index = self.tree.size() / TILE_HASHES;
        let kept = self.tiles.write_partial(index, self.tree.partial_leaves());
        kept.map_err(AuditError::io("writing", &self.tiles.partial_folder(index)))?;
        let path = writer.path.clone();
        let closed = segment::closed_path(&path, writer.first_seq);
        match fs::rename(&path, &closed) {
            Ok(()) => self.closed.push_back(Segment { path: closed, first_seq: writer.first_seq, bytes: writer.bytes }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(AuditError::io("renaming", &path)(e)),
        }
        let medium = (self.settings.wrap)(open_append(&path)?);
        *writer = Writer::new(path.clone(), medium, 0, self.tree.size(), writer.reserve.clone());
        sync_folder_of(&path)
    }
}

impl Files {
    /// Brings `epochs` up to the log, on disk.
    fn pay(&mut self) -> Result<(), AuditError> {
        if !self.owed.is_empty() {
            self.epochs.append(&self.owed)?;
            self.owed.clear();
        }
        self.epochs.sync()
    }
}
