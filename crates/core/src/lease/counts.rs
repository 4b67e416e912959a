//! How many leases there are and what became of others: kept in memory, close to the truth, cheap to read. A walk over the
//! index counts once after a start and now and then; from there on every index entry that comes or goes is counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use strongroom_barrier::View;
use strongroom_engine::{Key, Result};

/// Index entries looked at in one go.
const PAGE: usize = 256;

#[derive(Default)]
pub struct Counts {
    leases: Mutex<Tally>,
    irrevocable: Mutex<Tally>,
    ended: AtomicU64,
    failed: AtomicU64,
}

/// What the metrics show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LeaseCounts {
    pub leases: u64,
    pub irrevocable: u64,
    /// Since the start of this process.
    pub revoked_total: u64,
    pub revocations_failed_total: u64,
}

/// A number under a walk: entries behind the walk count as they come and go, those before it will be met.
#[derive(Default)]
struct Tally {
    number: u64,
    walk: Option<(Bytes, u64)>,
}

impl Tally {
    fn changed(&mut self, key: &[u8], is_put: bool) {
        let step = |n: &mut u64| *n = if is_put { n.saturating_add(1) } else { n.saturating_sub(1) };
        step(&mut self.number);
        if let Some((at, walked)) = &mut self.walk
            && key <= at.as_ref()
        {
            step(walked);
        }
    }

    /// A page of the walk; an empty one is its end.
    fn walked(&mut self, page: &[Bytes]) {
        match (page.last(), &mut self.walk) {
            (Some(last), Some((at, walked))) => {
                at.clone_from(last);
                *walked = walked.saturating_add(u64::try_from(page.len()).unwrap_or(u64::MAX));
            }
            (None, walk) => self.number = walk.take().map_or(self.number, |(_, walked)| walked),
            (Some(_), None) => {}
        }
    }
}

impl Counts {
    pub fn now(&self) -> LeaseCounts {
        LeaseCounts {
            leases: lock(&self.leases).number,
            irrevocable: lock(&self.irrevocable).number,
            revoked_total: self.ended.load(Ordering::Relaxed),
            revocations_failed_total: self.failed.load(Ordering::Relaxed),
        }
    }

    pub fn ended(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    pub fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// An entry of the due index came or went.
    pub fn lease_changed(&self, key: &[u8], is_put: bool) {
        lock(&self.leases).changed(key, is_put);
    }

    /// An entry of the index of irrevocable leases came or went.
    pub fn irrevocable_changed(&self, key: &[u8], is_put: bool) {
        lock(&self.irrevocable).changed(key, is_put);
    }

    /// Counts anew, a page at a time.
    pub async fn walk(&self, view: &View) -> Result<()> {
        walk(&self.leases, view, &Key::area("v")).await?;
        walk(&self.irrevocable, view, &Key::area("z")).await
    }
}

async fn walk(tally: &Mutex<Tally>, view: &View, area: &Key) -> Result<()> {
    lock(tally).walk = Some((Bytes::new(), 0));
    let mut after: Option<Bytes> = None;
    loop {
        let page = view.keys(area.as_bytes(), after.as_deref(), PAGE).await?;
        lock(tally).walked(&page);
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        tokio::task::yield_now().await;
    }
}

fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
