//! Gives every mount's engine its turn for background work: bounded pieces, each one transaction.

use std::sync::Arc;

use strongroom_barrier::Error as BarrierError;
use strongroom_engine::{Error, Result};

use crate::Core;
use crate::mount::{self, Mount};

/// Pieces of one mount in one turn, so that one with much to do does not keep the others waiting.
const PIECES_MAX: usize = 500;

pub async fn run(core: &Arc<Core>) -> Result<()> {
    let mounts: Vec<_> = core.mounts.current().await?.sorted().into_iter().filter(|m| !m.is_system()).cloned().collect();
    for mount in mounts {
        // One mount in trouble must not stop the others.
        if let Err(error) = tend(core, &mount).await {
            tracing::warn!(mount = mount.facts.path, "background work: {error}");
        }
    }
    Ok(())
}

async fn tend(core: &Arc<Core>, mount: &Mount) -> Result<()> {
    for _ in 0..PIECES_MAX {
        match piece(core, mount).await {
            Ok(true) => {}
            // A request came first: the next turn sees what it left.
            Ok(false) | Err(Error::Barrier(BarrierError::Conflict)) => break,
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// True when more waits.
async fn piece(core: &Arc<Core>, mount: &Mount) -> Result<bool> {
    let mut ctx = core.background(mount);
    // INVARIANT: rests on the mount's record, so that nothing is written below a mount that was disabled meanwhile.
    if ctx.txn.get(mount::key(&mount.entry.path).as_bytes()).await?.is_none() {
        return Ok(false);
    }
    let more = mount.engine.tend(&mut ctx).await?;
    ctx.txn.commit().await?;
    Ok(more)
}
