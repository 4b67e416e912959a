//! Ends tokens whose time is over, in the order of the expiry index. Start-up does not depend on how many there are: only
//! the head of the index is read.

use std::sync::Arc;

use strongroom_barrier::Intent;
use strongroom_engine::{Key, Result};
use strongroom_types::Timestamp;

use crate::Core;
use crate::token;

/// Index entries read at once.
const PAGE: usize = 200;
/// Tokens ended in one batch: each takes at most six operations.
const TOKENS_PER_BATCH: usize = 15;
/// Batches in one turn, so that a flood of expiries does not starve requests.
const BATCHES_MAX: usize = 200;

pub async fn run(core: &Arc<Core>) -> Result<()> {
    let now = core.clock.now();
    let area = Key::area("x");
    for _ in 0..BATCHES_MAX {
        let page = core.view.scan(area.as_bytes(), None, PAGE).await?;
        let due: Vec<_> =
            page.into_iter().map(|(key, _)| key).filter(|key| end_of(key).is_some_and(|(end, _)| end <= now)).collect();
        if due.is_empty() {
            return Ok(());
        }
        for chunk in due.chunks(TOKENS_PER_BATCH) {
            end_batch(core, chunk, now).await?;
        }
    }
    Ok(())
}

async fn end_batch(core: &Core, due: &[bytes::Bytes], now: Timestamp) -> Result<()> {
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
        Err(strongroom_barrier::Error::Conflict) => return Ok(()),
        other => other?,
    };
    token::end_trees_behind(core, ended).await
}

/// The moment and the family that an index key names.
pub fn end_of(key: &[u8]) -> Option<(Timestamp, &str)> {
    let (number, family) = key.strip_prefix(b"x/")?.split_first_chunk::<8>()?;
    Some((Timestamp::from_ns(u64::from_be_bytes(*number)), std::str::from_utf8(family).ok()?))
}
