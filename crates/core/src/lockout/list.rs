//! What an operator sees of lockouts, and the clean-up of failures that are over.

use strongroom_barrier::Intent;
use strongroom_engine::{Ctx, Result};

use super::attempt::{change_in, decode, rules_of};
use super::record::Failures;
use super::rows;
use crate::Core;
use crate::mount::Mount;

/// Rows read at once.
const PAGE: usize = 200;
/// Names that one answer lists; all are counted.
const NAMES_MAX: usize = 10_000;

/// Locked names of one mount.
#[derive(Default)]
pub struct Locked {
    pub count: usize,
    /// Sorted; at most 10,000.
    pub names: Vec<String>,
}

pub async fn locked(core: &Core, mount: &Mount) -> Result<Locked> {
    let Some(rules) = rules_of(core, mount) else { return Ok(Locked::default()) };
    let now = core.clock.now();
    let (mut locked, mut after) = (Locked::default(), None::<bytes::Bytes>);
    loop {
        let page = core.view.scan(rows(&mount.facts).as_bytes(), after.as_deref(), PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (_, found) in page {
            let row = decode(found?.value())?;
            for failures in row.names.into_iter().filter(|f| f.is_locked(&rules, now)) {
                locked.count = locked.count.saturating_add(1);
                if locked.names.len() < NAMES_MAX {
                    locked.names.push(failures.name);
                }
            }
        }
    }
    locked.names.sort_unstable();
    Ok(locked)
}

/// Forgets the failures of a name, in the spelling given and in lower case, inside the request's transaction.
pub async fn unlock(ctx: &mut Ctx, core: &Core, mount: &Mount, name: &str) -> Result<()> {
    for spelling in [name.to_owned(), name.to_lowercase()] {
        let place = core.lockouts.place(&mount.facts, &spelling);
        change_in(&mut ctx.txn, &place.row, |row| row.remove(&place.name)).await?;
    }
    Ok(())
}

/// Deletes what no longer counts at this mount, a page at a time. A name that nobody ever tries again is not kept for ever.
pub async fn sweep(core: &Core, mount: &Mount) -> Result<()> {
    let now = core.clock.now();
    let rules = rules_of(core, mount);
    let mut after = None::<bytes::Bytes>;
    loop {
        let page = core.view.scan(rows(&mount.facts).as_bytes(), after.as_deref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (key, found) in page {
            let row = decode(found?.value())?;
            let kept = |f: &Failures| rules.is_some_and(|rules| f.counts(&rules, now));
            if row.names.iter().all(kept) {
                continue;
            }
            let mut txn = core.view.txn(Intent::Write);
            change_in(&mut txn, &key, |row| {
                row.names.retain(kept);
                true
            })
            .await?;
            match txn.commit().await {
                // Somebody failed just now: the next turn will do.
                Err(strongroom_barrier::Error::Conflict) => {}
                Err(other) => return Err(other.into()),
                Ok(_) => {}
            }
        }
    }
}
