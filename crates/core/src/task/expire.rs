//! Ends tokens whose time is over, in the order of the expiry index. Start-up does not depend on how many there are: only
//! the head of the index is read.

use std::sync::Arc;

use bytes::Bytes;
use strongroom_barrier::Intent;
use strongroom_engine::{Key, Result};
use strongroom_types::Timestamp;
use tokio::task::JoinSet;

use crate::Core;
use crate::token;

/// Index entries read at once.
const PAGE: usize = 200;
/// Tokens ended in one batch: each takes at most five operations.
const TOKENS_PER_BATCH: usize = 15;
/// Batches in one turn, so that a flood of expiries does not starve requests.
const BATCHES_MAX: usize = 200;

pub async fn run(core: &Arc<Core>) -> Result<()> {
    let now = core.clock.now();
    let area = Key::area("x");
    for _ in 0..BATCHES_MAX {
        let page = core.view.keys(area.as_bytes(), None, PAGE).await?;
        let due: Vec<_> = page.into_iter().filter(|key| end_of(key).is_some_and(|(end, _)| end <= now)).collect();
        if due.is_empty() {
            return Ok(());
        }
        end_page(core, due, now).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Ends one page, its batches side by side: the store writes them together.
async fn end_page(core: &Arc<Core>, due: Vec<Bytes>, now: Timestamp) -> Result<()> {
    let mut batches = JoinSet::new();
    for some in due.chunks(TOKENS_PER_BATCH) {
        let (core, some) = (core.clone(), some.to_vec());
        batches.spawn(async move { end_batch(&core, &some, now).await });
    }
    let mut ended = Vec::new();
    for batch in batches.join_all().await {
        ended.extend(batch?);
    }
    token::end_trees(core, ended).await
}

/// The tokens that ended.
async fn end_batch(core: &Core, due: &[Bytes], now: Timestamp) -> Result<Vec<String>> {
    let mut txn = core.view.txn(Intent::Write);
    let mut ended = Vec::new();
    for key in due {
        let Some((_, family)) = end_of(key) else { continue };
        txn.delete(key.clone());
        // Read in the transaction: a renewal at this moment makes the batch fail, and the next turn sees its new end.
        match txn.get(token::key(family).as_bytes()).await {
            Ok(None) => continue,
            Ok(Some(found)) => {
                let entry = token::decode(found.value())?;
                if entry.is_live(now) {
                    continue;
                }
                token::drop_in(&mut txn, &entry);
            }
            // One damaged record must not keep the others alive.
            Err(strongroom_barrier::Error::Corrupt { .. }) => token::drop_damaged_in(&mut txn, family),
            Err(other) => return Err(other.into()),
        }
        ended.push(family.to_owned());
    }
    match txn.commit().await {
        Err(strongroom_barrier::Error::Conflict) => Ok(Vec::new()),
        other => Ok(other.map(|_| ended)?),
    }
}

/// The moment and the family that an index key names.
pub fn end_of(key: &[u8]) -> Option<(Timestamp, &str)> {
    let (number, family) = key.strip_prefix(b"x/")?.split_first_chunk::<8>()?;
    Some((Timestamp::from_ns(u64::from_be_bytes(*number)), std::str::from_utf8(family).ok()?))
}
