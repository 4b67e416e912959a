//! Tells every open connection that the server stops. A connection polls its own signal, which takes no lock; the list is
//! locked only when a connection opens or ends. Never waits.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// The signals of all open connections. None: stopped, and every later signal fires at once.
#[derive(Debug)]
pub(crate) struct Stops {
    open: Mutex<Option<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    signals: HashMap<u64, oneshot::Sender<()>>,
}

impl Stops {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { open: Mutex::new(Some(Open::default())) })
    }

    pub(crate) fn register(self: &Arc<Self>) -> Stop {
        let (sender, fired) = oneshot::channel();
        let id = self.lock().as_mut().map(|open| open.add(sender)).unwrap_or_default();
        Stop { stops: Arc::clone(self), id, fired }
    }

    /// Fires every signal, those to come included.
    pub(crate) fn fire(&self) {
        let open = self.lock().take();
        drop(open); // wakes the connections, outside of the lock
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn add(&mut self, sender: oneshot::Sender<()>) -> u64 {
        self.next_id = self.next_id.wrapping_add(1);
        self.signals.insert(self.next_id, sender);
        self.next_id
    }
}

/// One connection's signal: ready when the server stops. Not to be polled after that.
#[derive(Debug)]
pub(crate) struct Stop {
    stops: Arc<Stops>,
    id: u64,
    fired: oneshot::Receiver<()>,
}

impl Future for Stop {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.fired).poll(cx).map(|_| ())
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(open) = self.stops.lock().as_mut() {
            open.signals.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stops;

    #[tokio::test]
    async fn a_stop_reaches_those_registered_before_and_after() {
        let stops = Stops::new();
        let early = stops.register();
        drop(stops.register());
        stops.fire();
        early.await;
        stops.register().await;
    }
}
