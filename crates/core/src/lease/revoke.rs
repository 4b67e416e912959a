//! Ends on request: one lease or token, or all below a path.

use std::sync::Arc;

use strongroom_engine::{Ctx, Error, Output, Result};
use strongroom_types::Ttl;

use super::entry::LeaseEntry;
use super::jobs::{self, Job};
use super::pass::{self, Which};
use super::walk::Over;
use super::{end, entry, find};
use crate::Core;
use crate::token::{self, Below};

/// Ends one lease or token. Unknown ids are no error. With `sync` the engine has agreed when the answer leaves, else the end is
/// durably on its way. Errors: `Invalid` with the engine's reason; the lease then stays as it was.
pub async fn one(core: &Arc<Core>, ctx: &mut Ctx, id: &str, sync: bool) -> Result<Output> {
    if let Some(token) = find::token(&mut ctx.txn, id).await? {
        token::drop_in(&mut ctx.txn, &token);
        return Ok(Output { revoked: vec![token.family], ..Output::default() });
    }
    let Some(lease) = find::lease(&mut ctx.txn, id).await? else {
        let ended = find::ended_token(&mut ctx.txn, id).await?;
        return Ok(Output { revoked: ended.into_iter().collect(), ..Output::default() });
    };
    if sync {
        at_once(core, ctx, id, &lease).await?;
    } else {
        pass::mark_in(&mut ctx.txn, id, &lease, ctx.now)?;
    }
    Ok(Output::nothing())
}

/// Sets the end of a lease going that nobody was told of.
pub async fn queue_one(core: &Core, id: &str) -> Result<()> {
    match find::look(&core.view, id).await? {
        find::Looked::Found(found) => pass::mark(core, vec![found]).await,
        find::Looked::Gone | find::Looked::Damaged => Ok(()),
    }
}

async fn at_once(core: &Arc<Core>, ctx: &mut Ctx, id: &str, lease: &LeaseEntry) -> Result<()> {
    let mount = super::mount_of(core, &lease.mount).await?.ok_or_else(|| Error::invalid("the mount of this lease is gone"))?;
    let own = std::mem::replace(&mut ctx.mount, mount.facts.clone());
    let system = ctx.system.take();
    let ended = end::revoke_in(ctx, &mount, id, lease).await;
    (ctx.mount, ctx.system) = (own, system);
    match ended {
        Err(conflict @ Error::Barrier(_)) => Err(conflict),
        Err(e) => {
            tracing::warn!(lease_id = id, "lease could not be revoked: {e}");
            core.leases.counts.failed();
            Err(Error::invalid(format!("failed to revoke entry: {}", end::shown(&e))))
        }
        Ok(()) => Ok(()),
    }
}

/// How far the clocks of several nodes may lie apart: what another node issued before the request came is ended too.
const CLOCKS_APART: Ttl = Ttl::from_s(5);

/// How all below a path are ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In the background, durably.
    Queued,
    /// Before the answer.
    Sync,
    /// Before the answer, whatever engines say.
    Force,
}

/// Ends all leases and tokens below a path. Errors: `Invalid` naming how many leases failed and the first one's reason; they are
/// tried again by themselves.
pub async fn below(core: &Arc<Core>, ctx: &mut Ctx, prefix: &str, mode: Mode) -> Result<Output> {
    let prefix = prefix.trim_matches('/');
    if prefix.is_empty() {
        return Err(Error::invalid("prefix must not be empty"));
    }
    let path = format!("{prefix}/");
    if mode == Mode::Force {
        return force(core, ctx, prefix, path).await;
    }
    // The name of a single lease or token is a prefix too.
    let output = one(core, ctx, prefix, mode == Mode::Sync).await?;
    if mode == Mode::Queued {
        return queue(ctx, output, path);
    }
    all_now(core, ctx, path, false).await.map(|()| output)
}

fn queue(ctx: &mut Ctx, output: Output, path: String) -> Result<Output> {
    let name = token::fresh_family(ctx.rng.as_ref(), ctx.now);
    let job = Job { below: path, mount: None, until: ctx.now.plus(CLOCKS_APART) };
    Ok(output.with_job(jobs::put_in(&mut ctx.txn, &name, &job)?))
}

async fn force(core: &Arc<Core>, ctx: &mut Ctx, id: &str, path: String) -> Result<Output> {
    let output = match find::lease(&mut ctx.txn, id).await? {
        None => one(core, ctx, id, true).await?,
        Some(lease) => {
            if at_once(core, ctx, id, &lease).await.is_err() {
                entry::drop_in(&mut ctx.txn, id, &lease);
            }
            Output::nothing()
        }
    };
    drop_damaged(core, &path).await?;
    all_now(core, ctx, path, true).await.map(|()| output)
}

/// Leases whose records are damaged go without their engine; what their indexes hold of them is found to be stale later.
async fn drop_damaged(core: &Core, path: &str) -> Result<()> {
    let mut walk = super::walk::Walk::new(Over::Path(path.to_owned()));
    loop {
        let page = walk.next(&core.view).await?;
        if page.is_last {
            return Ok(());
        }
        let keys: Vec<_> = page.damaged.iter().map(|id| entry::key(id).into_bytes()).collect();
        super::walk::forget(&core.view, &keys).await?;
    }
}

async fn all_now(core: &Arc<Core>, ctx: &Ctx, path: String, force: bool) -> Result<()> {
    token::end_below(core, &Below { path: &path, accessor: None, until: ctx.now.plus(CLOCKS_APART) }).await?;
    let report = pass::now(core, Over::Path(path), Which { until: ctx.now.plus(CLOCKS_APART), also_ending: true }, force).await?;
    let Some((id, why)) = report.failed.first() else { return Ok(()) };
    let count = report.failed.len();
    Err(Error::invalid(format!("failed to revoke {id:?} and {} more ({} revoked): {why}", count.saturating_sub(1), report.ended)))
}
