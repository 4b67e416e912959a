//! Leases that are due, one lane for each mount: what one mount's upstream does or does not do, the others do not feel.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use strongroom_barrier::Intent;
use strongroom_engine::Result;
use strongroom_types::Timestamp;
use tokio::task::{Id, JoinSet};
use tokio::time::sleep;

use super::backoff;
use super::end::{How, end};
use super::entry::{due_index, due_key, irrevocable_index, read_due_key};
use super::find::{Found, Looked, look};
use super::walk::{READ, forget};
use crate::Core;

/// Mounts at work at once.
const LANES_MAX: usize = 256;
/// Reads in a page of a lane that has one of the few places for bulk. Others make do with one: that bounds the memory.
const BULK_READS: usize = 16;
/// Pause after an error of the store.
const RETRY: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_secs(1);

/// Runs until the core is dropped.
pub async fn run(weak: Weak<Core>) {
    let (mut lanes, mut busy) = (JoinSet::new(), HashMap::new());
    while let Some(core) = weak.upgrade() {
        if let Err(e) = core.leases.due.load(&core.view).await {
            tracing::warn!("leases: reading the index: {e}");
        }
        start_ready(&core, &mut lanes, &mut busy);
        let bell = core.leases.lane_bell.clone();
        drop(core);
        tokio::select! {
            () = bell.notified() => {}
            () = sleep(TICK) => {}
            Some(ended) = lanes.join_next_with_id() => {
                let id = ended.map_or_else(|broken| broken.id(), |(id, ())| id);
                busy.retain(|_, task| *task != id);
            }
        }
    }
}

fn start_ready(core: &Arc<Core>, lanes: &mut JoinSet<()>, busy: &mut HashMap<String, Id>) {
    for mount in core.leases.due.ready(core.clock.now()) {
        if busy.len() < LANES_MAX && !busy.contains_key(&mount) {
            let task = lanes.spawn(lane(core.clone(), mount.clone()));
            busy.insert(mount, task.id());
        }
    }
}

/// Works off all that is due at one mount.
async fn lane(core: Arc<Core>, mount: String) {
    if let Err(e) = work_off(&core, &mount).await {
        tracing::warn!("leases of a mount could not be ended now: {e}");
        core.leases.due.note(&mount, core.clock.now());
        sleep(RETRY).await;
    }
}

async fn work_off(core: &Arc<Core>, mount: &str) -> Result<()> {
    loop {
        core.leases.due.forget(mount);
        let now = core.clock.now();
        if !end_page(core, mount, now).await? {
            return core.leases.due.read_head(&core.view, mount).await;
        }
        tokio::task::yield_now().await;
    }
}

/// Ends one page of what is due; false when nothing is.
async fn end_page(core: &Arc<Core>, mount: &str, now: Timestamp) -> Result<bool> {
    let bulk = core.leases.bulk.try_acquire().ok();
    let reads = if bulk.is_some() { BULK_READS } else { 1 };
    let (mut leases, mut stale, mut is_any) = (Vec::new(), Vec::new(), false);
    let mut after: Option<Bytes> = None;
    for _ in 0..reads {
        let keys = core.view.keys(due_index(mount).as_bytes(), after.as_deref(), READ).await?;
        let due = keys.iter().filter_map(|key| Some((key, read_due_key(key)?))).filter(|(_, (_, at, _))| *at <= now);
        after = None;
        for (key, (_, at, id)) in due {
            (is_any, after) = (true, Some(key.clone()));
            match look(&core.view, id).await? {
                Looked::Found(found) if found.lease.due == at && found.lease.mount == mount => leases.push(found),
                Looked::Damaged => put_off(core, mount, at, id).await?,
                // An entry that its lease no longer means.
                Looked::Found(_) | Looked::Gone => stale.push(key.clone()),
            }
        }
        if after.is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
    forget_unless_moved(core, &stale).await?;
    // Neighbours in the store go in one commit.
    leases.sort_unstable_by(|a: &Found, b| a.id.cmp(&b.id));
    end(core, leases, How { due_at: Some(now), ..How::default() }).await?;
    Ok(is_any)
}

/// Looks again: between reading the index and the record the lease may have been renewed, which moved the entry in the same
/// batch. What is still there then is a left-over.
async fn forget_unless_moved(core: &Core, stale: &[Bytes]) -> Result<()> {
    let mut still = Vec::new();
    for key in stale {
        if !core.view.keys(key, None, 1).await?.is_empty() {
            still.push(key.clone());
        }
    }
    forget(&core.view, &still).await
}

/// A damaged record must not be met every second: it is shown as irrevocable and looked at rarely.
async fn put_off(core: &Core, mount: &str, at: Timestamp, id: &str) -> Result<()> {
    tracing::error!(lease_id = id, "the record of a lease is damaged: only force removes it");
    let later = core.clock.now().plus(backoff::pause(u32::MAX, core.rng.as_ref()));
    let mut txn = core.view.txn(Intent::Write);
    txn.delete(due_key(mount, at, id).into_bytes());
    txn.put(due_key(mount, later, id).into_bytes(), Vec::new());
    txn.put(irrevocable_index(mount).name(id).into_bytes(), Vec::new());
    txn.commit().await?;
    Ok(())
}
