//! A store that fails when it is told to, around any other: for proving that whatever is built on a store survives the
//! failure of every single call. Never part of a server.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use bytes::Bytes;
use strongroom_types::BoxFuture;

use crate::{Batch, ChangeStream, Error, Publish, Record, Result, Revision, Store, Whole};

/// Which calls a fault counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    Get,
    List,
    Scan,
    Head,
    Commit,
}

/// How a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing is done.
    Refuse,
    /// The call is carried out, then answered with an error: for a commit the caller can't tell whether it took place.
    ApplyThenFail,
}

/// Fails calls of the store inside as planned, and counts them.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    plans: Mutex<Vec<Plan>>,
    outage: AtomicBool,
    counts: [AtomicU64; 5],
    failed: AtomicU64,
}

struct Plan {
    /// None: any call.
    on: Option<Call>,
    remaining: u64,
    fault: Fault,
}

impl FaultyStore {
    pub fn new(inner: Arc<dyn Store>) -> Self {
        let counts = std::array::from_fn(|_| AtomicU64::new(0));
        Self { inner, plans: Mutex::default(), outage: AtomicBool::new(false), counts, failed: AtomicU64::new(0) }
    }

    /// Fails the n-th call from now on, the next one being 1: of a kind, or of any kind when `on` is None. Plans add up;
    /// each fires once.
    pub fn fail_nth(&self, on: impl Into<Option<Call>>, n: u64, fault: Fault) {
        let plan = Plan { on: on.into(), remaining: n, fault };
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).push(plan);
    }

    /// While true every call is refused.
    pub fn set_outage(&self, outage: bool) {
        self.outage.store(outage, Ordering::SeqCst);
    }

    /// Drops all plans and ends an outage.
    pub fn heal(&self) {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.set_outage(false);
    }

    /// Calls of a kind so far, failed ones included.
    pub fn calls(&self, call: Call) -> u64 {
        self.counts.get(call as usize).map_or(0, |count| count.load(Ordering::SeqCst))
    }

    /// Calls of all kinds so far.
    pub fn calls_total(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::SeqCst)).fold(0, u64::saturating_add)
    }

    /// Calls that were made to fail.
    pub fn failed_total(&self) -> u64 {
        self.failed.load(Ordering::SeqCst)
    }

    /// Counts a call and answers the fault that is due.
    fn arrive(&self, call: Call) -> Option<Fault> {
        if let Some(count) = self.counts.get(call as usize) {
            count.fetch_add(1, Ordering::SeqCst);
        }
        let mut due = None;
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|plan| {
            if plan.on.is_none_or(|on| on == call) {
                plan.remaining = plan.remaining.saturating_sub(1);
                due = due.or((plan.remaining == 0).then_some(plan.fault));
            }
            plan.remaining > 0
        });
        if self.outage.load(Ordering::SeqCst) {
            due = Some(Fault::Refuse);
        }
        if due.is_some() {
            self.failed.fetch_add(1, Ordering::SeqCst);
        }
        due
    }

    fn read<'a, T: Send + 'a>(&self, call: Call, go_on: BoxFuture<'a, Result<T>>) -> BoxFuture<'a, Result<T>> {
        match self.arrive(call) {
            None => go_on,
            Some(_) => Box::pin(std::future::ready(Err(injected()))),
        }
    }
}

fn injected() -> Error {
    Error::Unavailable("injected fault".to_owned())
}

impl Store for FaultyStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Record>>> {
        self.read(Call::Get, self.inner.get(key))
    }

    fn list<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>, limit: usize) -> BoxFuture<'a, Result<Vec<Bytes>>> {
        self.read(Call::List, self.inner.list(prefix, after, limit))
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Bytes, Record)>>> {
        self.read(Call::Scan, self.inner.scan(prefix, after, limit))
    }

    fn head(&self) -> BoxFuture<'_, Result<Revision>> {
        self.read(Call::Head, self.inner.head())
    }

    fn is_sole_writer(&self) -> bool {
        self.inner.is_sole_writer()
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'static, Result<Revision>> {
        match self.arrive(Call::Commit) {
            None => self.inner.commit(batch),
            Some(Fault::Refuse) => Box::pin(std::future::ready(Err(injected()))),
            Some(Fault::ApplyThenFail) => {
                let applied = self.inner.commit(batch);
                Box::pin(async move { applied.await.and(Err(injected())) })
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

    fn quarantined(&self) -> Vec<(Bytes, String)> {
        self.inner.quarantined()
    }

    fn whole(&self) -> Option<&dyn Whole> {
        self.inner.whole()
    }

    fn report(&self, page: &mut strongroom_metrics::Page) {
        self.inner.report(page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    fn put(key: &'static str) -> Batch {
        Batch { puts: vec![(Bytes::from_static(key.as_bytes()), Bytes::from_static(b"v"))], ..Batch::default() }
    }

    #[tokio::test]
    async fn the_nth_call_fails_once_and_only_it() {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()));
        store.fail_nth(Call::Get, 2, Fault::Refuse);
        store.fail_nth(None, 5, Fault::Refuse);
        assert!(store.get(b"a").await.is_ok());
        assert!(store.list(b"", None, 1).await.is_ok());
        assert!(store.get(b"a").await.is_err());
        assert!(store.get(b"a").await.is_ok());
        assert!(store.scan(b"", None, 1).await.is_err());
        assert!(store.scan(b"", None, 1).await.is_ok());
        assert_eq!((store.calls(Call::Get), store.calls_total(), store.failed_total()), (3, 6, 2));
    }

    #[tokio::test]
    async fn a_refused_commit_does_nothing_and_an_ambiguous_one_is_applied() {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()));
        store.fail_nth(Call::Commit, 1, Fault::Refuse);
        store.fail_nth(Call::Commit, 2, Fault::ApplyThenFail);
        assert!(store.commit(put("a")).await.is_err());
        assert!(store.commit(put("b")).await.is_err());
        assert!(store.get(b"a").await.unwrap().is_none());
        assert!(store.get(b"b").await.unwrap().is_some());
        assert!(store.commit(put("c")).await.is_ok());
    }

    #[tokio::test]
    async fn an_outage_lasts_until_healed() {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()));
        store.set_outage(true);
        assert!(store.head().await.is_err() && store.commit(put("a")).await.is_err());
        store.heal();
        assert_eq!(store.head().await.unwrap(), Revision(0));
    }
}
