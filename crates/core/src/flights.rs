//! The requests that are being worked on, for `sys/in-flight-req`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_types::Timestamp;

use crate::wire::{Method, Request};

/// Enough that two workers seldom meet at one lock.
const SHARD_COUNT: usize = 16;

#[derive(Default)]
pub struct Flights([Mutex<BTreeMap<String, Flight>>; SHARD_COUNT]);

/// A request on its way.
#[derive(Clone)]
pub struct Flight {
    pub started: Timestamp,
    /// As it came, with the query left out.
    pub path: String,
    pub method: Method,
    pub address: Option<SocketAddr>,
}

/// Ends the flight when it is dropped, also when the request panics.
pub struct Landing<'a> {
    flights: &'a Flights,
    id: String,
}

impl Flights {
    pub fn begin(&self, id: &str, started: Timestamp, request: &Request) -> Landing<'_> {
        let flight = Flight { started, path: request.path.clone(), method: request.method, address: request.peer.address };
        if let Some(mut shard) = self.shard(id) {
            shard.insert(id.to_owned(), flight);
        }
        Landing { flights: self, id: id.to_owned() }
    }

    /// By request id, in no order.
    pub fn all(&self) -> Vec<(String, Flight)> {
        let one = |shard: &Mutex<BTreeMap<String, Flight>>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.iter().map(|(id, flight)| (id.clone(), flight.clone())).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(one).collect()
    }

    /// Ids are random: any byte of one spreads them.
    fn shard(&self, id: &str) -> Option<MutexGuard<'_, BTreeMap<String, Flight>>> {
        let index = id.bytes().fold(0u8, |sum, b| sum.wrapping_mul(31).wrapping_add(b));
        let shard = self.0.get(usize::from(index) % SHARD_COUNT)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        if let Some(mut shard) = self.flights.shard(&self.id) {
            shard.remove(&self.id);
        }
    }
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
        };
        let ids: Vec<String> = (0..100).map(|n| format!("id-{n}")).collect();
        let landings: Vec<_> = ids.iter().map(|id| flights.begin(id, Default::default(), &request)).collect();
        assert_eq!(flights.all().len(), 100);
        assert!(flights.all().iter().all(|(_, f)| f.path == "secret/metadata/" && f.method == Method::List));
        drop(landings);
        assert!(flights.all().is_empty());
    }
}
