//! A store that holds up a call, so that a test decides what happens meanwhile.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use strongroom_storage::{Batch, ChangeStream, Publish, Record, Result, Revision, Store};
use strongroom_types::BoxFuture;
use tokio::sync::oneshot;

/// When a call waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    Before,
    /// It is carried out and not answered yet.
    After,
}

/// Holds up one call at a time, as planned.
pub struct HeldStore {
    inner: Arc<dyn Store>,
    plan: Mutex<Option<Plan>>,
}

struct Plan {
    remaining: u64,
    moment: Moment,
    reached: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

/// A call that will be held. Dropping it lets the call go on.
pub struct Held {
    reached: oneshot::Receiver<()>,
    _release: oneshot::Sender<()>,
}

impl Held {
    /// Resolves when the call has come: true. False when it was called off before.
    pub async fn reached(&mut self) -> bool {
        (&mut self.reached).await.is_ok()
    }
}

impl HeldStore {
    pub fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, plan: Mutex::default() })
    }

    /// Holds the n-th call of any kind from now on, the next one being 1. Replaces an earlier plan.
    pub fn hold_nth(&self, n: u64, moment: Moment) -> Held {
        let (reached, was_reached) = oneshot::channel();
        let (kept, release) = oneshot::channel();
        *self.plan() = Some(Plan { remaining: n, moment, reached, release });
        Held { reached: was_reached, _release: kept }
    }

    /// Calls off what has not come.
    pub fn call_off(&self) {
        *self.plan() = None;
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Option<Plan>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plan, when it is for the call that arrives now.
    fn due(&self) -> Option<Plan> {
        let mut plan = self.plan();
        let waiting = plan.as_mut()?;
        waiting.remaining = waiting.remaining.saturating_sub(1);
        if waiting.remaining == 0 { plan.take() } else { None }
    }

    fn read<'a, T: Send + 'a>(&self, call: BoxFuture<'a, T>) -> BoxFuture<'a, T> {
        match self.due() {
            None => call,
            Some(plan) => Box::pin(plan.around(move || call)),
        }
    }
}

impl Plan {
    async fn around<F: Future>(self, call: impl FnOnce() -> F) -> F::Output {
        if self.moment == Moment::Before {
            let _ = self.reached.send(());
            let _ = self.release.await;
            return call().await;
        }
        let outcome = call().await;
        let _ = self.reached.send(());
        let _ = self.release.await;
        outcome
    }
}

impl Store for HeldStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Record>>> {
        self.read(self.inner.get(key))
    }

    fn list<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>, limit: usize) -> BoxFuture<'a, Result<Vec<Bytes>>> {
        self.read(self.inner.list(prefix, after, limit))
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Bytes, Record)>>> {
        self.read(self.inner.scan(prefix, after, limit))
    }

    fn head(&self) -> BoxFuture<'_, Result<Revision>> {
        self.read(self.inner.head())
    }

    fn is_sole_writer(&self) -> bool {
        self.inner.is_sole_writer()
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'static, Result<Revision>> {
        match self.due() {
            None => self.inner.commit(batch),
            Some(plan) => {
                let inner = Arc::clone(&self.inner);
                Box::pin(async move { plan.around(|| inner.commit(batch)).await })
            }
        }
    }

    fn watch(&self, prefix: &[u8], from: Revision) -> ChangeStream {
        self.inner.watch(prefix, from)
    }

    fn queued(&self, key: &[u8]) -> Option<(Option<Bytes>, Revision)> {
        self.inner.queued(key)
    }

    fn publish_to(&self, listener: Arc<dyn Publish>) {
        self.inner.publish_to(listener);
    }
}
