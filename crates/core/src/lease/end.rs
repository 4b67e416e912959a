//! Ending many leases of one mount: the engine is asked for each, a few at once, and what it agrees to is committed many
//! leases at a time. An engine that answers at once costs a shared commit; one that waits for an upstream holds up nothing but
//! its own mount's few places.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use strongroom_barrier::{Intent, Txn};
use strongroom_engine::{Error, Lease, Result};
use strongroom_types::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::backoff;
use super::commits::{Commits, Member};
use super::entry::{self, LeaseEntry, Trouble};
use super::find::{Found, Looked, look};
use crate::Core;
use crate::mount::Mount;

/// Longest time that an engine gets for one lease.
const CALL_MAX: Duration = Duration::from_secs(30);
/// What engines agreed to waits no longer than this for more to be committed with it.
const HELD_MAX: Duration = Duration::from_millis(50);
/// Tries of a lease that others change at the same time.
const TRIES_MAX: usize = 3;

/// How leases are ended.
#[derive(Clone, Copy, Default)]
pub struct How {
    /// Delete a lease also when its engine refuses.
    pub force: bool,
    /// Leave out leases that are not due at this moment.
    pub due_at: Option<Timestamp>,
    /// Start nothing after this moment and wait for nothing.
    pub until: Option<Instant>,
}

/// What became of them.
#[derive(Default)]
pub struct Report {
    pub ended: u64,
    /// Lease id and the error that a caller may see. Each is tried again later by itself.
    pub failed: Vec<(Arc<str>, String)>,
    /// Not tried, because time was up or others kept changing them.
    pub left: Vec<Found>,
}

/// Ends leases that all belong to one mount. Errors: the store's; what was ended until then stays ended.
pub async fn end(core: &Arc<Core>, leases: Vec<Found>, how: How) -> Result<Report> {
    let Some(first) = leases.first() else { return Ok(Report::default()) };
    let mount = super::mount_of(core, &first.lease.mount).await?;
    let mut run = Run {
        core,
        how,
        places: core.leases.places(&first.lease.mount),
        mount,
        running: JoinSet::new(),
        in_flight: HashMap::new(),
        commits: Commits::new(),
        report: Report::default(),
    };
    for found in leases {
        run.start(found).await?;
    }
    run.finish().await
}

type Called = (Found, Result<Txn>);

struct Run<'a> {
    core: &'a Arc<Core>,
    how: How,
    places: Arc<tokio::sync::Semaphore>,
    mount: Option<Arc<Mount>>,
    running: JoinSet<Called>,
    in_flight: HashMap<tokio::task::Id, Found>,
    commits: Commits,
    report: Report,
}

impl Run<'_> {
    async fn start(&mut self, found: Found) -> Result<()> {
        let Some(place) = self.place().await else {
            self.report.left.push(found);
            return Ok(());
        };
        let mut call = Box::pin(call(self.core.clone(), self.mount.clone(), found.clone()));
        match std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx))).await {
            // Nearly every engine answers at once: no task is needed.
            std::task::Poll::Ready(called) => {
                drop(place);
                self.settle(called).await?;
            }
            std::task::Poll::Pending => self.wait_beside(call, place, found).await,
        }
        while let Some(done) = self.running.try_join_next_with_id() {
            self.joined(done).await?;
        }
        Ok(())
    }

    /// One of the mount's places; None when there is no time left to wait for it.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let wait = self.places.clone().acquire_owned();
        match self.how.until {
            Some(until) if until <= Instant::now() => None,
            Some(until) => timeout_at(until, wait).await.ok()?.ok(),
            None => wait.await.ok(),
        }
    }

    async fn wait_beside(
        &mut self,
        call: Pin<Box<impl Future<Output = Called> + Send + 'static>>,
        place: OwnedSemaphorePermit,
        found: Found,
    ) {
        let all = self.core.leases.all_places().acquire_owned().await.ok();
        let task = self.running.spawn(async move {
            let _places = (place, all);
            call.await
        });
        self.in_flight.insert(task.id(), found);
    }

    async fn joined(&mut self, done: std::result::Result<(tokio::task::Id, Called), tokio::task::JoinError>) -> Result<()> {
        match done {
            Ok((id, called)) => {
                self.in_flight.remove(&id);
                self.settle(called).await
            }
            Err(broken) => match self.in_flight.remove(&broken.id()) {
                Some(found) => self.settle((found, Err(Error::Internal("the engine did not come to an end".into())))).await,
                None => Ok(()),
            },
        }
    }

    async fn settle(&mut self, (found, called): Called) -> Result<()> {
        let (txn, failure) = outcome(self.core, &found, called, self.how.force)?;
        self.commits.add(txn, Member { found, failure }).await;
        Ok(())
    }

    async fn finish(mut self) -> Result<Report> {
        while !self.running.is_empty() {
            let flush_at = Instant::now().checked_add(HELD_MAX).unwrap_or_else(Instant::now);
            tokio::select! {
                Some(done) = self.running.join_next_with_id() => self.joined(done).await?,
                () = sleep_until(flush_at), if self.commits.is_holding() => self.commits.flush().await,
                () = out_of_time(self.how.until) => {
                    self.running.abort_all();
                    self.report.left.extend(self.in_flight.drain().map(|(_, found)| found));
                    break;
                }
            }
        }
        let settled = self.commits.finish().await?;
        for member in settled.done {
            count(self.core, &mut self.report, member);
        }
        for found in settled.lost {
            self.again(found).await?;
        }
        Ok(self.report)
    }

    /// A lease that somebody changed meanwhile: looked at anew, alone.
    async fn again(&mut self, mut found: Found) -> Result<()> {
        for _ in 0..TRIES_MAX {
            match look(&self.core.view, &found.id).await? {
                Looked::Found(now) => found = now,
                Looked::Gone | Looked::Damaged => return Ok(()),
            }
            if self.how.due_at.is_some_and(|at| found.lease.due > at) {
                return Ok(());
            }
            let (found, called) = call(self.core.clone(), self.mount.clone(), found.clone()).await;
            let (txn, failure) = outcome(self.core, &found, called, self.how.force)?;
            match txn.commit().await {
                Err(strongroom_barrier::Error::Conflict) => {}
                other => {
                    other?;
                    count(self.core, &mut self.report, Member { found, failure });
                    return Ok(());
                }
            }
        }
        self.report.left.push(found);
        Ok(())
    }
}

