//! One pass over leases whose end was asked for: by path, by mount or by token. What ends at once is ended; as soon as an engine
//! keeps the pass waiting, the rest is only marked as due, which is quick, and ends in the lane of its mount.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use strongroom_barrier::{Intent, Txn};
use strongroom_engine::Result;
use strongroom_types::Timestamp;
use tokio::time::Instant;

use super::commits::{Commits, Member};
use super::end::{How, Report, end};
use super::entry::{self, LeaseEntry};
use super::find::{Found, Looked, look};
use super::walk::{Over, Walk};
use crate::Core;

/// Time that engines get for a page of a pass in the background.
const PAGE_TIME: Duration = Duration::from_secs(1);
/// Tries to mark a lease that others change at the same time.
const TRIES_MAX: usize = 8;

/// Which leases of a walk.
#[derive(Clone, Copy)]
pub struct Which {
    /// Those issued until then: a pass comes to an end while others are issued.
    pub until: Timestamp,
    /// Also those whose revocation is under way already.
    pub also_ending: bool,
}

/// Ends all of them and waits for every engine. The report tells how many ended and which failed.
pub async fn now(core: &Arc<Core>, over: Over, which: Which, force: bool) -> Result<Report> {
    let (mut walk, mut total) = (Walk::new(over), Report::default());
    loop {
        let page = walk.next(&core.view).await?;
        if page.is_last {
            return Ok(total);
        }
        for id in &page.damaged {
            total.failed.push((id.as_str().into(), "the lease's record is damaged".into()));
        }
        for group in by_mount(page.found, which) {
            let report = end(core, group, How { force, ..How::default() }).await?;
            total.ended = total.ended.saturating_add(report.ended);
            total.failed.extend(report.failed);
            total.failed.extend(report.left.into_iter().map(|found| (found.id, "the lease kept changing".into())));
        }
        tokio::task::yield_now().await;
    }
}

/// Ends what ends at once and marks the rest as due. Every lease is then gone or durably on its way.
pub async fn soon(core: &Arc<Core>, over: Over, which: Which) -> Result<()> {
    let (mut walk, mut is_slow) = (Walk::new(over), false);
    loop {
        let page = walk.next(&core.view).await?;
        if page.is_last {
            return Ok(());
        }
        damaged(&page.damaged);
        for group in by_mount(page.found, which) {
            let left = if is_slow { group } else { a_moment(core, group).await? };
            is_slow |= !left.is_empty();
            mark(core, left).await?;
        }
        tokio::task::yield_now().await;
    }
}

fn damaged(ids: &[String]) {
    ids.iter().for_each(|id| tracing::error!(lease_id = id, "the record of a lease is damaged: only force removes it"));
}

/// Gives the engine a moment for these; what it did not get to comes back.
pub async fn a_moment(core: &Arc<Core>, leases: Vec<Found>) -> Result<Vec<Found>> {
    let how = How { until: Instant::now().checked_add(PAGE_TIME), ..How::default() };
    Ok(end(core, leases, how).await?.left)
}

pub fn by_mount(found: Vec<Found>, which: Which) -> Vec<Vec<Found>> {
    let mut groups: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for one in found {
        if one.lease.issued <= which.until && (which.also_ending || !one.lease.ending) {
            groups.entry(one.lease.mount.clone()).or_default().push(one);
        }
    }
    groups.into_values().collect()
}

/// Marks leases as due now: nobody can renew them, and the lane of their mount ends them.
pub async fn mark(core: &Core, leases: Vec<Found>) -> Result<()> {
    let mut waiting = leases;
    for _ in 0..TRIES_MAX {
        let mut commits = Commits::new();
        for found in waiting {
            let mut txn = core.view.txn(Intent::Write);
            txn.rest_on(found.record.clone());
            mark_in(&mut txn, &found.id, &found.lease, core.clock.now())?;
            commits.add(txn, Member { found, failure: None }).await;
        }
        waiting = Vec::new();
        for lost in commits.finish().await?.lost {
            if let Looked::Found(found) = look(&core.view, &lost.id).await? {
                waiting.push(found);
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
    }
    Err(strongroom_engine::Error::Barrier(strongroom_barrier::Error::Conflict))
}

/// As `mark`, for one lease in a transaction that has read it.
pub fn mark_in(txn: &mut Txn, id: &str, lease: &LeaseEntry, now: Timestamp) -> Result<()> {
    let due = if lease.trouble.is_some() { lease.due.max(now) } else { now };
    let marked = LeaseEntry { expires: lease.expires.min(now), due, token: None, ending: true, ..lease.clone() };
    entry::put_in(txn, id, Some(lease), &marked)
}
