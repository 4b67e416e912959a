//! Attempts at one name whose outcome is open on this node. One at a time is let in; the others wait for their turn.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_engine::{Error, Result};
use tokio::sync::Notify;

/// Requests for one name, waiting and let in. What is beyond is refused at once.
const SEATS_MAX: usize = 256;

/// The gates of all names that somebody tries at this moment: never more than there are requests.
#[derive(Default, Clone)]
pub struct Gates(Arc<Mutex<HashMap<GateKey, Held>>>);

/// Storage id of the mount, and the name.
type GateKey = (String, String);

struct Held {
    gate: Arc<Gate>,
    seats: usize,
}

#[derive(Default)]
pub struct Gate {
    /// Held by the one request that is being let in.
    pub turn: tokio::sync::Mutex<()>,
    in_flight: AtomicU32,
    /// An attempt ended.
    pub ended: Notify,
}

impl Gate {
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Acquire)
    }
}

impl Gates {
    /// Errors: `Unavailable` when too many requests try this name at once.
    pub fn seat(&self, storage_id: &str, name: &str) -> Result<Seat> {
        let key = (storage_id.to_owned(), name.to_owned());
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = held.entry(key.clone()).or_insert_with(|| Held { gate: Arc::default(), seats: 0 });
        if entry.seats >= SEATS_MAX {
            return Err(Error::Unavailable("too many logins with this name at once, try again".into()));
        }
        entry.seats = entry.seats.saturating_add(1);
        Ok(Seat { gate: entry.gate.clone(), gates: self.clone(), key, is_in_flight: false })
    }

    fn leave(&self, key: &GateKey) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = held.entry(key.clone()) {
            entry.get_mut().seats = entry.get().seats.saturating_sub(1);
            if entry.get().seats == 0 {
                entry.remove();
            }
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A request's place at a gate; given back on drop.
pub struct Seat {
    pub gate: Arc<Gate>,
    gates: Gates,
    key: GateKey,
    is_in_flight: bool,
}

impl Seat {
    /// From here on the attempt counts until the seat is dropped. Only for the holder of the turn.
    pub fn enter(&mut self) {
        if !self.is_in_flight {
            self.is_in_flight = true;
            self.gate.in_flight.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.is_in_flight {
            self.gate.in_flight.fetch_sub(1, Ordering::AcqRel);
            self.gate.ended.notify_one();
        }
        self.gates.leave(&self.key);
    }
}