async fn out_of_time(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

fn count(core: &Core, report: &mut Report, member: Member) {
    match member.failure {
        None => report.ended = report.ended.saturating_add(1),
        Some(error) => {
            core.leases.counts.failed();
            report.failed.push((member.found.id, error));
        }
    }
}

async fn call(core: Arc<Core>, mount: Option<Arc<Mount>>, found: Found) -> Called {
    let called = ask(&core, mount, &found).await;
    (found, called)
}

/// The transaction in which the engine ended the lease, not committed yet.
async fn ask(core: &Arc<Core>, mount: Option<Arc<Mount>>, found: &Found) -> Result<Txn> {
    let mount = mount.ok_or_else(|| Error::Unavailable("the mount of this lease is gone".into()))?;
    let mut ctx = core.background(&mount);
    ctx.txn.rest_on(found.record.clone());
    revoke_in(&mut ctx, &mount, &found.id, &found.lease).await?;
    Ok(ctx.txn)
}

/// Asks the engine and deletes the lease, in the transaction of `ctx`, which stands at the engine's mount.
pub async fn revoke_in(ctx: &mut strongroom_engine::Ctx, mount: &Mount, id: &str, lease: &LeaseEntry) -> Result<()> {
    let asked = Lease { id: id.to_owned(), issued: lease.issued, recipe: lease.recipe.clone() };
    let late = || Error::Unavailable("the engine took longer than 30 seconds".into());
    timeout(CALL_MAX, mount.engine.revoke_lease(ctx, &asked)).await.unwrap_or_else(|_| Err(late()))?;
    entry::drop_in(&mut ctx.txn, id, lease);
    Ok(())
}

/// The change that an engine's answer leads to, and the error when the lease stays.
fn outcome(core: &Core, found: &Found, called: Result<Txn>, force: bool) -> Result<(Txn, Option<String>)> {
    let error = match called {
        Ok(txn) => return Ok((txn, None)),
        Err(error) => error,
    };
    // The detail is for the operator's log; what is shown later is what a caller would see.
    tracing::warn!(lease_id = &*found.id, force, "lease could not be revoked: {error}");
    let mut txn = core.view.txn(Intent::Write);
    txn.rest_on(found.record.clone());
    if force {
        entry::drop_in(&mut txn, &found.id, &found.lease);
        return Ok((txn, None));
    }
    let text = shown(&error);
    let later = failed(&found.lease, text.clone(), core.clock.now(), core.rng.as_ref());
    entry::put_in(&mut txn, &found.id, Some(&found.lease), &later)?;
    Ok((txn, Some(text)))
}

/// The lease after one more failure: due again later, longer each time.
fn failed(lease: &LeaseEntry, error: String, now: Timestamp, rng: &dyn strongroom_types::Rng) -> LeaseEntry {
    let attempts = lease.trouble.as_ref().map_or(0, |t| t.attempts).saturating_add(1);
    let due = now.plus(backoff::pause(attempts, rng));
    let trouble = Some(Trouble { attempts, error, last: now });
    LeaseEntry { expires: lease.expires.min(now), due, token: None, ending: true, trouble, ..lease.clone() }
}

/// What a caller would see of an error, in a line of bounded length.
pub fn shown(error: &Error) -> String {
    let text = error.public_text().unwrap_or_else(|| "not found".into());
    let line = text.trim().trim_start_matches("1 error occurred:").trim().trim_start_matches("* ").replace(['\n', '\t'], " ");
    line.chars().take(300).collect()
}
