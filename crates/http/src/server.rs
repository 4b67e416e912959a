//! Binds the listeners, accepts, and stops in order. The accept loop does nothing that a peer could delay: handshakes and
//! requests run in tasks of their own, and no error of a connection ends it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use strongroom_core::wire::Handler;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::budget::Budget;
use crate::config::{Address, Config, Limits};
use crate::connection::{Accepted, run};
use crate::counters::Counters;
use crate::exchange::Shared;
use crate::socket::{Door, SocketError};
use crate::stops::Stops;
use crate::tls::Tls;

/// Pause after accept failed for want of something, doubled up to the second value.
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(20);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);
/// What connections get beyond the drain time to close politely before they count as cut.
const CLOSE_SLACK: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("no listener is configured")]
    NoListener,
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// Listeners that are bound: peers can connect and wait, nobody is answered before `serve`.
#[derive(Debug)]
pub struct Bound {
    doors: Vec<Door>,
    limits: Limits,
    counters: Arc<Counters>,
}

/// How a server ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// Every request that had begun was answered.
    Drained,
    /// Some took longer than `drain_timeout`.
    Cut { connection_count: usize },
}

/// Binds every listener of the configuration, or none. Needs a running tokio runtime.
/// Errors: an address that can't be had, a certificate that can't be used, no listener at all.
pub async fn bind(config: Config) -> Result<Bound, BindError> {
    if config.listeners.is_empty() {
        return Err(BindError::NoListener);
    }
    let mut doors = Vec::with_capacity(config.listeners.len());
    for listener in config.listeners {
        doors.push(Door::bind(listener).await?);
    }
    Ok(Bound { doors, limits: config.limits, counters: Arc::default() })
}

impl Bound {
    /// Where the listeners really wait, in the order of the configuration: port 0 has become a port.
    pub fn addresses(&self) -> Vec<Address> {
        self.doors.iter().map(|door| door.address.clone()).collect()
    }

    /// The TLS side of each listener, in the order of the configuration, for `Tls::reload`. None: plain.
    pub fn tls(&self) -> Vec<Option<Tls>> {
        self.doors.iter().map(|door| door.rules.tls.clone()).collect()
    }

    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Answers requests until `shutdown` is ready; then accepts no more, ends idle connections, lets requests that have
    /// begun finish within `drain_timeout` and returns. Dropping this future instead stops accepting and nothing else.
    pub async fn serve<H: Handler>(self, handler: Arc<H>, shutdown: impl Future<Output = ()> + Send) -> Stopped {
        let Self { doors, limits, counters } = self;
        let slot_count = limits.connection_count_max.max(doors.len()).min(Semaphore::MAX_PERMITS);
        let slots = Arc::new(Semaphore::new(slot_count));
        let stops = Stops::new();
        let drain_timeout = limits.drain_timeout;
        let budget = Budget::new(limits.body_budget_bytes);
        let shared = Arc::new(Shared { handler, limits, budget, counters });
        let mut loops = JoinSet::new();
        for door in doors {
            let gate = Gate { shared: Arc::clone(&shared), door, slots: Arc::clone(&slots), stops: Arc::clone(&stops) };
            loops.spawn(gate.run());
        }
        shutdown.await;
        loops.shutdown().await;
        stops.fire();
        drained(&slots, slot_count, drain_timeout.saturating_add(CLOSE_SLACK)).await
    }
}

/// Every connection and every handler holds a slot, so all slots free means that all have ended.
async fn drained(slots: &Semaphore, slot_count: usize, patience: Duration) -> Stopped {
    let all = u32::try_from(slot_count).unwrap_or(u32::MAX);
    match timeout(patience, slots.acquire_many(all)).await {
        Ok(_) => Stopped::Drained,
        Err(_) => Stopped::Cut { connection_count: slot_count.saturating_sub(slots.available_permits()) },
    }
}

/// The accept loop of one listener.
struct Gate<H> {
    shared: Arc<Shared<H>>,
    door: Door,
    slots: Arc<Semaphore>,
    stops: Arc<Stops>,
}

impl<H: Handler> Gate<H> {
    async fn run(self) {
        let mut pause = ACCEPT_PAUSE_MIN;
        // The slot comes first: without one, connections wait in the kernel's queue and cost us nothing.
        while let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await {
            match self.accept(slot).await {
                Ok(()) => pause = ACCEPT_PAUSE_MIN,
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    self.shared.counters.add_accept_failed();
                    tracing::warn!(kind = ?error.kind(), "accepting a connection failed; trying again");
                    sleep(pause).await;
                    pause = pause.saturating_mul(2).min(ACCEPT_PAUSE_MAX);
                }
            }
        }
    }

    async fn accept(&self, slot: OwnedSemaphorePermit) -> io::Result<()> {
        let (raw, address) = self.door.accept().await?;
        let accepted = Accepted { raw, address, slot, stop: self.stops.register() };
        tokio::spawn(run(Arc::clone(&self.shared), Arc::clone(&self.door.rules), accepted));
        Ok(())
    }
}

/// The peer left before we took it: no reason to pause.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
