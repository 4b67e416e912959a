//! Ends that were asked for and are too large for one batch: an intent in the batch of whoever asked, worked off in the
//! background, again after a crash. Each comes to an end whatever engines do (`pass::soon`).

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_barrier::{Intent, Txn};
use strongroom_engine::{Error, Key, Result};
use strongroom_types::Timestamp;
use tokio::time::{Instant, sleep, timeout_at};

use super::entry::token_index;
use super::pass::{self, Which};
use super::walk::{Over, Walk};
use crate::Core;
use crate::token::{self, Below};

const TICK: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(1);
/// Tokens whose leases are looked at together.
const TOKENS_TOGETHER: usize = 64;
/// How long an answer waits for what it set going. Most of it is over by then.
const GRACE: Duration = Duration::from_secs(1);

/// What is to end.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Job {
    /// Leases and tokens below a path, with trailing slash; with `mount` its tokens only.
    pub below: String,
    /// All leases of a mount by its storage id, and tokens by its accessor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<(String, String)>,
    /// What was issued later stays.
    pub until: Timestamp,
}

fn area() -> Key {
    Key::area("i").id("leases")
}

fn token_area() -> Key {
    Key::area("i").id("lease-token")
}

/// Puts a job into a batch; its name is for `grace`.
pub fn put_in(txn: &mut Txn, name: &str, job: &Job) -> Result<String> {
    let bytes = serde_json::to_vec(job).map_err(|e| Error::Internal(format!("encoding a job: {e}")))?;
    txn.put(area().name(name).into_bytes(), bytes);
    Ok(name.to_owned())
}

/// Puts the end of a token's leases into the batch that finishes its revocation.
pub fn put_token_in(txn: &mut Txn, family: &str) {
    txn.put(token_area().name(family).into_bytes(), Vec::new());
}

/// Whether a key of a change is a new job.
pub fn is_job(key: &[u8]) -> bool {
    key.starts_with(area().as_bytes()) || key.starts_with(token_area().as_bytes())
}

/// Whether a job by this name is still to be done.
pub async fn is_waiting(core: &Core, name: &str) -> Result<bool> {
    Ok(!core.view.keys(area().name(name).as_bytes(), None, 1).await?.is_empty())
}

/// Waits a moment for jobs, so that what is quick is done when its answer arrives.
pub async fn grace(core: &Core, names: &[String]) {
    let Some(end) = Instant::now().checked_add(GRACE) else { return };
    for name in names {
        loop {
            let done = core.leases.job_done.notified();
            tokio::pin!(done);
            // Before the look: what is done in between rings this bell.
            done.as_mut().enable();
            if !is_waiting(core, name).await.unwrap_or(false) || timeout_at(end, done).await.is_err() {
                break;
            }
        }
    }
}

/// Runs until the core is dropped.
pub async fn run(weak: Weak<Core>) {
    while let Some(core) = weak.upgrade() {
        let pause = match work_off(&core).await {
            Ok(()) => TICK,
            Err(e) => {
                tracing::warn!("leases: a revocation could not go on now: {e}");
                RETRY
            }
        };
        let bell = core.leases.job_bell.clone();
        drop(core);
        tokio::select! {
            () = bell.notified() => {}
            () = sleep(pause) => {}
        }
    }
}

async fn work_off(core: &Arc<Core>) -> Result<()> {
    loop {
        let names = core.view.list(area().as_bytes(), None, 16).await?;
        let tokens = core.view.list(token_area().as_bytes(), None, TOKENS_TOGETHER).await?;
        if names.is_empty() && tokens.is_empty() {
            return Ok(());
        }
        let text = |name: &bytes::Bytes| std::str::from_utf8(name).map(str::to_owned).ok();
        for name in names.iter().filter_map(text) {
            run_job(core, &name).await?;
            core.leases.job_done.notify_waiters();
        }
        run_tokens(core, tokens.iter().filter_map(text).collect()).await?;
    }
}

async fn run_job(core: &Arc<Core>, name: &str) -> Result<()> {
    let key = area().name(name);
    let Some(found) = core.view.get_once(key.as_bytes()).await? else { return Ok(()) };
    match serde_json::from_slice::<Job>(found.value()) {
        Ok(job) => end_all_of(core, &job).await?,
        Err(_) => tracing::error!(job = name, "the record of a revocation is malformed; it is dropped"),
    }
    let mut txn = core.view.txn(Intent::Write);
    txn.delete(key.into_bytes());
    txn.commit().await?;
    tracing::info!(job = name, "revocation worked off");
    Ok(())
}

async fn end_all_of(core: &Arc<Core>, job: &Job) -> Result<()> {
    let below = Below { path: &job.below, accessor: job.mount.as_ref().map(|(_, accessor)| accessor.as_str()), until: job.until };
    token::end_below(core, &below).await?;
    let over = match &job.mount {
        Some((storage_id, _)) => Over::Mount(storage_id.clone()),
        None => Over::Path(job.below.clone()),
    };
    pass::soon(core, over, Which { until: job.until, also_ending: false }).await
}

/// Ends the leases of many tokens together: mostly each has few.
async fn run_tokens(core: &Arc<Core>, families: Vec<String>) -> Result<()> {
    if families.is_empty() {
        return Ok(());
    }
    let mut together = Vec::new();
    for family in &families {
        let first = Walk::new(Over::Token(family.clone())).next(&core.view).await?;
        together.extend(first.found);
    }
    for group in pass::by_mount(together, Which { until: Timestamp::MAX, also_ending: true }) {
        let left = pass::a_moment(core, group).await?;
        pass::mark(core, left).await?;
    }
    let mut txn = core.view.txn(Intent::Write);
    for family in families {
        unlink_damaged(core, &family).await?;
        if core.view.keys(token_index(&family).as_bytes(), None, 1).await?.is_empty() {
            txn.delete(token_area().name(&family).into_bytes());
        }
    }
    txn.commit().await?;
    Ok(())
}

/// A lease whose record is damaged goes on without its token: its own end brings it up.
async fn unlink_damaged(core: &Core, family: &str) -> Result<()> {
    let page = Walk::new(Over::Token(family.to_owned())).next(&core.view).await?;
    let stale: Vec<_> = page.damaged.iter().map(|id| token_index(family).name(id).into_bytes()).collect();
    super::walk::forget(&core.view, &stale).await
}
