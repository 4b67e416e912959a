//! Which key may sign what: the log key appoints the first key of a run, each key its successor, and a checkpoint
//! counts only with the key that the log had appointed for its size.

use crate::Checkpoint;
use crate::epoch::{Appointment, Cause, log_origin};
use crate::note::NoteSignature;
use crate::tree::Hash;

pub(crate) struct Chain {
    log_key: Hash,
    pub(crate) origin: String,
    current: Option<(u64, Hash)>,
}

impl Chain {
    pub(crate) fn new(log_key: &Hash) -> Self {
        Self { log_key: *log_key, origin: log_origin(log_key), current: None }
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.current.is_some()
    }

    /// Takes the key that a line appoints; `root` is that of all lines before it. Errors: why it does not count.
    pub(crate) fn appoint(&mut self, line: &[u8], root: &Hash) -> Result<Appointment, &'static str> {
        let signed = Appointment::parse(line).ok_or("the appointment of a key can't be read")?;
        let signer = match (signed.appointment.cause, self.current) {
            (Cause::Restart { .. }, _) => self.log_key,
            (Cause::Rotate, Some((_, key))) => key,
            (Cause::Rotate, None) => return Err("a key is appointed before the first one"),
        };
        if !signed.is_signed_by(&signer) {
            return Err("the appointment of a key is not signed by the key that may do so");
        }
        let appointment = signed.appointment;
        if appointment.origin != self.origin {
            return Err("the appointment of a key belongs to another log");
        }
        if self.current.is_some_and(|(epoch, _)| epoch.checked_add(1) != Some(appointment.epoch)) {
            return Err("an epoch is missing or comes twice");
        }
        if appointment.root != *root {
            return Err("the records before this appointment are not those that were signed");
        }
        self.current = Some((appointment.epoch, appointment.key));
        Ok(appointment)
    }

    /// Errors: why the checkpoint does not count for the tree as far as the chain has come.
    pub(crate) fn check(&self, checkpoint: &Checkpoint, signature: &NoteSignature, root: &Hash) -> Result<(), &'static str> {
        let Some((epoch, key)) = self.current else { return Err("the checkpoint comes before any key was appointed") };
        if checkpoint.origin != self.origin {
            return Err("the checkpoint belongs to another log");
        }
        if checkpoint.epoch != epoch || !checkpoint.is_signed_by(signature, &key) {
            return Err("the checkpoint is not signed by the key that the log appointed for its epoch");
        }
        if checkpoint.head.root != *root {
            return Err("the records do not lead to the root of the checkpoint");
        }
        Ok(())
    }
}
