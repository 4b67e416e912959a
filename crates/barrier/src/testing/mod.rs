//! What the tests of this crate share: seeded randomness and barriers that are already unsealed.

mod pausable;

pub(crate) use pausable::PausableStore;

use std::sync::{Arc, Mutex};

use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};
use strongroom_storage::{MemoryStore, Store};
use strongroom_types::{Rng, Timestamp};

use crate::{Barrier, Config, View};

pub(crate) struct TestRng(Mutex<StdRng>);

impl TestRng {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Rng for TestRng {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(out);
    }
}

pub(crate) const NOW: Timestamp = Timestamp::from_s(1_800_000_000);

/// Every barrier of a test gets randomness of its own.
pub(crate) fn barrier(store: Arc<dyn Store>) -> Barrier {
    static SEED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let seed = SEED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Barrier::new(store, Arc::new(TestRng::new(seed)), Config::default())
}

/// Initialised with one share and unsealed; the share in hex.
pub(crate) async fn unsealed(store: Arc<dyn Store>) -> (Barrier, String) {
    let barrier = barrier(store);
    let output = barrier.initialise(1, 1, NOW, |_| Ok(())).await.unwrap();
    let share = hex::encode(output.shares[0].expose());
    barrier.unseal_share(&share).await.unwrap();
    (barrier, share)
}

pub(crate) async fn memory_view() -> View {
    unsealed(Arc::new(MemoryStore::new())).await.0.view()
}

pub(crate) async fn put(view: &View, key: &'static str, value: &str) {
    let mut txn = view.txn(crate::Intent::Write);
    txn.put(key, value.as_bytes().to_vec());
    txn.commit().await.unwrap();
}

pub(crate) async fn text(view: &View, key: &str) -> Option<String> {
    let entry = view.get(key.as_bytes()).await.unwrap()?;
    Some(String::from_utf8(entry.value().to_vec()).unwrap())
}

/// The memory store is always ready.
pub(crate) fn now_or_panic<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("not ready"),
    }
}
