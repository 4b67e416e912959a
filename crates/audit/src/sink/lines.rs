//! Lines into any writer, such as standard output, for a collector that keeps them. There are no files and no tiles:
//! the tree is followed in memory, and its signed checkpoints go out as lines of type `checkpoint` between the records.
//! Writing is inline, so a reader that stops reading stops the server: it is not for links that may stall.

use std::io::Write;
use std::sync::{Arc, Mutex};

use strongroom_types::{Rng, SecretBytes, Timestamp};

use super::file::lock;
use super::out::{Inline, Out};
use super::{Device, DeviceId, Ticket};
use crate::epoch::{Appointment, Cause, EpochKey, log_origin};
use crate::json::{Object, push_number};
use crate::note::{Checkpoint, note_hash};
use crate::time_text::push_quoted_time;
use crate::tree::{Hash, Tree, leaf_hash};
use crate::{AuditError, HashKey, Head, Limits};

/// What a lines device is made of.
pub struct LinesConfig {
    pub out: Box<dyn Write + Send>,
    /// As in `FileConfig`.
    pub hash_key: SecretBytes,
    /// As in `FileConfig`.
    pub log_key: SecretBytes,
    /// Counts for its epochs only.
    pub limits: Limits,
    pub store_head: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub rng: Arc<dyn Rng>,
}

/// Each run begins at number 0 with a `restart` line of its own.
pub struct LinesDevice {
    id: DeviceId,
    hash_key: HashKey,
    limits: Limits,
    rng: Arc<dyn Rng>,
    store_head: Arc<dyn Fn() -> u64 + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Out>,
    is_closed: bool,
    tree: Tree,
    key: EpochKey,
    origin: String,
    /// Size and note hash of the last checkpoint.
    last: (u64, Hash),
}

impl LinesDevice {
    /// Writes the first line and checkpoint. Errors: `BadKey`, `Io`.
    pub fn open(config: LinesConfig, now: Timestamp) -> Result<Self, AuditError> {
        let LinesConfig { out, hash_key, log_key, limits, store_head, rng } = config;
        let parts = Parts { hash_key, log_key, limits, store_head, rng };
        Self::open_onto(Box::new(Inline::new(out)), parts, now)
    }

    pub(crate) fn open_onto(out: Box<dyn Out>, parts: Parts, now: Timestamp) -> Result<Self, AuditError> {
        let Parts { hash_key, log_key, limits, store_head, rng } = parts;
        let key = EpochKey::from_seed(&log_key, 0, now, 0)?;
        let origin = log_origin(&key.public());
        let state = State { out, is_closed: false, tree: Tree::default(), key, origin, last: (0, [0; 32]) };
        let (id, hash_key) = (DeviceId::fresh(), HashKey::new(&hash_key));
        let device = Self { id, hash_key, limits, rng, store_head, state: Mutex::new(state) };
        lock(&device.state).appoint(&*device.rng, Cause::Restart { dropped_bytes: 0 }, now)?;
        device.tick(now)?;
        Ok(device)
    }
}

/// What every stream of lines is made of, wherever it goes.
pub(crate) struct Parts {
    pub(crate) hash_key: SecretBytes,
    pub(crate) log_key: SecretBytes,
    pub(crate) limits: Limits,
    pub(crate) store_head: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl Device for LinesDevice {
    fn id(&self) -> DeviceId {
        self.id
    }

    fn kind(&self) -> &'static str {
        "lines"
    }

    fn hash_key(&self) -> &HashKey {
        &self.hash_key
    }

    fn is_local(&self) -> bool {
        true
    }

    fn append(&self, rest: &[u8]) -> Result<Ticket, AuditError> {
        if memchr::memchr(b'\n', rest).is_some() {
            return Err(AuditError::Malformed);
        }
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(AuditError::Closed);
        }
        let mut line = Vec::with_capacity(rest.len().saturating_add(32));
        line.extend_from_slice(b"{\"seq\":");
        push_number(&mut line, state.tree.size());
        line.push(b',');
        line.extend_from_slice(rest);
        state.write_leaf(line)
    }

    fn tick(&self, now: Timestamp) -> Result<(), AuditError> {
        let mut state = lock(&self.state);
        if state.key.is_over(state.tree.size(), now, &self.limits) {
            state.appoint(&*self.rng, Cause::Rotate, now)?;
        }
        if state.tree.size() > state.last.0 {
            state.checkpoint((self.store_head)(), now)?;
        }
        Ok(())
    }

    fn needs_tick(&self, now: Timestamp) -> bool {
        let state = lock(&self.state);
        state.tree.size() > state.last.0 || state.key.is_over(state.tree.size(), now, &self.limits)
    }

    fn rotate(&self, _now: Timestamp) -> Result<(), AuditError> {
        Ok(())
    }

    fn close(&self, now: Timestamp) -> Result<(), AuditError> {
        lock(&self.state).is_closed = true;
        self.tick(now)
    }

    fn head(&self) -> Option<Head> {
        None
    }
}

impl State {
    fn appoint(&mut self, rng: &dyn Rng, cause: Cause, now: Timestamp) -> Result<(), AuditError> {
        let (seq, epoch) = (self.tree.size(), self.key.number.saturating_add(1));
        let key = EpochKey::generate(rng, epoch, now, seq)?;
        let (origin, root) = (self.origin.clone(), self.tree.root());
        let appointment = Appointment { seq, time: now, cause, origin, epoch, key: key.public(), root };
        // Nobody waits for this one: whoever reads the stream sees a number missing.
        drop(self.write_leaf(appointment.line(&self.key))?);
        self.key = key; // the old one is wiped
        Ok(())
    }

    fn checkpoint(&mut self, store: u64, now: Timestamp) -> Result<(), AuditError> {
        let head = Head { size: self.tree.size(), root: self.tree.root() };
        let (origin, epoch) = (self.origin.clone(), self.key.number);
        // Nothing that was written here is ever deleted by the server.
        let note = Checkpoint { origin, head, epoch, time: now, prev: self.last.1, store, kept: 0 }.sign(&self.key);
        let mut line = Vec::new();
        let mut object = Object::open(&mut line);
        push_quoted_time(object.key("time"), now);
        object.text("type", "checkpoint");
        object.text("note", &note);
        object.close();
        drop(self.write(line)?);
        self.last = (head.size, note_hash(&note));
        Ok(())
    }

    fn write_leaf(&mut self, line: Vec<u8>) -> Result<Ticket, AuditError> {
        let leaf = leaf_hash(&line);
        let ticket = self.write(line)?;
        self.tree.push(leaf);
        self.tree.take_full();
        Ok(ticket)
    }

    fn write(&mut self, mut line: Vec<u8>) -> Result<Ticket, AuditError> {
        line.push(b'\n');
        self.out.put(line)
    }
}
