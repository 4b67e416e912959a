//! Deleting old segments when a log is over its budget. What will be missing is stated in a signed checkpoint first: the
//! verifier takes any other missing line for tampering.

use std::fs;
use std::io::ErrorKind;

use strongroom_types::Timestamp;

use super::ledger::Ledger;
use crate::AuditError;
use crate::tree::TILE_HASHES;

impl Ledger {
    /// Deletes the oldest segments while all together are over the budget. Their leaves stay, in full tiles on disk.
    pub(super) fn prune(&mut self, now: Timestamp) -> Result<(), AuditError> {
        let kept = self.first_to_keep();
        if self.closed.front().is_none_or(|oldest| oldest.first_seq >= kept) {
            return Ok(());
        }
        self.sync_tiles()?;
        // SECURITY: before the files go, so that a crash in between leaves more than was stated, never less.
        self.state_kept(kept, now)?;
        self.delete_below(kept)
    }

    /// Zero when nothing is over the budget. The newest closed segment stays in any case, and so does every one whose
    /// leaves are not all in full tiles.
    fn first_to_keep(&self) -> u64 {
        let budget = self.settings.limits.budget_bytes;
        let in_full_tiles = self.last.0.saturating_sub(self.last.0 % TILE_HASHES);
        let mut bytes = self.closed.iter().map(|s| s.bytes).sum::<u64>();
        let mut kept = 0;
        for (oldest, next) in self.closed.iter().zip(self.closed.iter().skip(1)) {
            if budget == 0 || bytes <= budget || next.first_seq > in_full_tiles {
                break;
            }
            bytes = bytes.saturating_sub(oldest.bytes);
            kept = next.first_seq;
        }
        kept
    }

    /// The bound never falls: files from below it may be left by a crash, or brought back by hand.
    fn state_kept(&mut self, kept: u64, now: Timestamp) -> Result<(), AuditError> {
        if kept <= self.kept {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.kept, kept);
        self.sign_checkpoint(now).map(|_| ()).inspect_err(|_| self.kept = before)
    }

    fn delete_below(&mut self, kept: u64) -> Result<(), AuditError> {
        while let Some(oldest) = self.closed.front().filter(|s| s.first_seq < kept) {
            match fs::remove_file(&oldest.path) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(AuditError::io("deleting", &oldest.path)(e)),
                _ => {} // somebody may have moved it elsewhere
            }
            self.closed.pop_front();
        }
        Ok(())
    }
}
