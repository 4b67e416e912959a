//! Lines that wait for the next write. A line gets its sequence number here, under one short lock; numbers are dense
//! because a failed write takes back the numbers of everything behind it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Waker;

use super::lock;
use crate::AuditError;
use crate::json::push_number;

pub(super) struct Queue {
    state: Mutex<State>,
    bytes_max: usize,
    is_empty: AtomicBool,
}

struct State {
    buffer: Vec<u8>,
    /// Sequence number of the first line in `buffer`, and of the next line.
    first_seq: u64,
    next_seq: u64,
    batch: Arc<Batch>,
    /// Somebody writes and will look here again.
    has_leader: bool,
    refusal: Option<AuditError>,
}

/// The lines of one write, and who waits for it.
#[derive(Default)]
pub(super) struct Batch {
    outcome: OnceLock<Result<(), AuditError>>,
    wakers: Mutex<Vec<Option<Waker>>>,
}

/// What a writer has to write.
pub(super) struct Taken {
    pub(super) bytes: Vec<u8>,
    pub(super) first_seq: u64,
    /// Sequence number after the last line: reserved for the taker if it asked for one.
    pub(super) end_seq: u64,
    pub(super) batch: Arc<Batch>,
}

impl Batch {
    pub(super) fn outcome(&self) -> Option<Result<(), AuditError>> {
        self.outcome.get().cloned()
    }

    /// Registers at `slot` or a new one. Some when the outcome is already known.
    pub(super) fn register(&self, slot: &mut Option<usize>, waker: &Waker) -> Option<Result<(), AuditError>> {
        let mut wakers = lock(&self.wakers);
        if let Some(outcome) = self.outcome.get() {
            return Some(outcome.clone());
        }
        match slot.and_then(|at| wakers.get_mut(at)) {
            Some(place) => *place = Some(waker.clone()),
            None => {
                *slot = Some(wakers.len());
                wakers.push(Some(waker.clone()));
            }
        }
        None
    }

    pub(super) fn forget(&self, slot: usize) {
        if let Some(place) = lock(&self.wakers).get_mut(slot) {
            *place = None;
        }
    }

    pub(super) fn complete(&self, outcome: Result<(), AuditError>) {
        let _ = self.outcome.set(outcome); // the first outcome stands
        let wakers = std::mem::take(&mut *lock(&self.wakers));
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Wakes one who waits, to lead.
    fn nominate(&self) {
        let waker = lock(&self.wakers).iter_mut().find_map(Option::take);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Queue {
    pub(super) fn new(next_seq: u64, bytes_max: usize) -> Self {
        let state =
            State { buffer: Vec::new(), first_seq: next_seq, next_seq, batch: Arc::default(), has_leader: false, refusal: None };
        Self { state: Mutex::new(state), bytes_max, is_empty: AtomicBool::new(true) }
    }

    /// Adds a line behind its sequence number. Errors: `Full`, `TooLarge`, `Malformed`, or why the queue refuses.
    pub(super) fn append(&self, rest: &[u8]) -> Result<Arc<Batch>, AuditError> {
        let bytes = rest.len().saturating_add(32); // the number and what is around it
        if bytes > self.bytes_max {
            return Err(AuditError::TooLarge { bytes: rest.len() });
        }
        // SECURITY: one record is one line, whatever it holds.
        if memchr::memchr(b'\n', rest).is_some() {
            return Err(AuditError::Malformed);
        }
        let mut state = lock(&self.state);
        if let Some(refusal) = &state.refusal {
            return Err(refusal.clone());
        }
        if state.buffer.len().saturating_add(bytes) > self.bytes_max {
            return Err(AuditError::Full);
        }
        let seq = state.next_seq;
        state.buffer.extend_from_slice(b"{\"seq\":");
        push_number(&mut state.buffer, seq);
        state.buffer.push(b',');
        state.buffer.extend_from_slice(rest);
        state.buffer.push(b'\n');
        state.next_seq = seq.saturating_add(1);
        self.is_empty.store(false, Ordering::Relaxed);
        Ok(state.batch.clone())
    }

    /// Takes everything, leaving `spare` to be filled. With `reserve` the next number belongs to the caller. Only for
    /// whoever holds the writer.
    pub(super) fn take(&self, spare: Vec<u8>, reserve: bool) -> Taken {
        let mut state = lock(&self.state);
        let bytes = std::mem::replace(&mut state.buffer, spare);
        let batch = std::mem::take(&mut state.batch);
        let (first_seq, end_seq) = (state.first_seq, state.next_seq);
        state.next_seq = end_seq.saturating_add(u64::from(reserve));
        state.first_seq = state.next_seq;
        self.is_empty.store(true, Ordering::Relaxed);
        Taken { bytes, first_seq, end_seq, batch }
    }

    /// A write failed: everything queued behind it fails too, and numbers go on at `seq`. Only for whoever holds the
    /// writer.
    pub(super) fn rewind(&self, seq: u64, error: &AuditError) {
        let mut state = lock(&self.state);
        state.buffer.clear();
        state.first_seq = seq;
        state.next_seq = seq;
        let batch = std::mem::take(&mut state.batch);
        self.is_empty.store(true, Ordering::Relaxed);
        drop(state);
        batch.complete(Err(error.clone()));
    }

    /// Whether the caller, who waits for `batch`, must write now.
    pub(super) fn try_lead(&self, batch: &Arc<Batch>) -> bool {
        let mut state = lock(&self.state);
        let is_mine = !state.has_leader && Arc::ptr_eq(&state.batch, batch);
        state.has_leader |= is_mine;
        is_mine
    }

    /// The leader has written; whoever came meanwhile needs a new one.
    pub(super) fn stop_leading(&self) {
        let mut state = lock(&self.state);
        state.has_leader = false;
        Self::nominate(&state);
    }

    /// Somebody stopped waiting, who might have been asked to lead.
    pub(super) fn nominate_again(&self) {
        let state = lock(&self.state);
        if !state.has_leader {
            Self::nominate(&state);
        }
    }

    fn nominate(state: &State) {
        if !state.buffer.is_empty() {
            state.batch.nominate();
        }
    }

    /// No line is taken any more.
    pub(super) fn refuse(&self, refusal: AuditError) {
        lock(&self.state).refusal.get_or_insert(refusal);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.is_empty.load(Ordering::Relaxed)
    }
}
