//! Batches on their way to the writer, and the newest value each key will have once they are through. A batch gets its
//! revision when it is queued, so that a later one can rest on it; if it fails, the revision is skipped and what rests on
//! it fails too. INVARIANT: a value stands in `newest` exactly as long as its batch is neither committed nor failed.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::quarantine::Damaged;
use crate::{Batch, Change, Error, Precondition, Replacement, Result, Revision};

/// Most batches that wait.
pub(super) const QUEUE_BATCHES_MAX: usize = 16 * 1024;
/// Most bytes that wait.
pub(super) const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most batches in one transaction.
pub(super) const GROUP_BATCHES_MAX: usize = 256;
/// Most bytes in one transaction, unless its first batch alone is larger.
pub(super) const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

type Outcome = Result<Revision>;

/// One batch, in the form the writer needs.
pub(super) struct Job {
    pub changes: Arc<[Change]>,
    pub preconditions: Vec<Precondition>,
    pub revision: Revision,
    size_bytes: usize,
    done: oneshot::Sender<Outcome>,
}

impl Job {
    /// A caller that went away does not mind.
    pub(super) fn acknowledge(self, outcome: Outcome) {
        let _gone = self.done.send(outcome);
    }
}

/// All records of the store, on their way.
pub(super) struct Replacing {
    pub with: Replacement,
    pub revision: Revision,
    done: oneshot::Sender<Outcome>,
}

impl Replacing {
    /// What is to be written, and whom to tell.
    pub(super) fn split(self) -> (Replacement, impl FnOnce(Outcome)) {
        let done = self.done;
        (self.with, move |outcome| {
            let _gone = done.send(outcome);
        })
    }
}

pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    size_bytes: usize,
    damaged: Vec<Damaged>,
    replacing: Option<Replacing>,
    newest: HashMap<Bytes, (Option<Bytes>, Revision)>,
    last: Revision,
    writer_sleeps: bool,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more is taken; the writer finishes what waits.
    Closing,
    /// The writer is gone.
    Stopped,
}

impl Queue {
    pub(super) fn starting_at(head: Revision) -> Self {
        let state = State {
            jobs: VecDeque::new(),
            size_bytes: 0,
            damaged: Vec::new(),
            replacing: None,
            newest: HashMap::new(),
            last: head,
            writer_sleeps: false,
            phase: Phase::Open,
        };
        Self { state: Mutex::new(state), wake: Condvar::new() }
    }

    /// Errors: `Conflict` when what is queued already breaks a precondition: the caller learns it now and not after a
    /// commit. `Unavailable` when the queue is full or the store is closing.
    pub(super) fn push(&self, batch: Batch) -> Result<oneshot::Receiver<Outcome>> {
        let size_bytes = batch.size_bytes();
        let (done, outcome) = oneshot::channel();
        let mut state = self.state();
        state.check_room(size_bytes)?;
        state.check_newest(&batch.preconditions)?;
        let revision = Revision(state.last.0.saturating_add(1));
        state.last = revision;
        let (changes, preconditions) = batch.into_changes(revision);
        for change in changes.iter() {
            state.newest.insert(change.key.clone(), (change.value.clone(), revision));
        }
        state.size_bytes = state.size_bytes.saturating_add(size_bytes);
        state.jobs.push_back(Job { changes, preconditions, revision, size_bytes, done });
        self.notify(state);
        Ok(outcome)
    }

    /// Taken when all that was queued before is through. Errors: `Unavailable` while another one waits or the store closes.
    pub(super) fn push_replacement(&self, with: Replacement) -> Result<oneshot::Receiver<Outcome>> {
        let (done, outcome) = oneshot::channel();
        let mut state = self.state();
        if state.phase != Phase::Open || state.replacing.is_some() {
            return Err(Error::Unavailable("the store is closing, or being replaced already".to_owned()));
        }
        let revision = Revision(state.last.max(with.revision).0.saturating_add(1));
        state.last = revision;
        state.replacing = Some(Replacing { with, revision, done });
        self.notify(state);
        Ok(outcome)
    }

    /// The replacement that waits, once no batch does.
    pub(super) fn take_replacement(&self) -> Option<Replacing> {
        let mut state = self.state();
        if state.jobs.is_empty() { state.replacing.take() } else { None }
    }

    pub(super) fn push_damaged(&self, damaged: Damaged) {
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.damaged.push(damaged);
            self.notify(state);
        }
    }

    pub(super) fn newest(&self, key: &[u8]) -> Option<(Option<Bytes>, Revision)> {
        self.state().newest.get(key).cloned()
    }

    /// Waits for work and moves a group of it into `jobs`, with the damaged records found before it. None: closed and
    /// all done.
    pub(super) fn take(&self, jobs: &mut Vec<Job>) -> Option<Vec<Damaged>> {
        let mut state = self.state();
        while state.jobs.is_empty() && state.damaged.is_empty() && state.replacing.is_none() {
            if state.phase != Phase::Open {
                return None;
            }
            state.writer_sleeps = true;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.writer_sleeps = false;
        }
        state.move_group(jobs);
        Some(std::mem::take(&mut state.damaged))
    }

    /// Forgets the queued values of a group that is through, whatever came of it.
    pub(super) fn settle(&self, jobs: &[Job]) {
        let mut state = self.state();
        for change in jobs.iter().flat_map(|job| job.changes.iter()) {
            if state.newest.get(&change.key).is_some_and(|(_, revision)| *revision == change.revision) {
                state.newest.remove(&change.key);
            }
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        self.notify(state);
    }

    /// The writer is gone: whoever still waits learns it by its dropped channel.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.phase = Phase::Stopped;
        state.newest.clear();
        state.jobs.clear();
        state.replacing = None;
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.state().jobs.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waking costs a system call even when nobody sleeps, so it is done only when the writer does.
    fn notify(&self, state: MutexGuard<'_, State>) {
        let asleep = state.writer_sleeps;
        drop(state);
        if asleep {
            self.wake.notify_one();
        }
    }
}

impl State {
    fn check_room(&self, size_bytes: usize) -> Result<()> {
        if self.phase != Phase::Open {
            return Err(Error::Unavailable("the store is closing".to_owned()));
        }
        if self.jobs.len() >= QUEUE_BATCHES_MAX || self.size_bytes.saturating_add(size_bytes) > QUEUE_BYTES_MAX {
            return Err(Error::Unavailable("the commit queue is full".to_owned()));
        }
        Ok(())
    }

    /// Should the queued batch fail later, this was a conflict too many, which only costs a retry.
    fn check_newest(&self, preconditions: &[Precondition]) -> Result<()> {
        let is_broken = |precondition: &Precondition| match precondition {
            Precondition::KeyAt(key, revision) => {
                self.newest.get(key).is_some_and(|(value, newest)| value.is_none() || newest != revision)
            }
            Precondition::KeyAbsent(key) => self.newest.get(key).is_some_and(|(value, _)| value.is_some()),
            Precondition::PrefixUnchanged(..) => false,
        };
        if preconditions.iter().any(is_broken) { Err(Error::Conflict) } else { Ok(()) }
    }

    fn move_group(&mut self, group: &mut Vec<Job>) {
        let mut size_bytes = 0usize;
        while group.len() < GROUP_BATCHES_MAX
            && let Some(job) = self.jobs.pop_front_if(|job| {
                size_bytes = size_bytes.saturating_add(job.size_bytes);
                group.is_empty() || size_bytes <= GROUP_BYTES_MAX
            })
        {
            self.size_bytes = self.size_bytes.saturating_sub(job.size_bytes);
            group.push(job);
        }
    }
}
