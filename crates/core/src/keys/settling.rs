//! Replacements that took place (or may have) and are not settled: confirmed when the new keys have left the server for a
//! while, taken back when they never did. Tried again until the store lets it happen.

use std::sync::{Arc, Mutex, PoisonError};

use strongroom_barrier::{Barrier, Replacement};
use strongroom_types::Timestamp;

/// How long old and new keys both open the store after the answer: an answer that a crash swallowed leaves the old ones.
const GRACE_S: u64 = 3;

#[derive(Default)]
pub struct Settling(Mutex<Vec<Entry>>);

struct Entry {
    new: Arc<Replacement>,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The answer has not been recorded yet.
    Open,
    /// It was, at this moment: the old keys are to go.
    Confirm(Timestamp),
    /// Nobody has the new keys: they are to go.
    TakeBack,
}

/// What is settled now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Whose time has come.
    Due(Timestamp),
    /// All whose fate is known.
    All,
}

impl super::Keys {
    /// Keeps a replacement in sight, from before it is written.
    pub fn watch(&self, new: &Arc<Replacement>) {
        self.entries().push(Entry { new: Arc::clone(new), fate: Fate::Open });
    }

    /// The answer with the new keys was recorded.
    pub fn arrived(&self, new: &Arc<Replacement>, now: Timestamp) {
        self.decide(new, Fate::Confirm(now));
    }

    /// The answer with the new keys will never leave.
    pub fn lost(&self, new: &Arc<Replacement>) {
        self.decide(new, Fate::TakeBack);
    }

    /// Nothing was written: there is nothing to settle.
    pub fn unwatch(&self, new: &Arc<Replacement>) {
        self.entries().retain(|entry| !Arc::ptr_eq(&entry.new, new));
    }

    fn decide(&self, new: &Arc<Replacement>, fate: Fate) {
        self.entries().iter_mut().filter(|entry| Arc::ptr_eq(&entry.new, new)).for_each(|entry| entry.fate = fate);
    }

    pub fn is_settled(&self) -> bool {
        self.entries().is_empty()
    }

    /// Settles what it can; the rest is tried again later.
    pub async fn settle(&self, barrier: &Barrier, which: Which) {
        let due: Vec<_> = self.entries().iter().filter(|e| e.is_due(which)).map(|e| (Arc::clone(&e.new), e.fate)).collect();
        for (new, fate) in due {
            let settled = match fate {
                Fate::Open => continue,
                Fate::Confirm(_) => barrier.confirm(&new).await,
                Fate::TakeBack => barrier.take_back(&new).await,
            };
            match settled {
                Ok(()) => self.unwatch(&new),
                Err(e) => {
                    tracing::error!("a replacement of the unseal keys could not be settled yet, old and new keys both open: {e}")
                }
            }
        }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.settling.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_due(&self, which: Which) -> bool {
        match (self.fate, which) {
            (Fate::Open, _) => false,
            (Fate::Confirm(at), Which::Due(now)) => now.seconds_since(at) >= GRACE_S,
            _ => true,
        }
    }
}
