//! The requests that are being worked on, for `sys/in-flight-req`.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_types::Timestamp;

use crate::wire::{Method, Request};

/// Enough that two workers seldom meet at one lock.
const SHARD_COUNT: usize = 16;
/// A slot that held a longer path gives the room back.
const PATH_BYTES_KEPT: usize = 512;

#[derive(Default)]
pub struct Flights([Mutex<Shard>; SHARD_COUNT]);

/// Slots are used again with the room of their texts, so that a flight seldom asks the allocator for any.
#[derive(Default)]
struct Shard {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

#[derive(Default)]
struct Slot {
    is_used: bool,
    id: String,
    flight: Flight,
}

/// A request on its way.
#[derive(Clone, Default)]
pub struct Flight {
    pub started: Timestamp,
    /// As it came, with the query left out.
    pub path: String,
    pub method: Method,
    pub address: Option<SocketAddr>,
}

/// Ends the flight when it is dropped, also when the request panics.
pub struct Landing<'a> {
    shard: &'a Mutex<Shard>,
    at: usize,
}

impl Flights {
    pub fn begin(&self, id: &str, started: Timestamp, request: &Request) -> Option<Landing<'_>> {
        // Ids are random: any byte of one spreads them.
        let spread = id.bytes().take(8).fold(0u8, |sum, b| sum.wrapping_mul(31).wrapping_add(b));
        let shard = self.0.get(usize::from(spread) % SHARD_COUNT)?;
        let at = lock(shard).begin(id, started, request);
        Some(Landing { shard, at })
    }

    /// By request id, in no order.
    pub fn all(&self) -> Vec<(String, Flight)> {
        let one = |shard: &Mutex<Shard>| {
            let shard = lock(shard);
            shard.slots.iter().filter(|s| s.is_used).map(|s| (s.id.clone(), s.flight.clone())).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(one).collect()
    }
}

impl Shard {
    fn begin(&mut self, id: &str, started: Timestamp, request: &Request) -> usize {
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len().saturating_sub(1)
        });
        if let Some(Slot { is_used, id: slot_id, flight }) = self.slots.get_mut(at) {
            *is_used = true;
            slot_id.push_str(id);
            flight.path.push_str(&request.path);
            (flight.started, flight.method, flight.address) = (started, request.method, request.peer.address);
        }
        at
    }

    fn end(&mut self, at: usize) {
        let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.is_used) else { return };
        slot.is_used = false;
        slot.id.clear();
        slot.flight.path.clear();
        slot.flight.path.shrink_to(PATH_BYTES_KEPT);
        self.free.push(at);
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        lock(self.shard).end(self.at);
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::Flights;
    use crate::wire::{Headers, Method, Peer, Request};

    #[test]
    fn a_flight_is_seen_until_it_ends() {
        let flights = Flights::default();
        let request = Request {
            method: Method::List,
            path: "secret/metadata/".into(),
            query: "hush=1".into(),
            headers: Headers::default(),
            body: bytes::Bytes::new(),
            peer: Peer::default(),
            upload: Default::default(),
        };
        let ids: Vec<String> = (0..100).map(|n| format!("id-{n}")).collect();
        let landings: Vec<_> = ids.iter().map(|id| flights.begin(id, Default::default(), &request)).collect();
        assert_eq!(flights.all().len(), 100);
        assert!(flights.all().iter().all(|(_, f)| f.path == "secret/metadata/" && f.method == Method::List));
        drop(landings);
        assert!(flights.all().is_empty());
        let _again = flights.begin("other", Default::default(), &request);
        let all = flights.all();
        assert_eq!(
            (all.len(), all[0].0.as_str(), all[0].1.path.as_str()),
            (1, "other", "secret/metadata/"),
            "a slot begins empty"
        );
    }
}
