//! Ending tokens with all that hangs on them. The token itself goes in one batch together with an intent; what is below it
//! and its private entries follow in bounded batches, each token leaving an intent of its own, so that a crash at any
//! point leaves work that the next start finishes. Intents go many at once when nothing hangs on their tokens any more.

mod walk;
mod walks;

use bytes::Bytes;
use strongroom_barrier::{Intent, Txn, View};
use strongroom_engine::{Error, Key, Result};

use super::below;
use super::entry::{self, TokenEntry};
use crate::Core;
use walks::Walking;

pub use walks::Walks;

/// Tokens changed in one batch: each takes at most six operations.
const TOKENS_PER_BATCH: usize = 16;
/// Private entries deleted in one batch.
const ENTRIES_PER_BATCH: usize = 90;
/// Intents deleted in one batch: each may leave a job for the token's leases.
const INTENTS_PER_BATCH: usize = 45;

/// Ends one token inside a transaction. The caller must run `end_trees` after the commit. The intent names the parent.
pub fn drop_in(txn: &mut Txn, token: &TokenEntry) {
    drop_alone_in(txn, token);
    let parent = token.parent.clone().unwrap_or_default();
    txn.put(entry::revoke_intent(&token.family).into_bytes(), parent.into_bytes());
}

/// Ends one token that can have neither children nor leases, as a wrapping token. The caller deletes its private entries.
pub fn drop_alone_in(txn: &mut Txn, token: &TokenEntry) {
    txn.delete(entry::key(&token.family).into_bytes());
    if let Some(end) = token.life.expires {
        txn.delete(entry::expiry_key(end, &token.family).into_bytes());
    }
    if let Some(parent) = &token.parent {
        txn.delete(entry::child_key(parent, &token.family).into_bytes());
    }
    if token.chosen {
        txn.delete(entry::chosen_key(&token.tag).into_bytes());
    }
    if below::is_indexed(token) {
        txn.delete(below::login_key(&token.path, &token.family).into_bytes());
    }
}

/// Ends a token whose record can't be read. What its record would have named (its end, its parent) is left to the indexes'
/// own clean-up; its children end like any others.
pub fn drop_damaged_in(txn: &mut Txn, family: &str) {
    tracing::error!(accessor = family, "the record of a token is damaged: the token is ended");
    txn.delete(entry::key(family).into_bytes());
    txn.put(entry::revoke_intent(family).into_bytes(), Vec::new());
}

/// Ends a token and everything below it, durably, before it returns. A token that is gone is no error.
pub async fn revoke(core: &Core, family: &str) -> Result<()> {
    let mut txn = core.view.txn(Intent::Write);
    let Some(found) = txn.get(entry::key(family).as_bytes()).await? else { return Ok(()) };
    let token: TokenEntry = decode(found.value())?;
    drop_in(&mut txn, &token);
    txn.commit().await?;
    end_trees(core, vec![family.to_owned()]).await
}

/// Ends what is below tokens that are gone, before it returns: also what another revocation is busy with.
pub async fn end_trees(core: &Core, families: Vec<String>) -> Result<()> {
    if families.is_empty() {
        return Ok(());
    }
    let walk = walk_off(core, families).await?;
    core.tokens.walks.wait_for_others(walk).await
}

/// As `end_trees`, for work that answers nobody: what others are busy with is left to them.
pub async fn end_trees_behind(core: &Core, families: Vec<String>) -> Result<()> {
    walk_off(core, families).await.map(drop)
}

async fn walk_off(core: &Core, families: Vec<String>) -> Result<Walking> {
    let mut parents = Vec::new();
    for family in &families {
        let intent = core.view.get(entry::revoke_intent(family).as_bytes()).await?;
        parents.extend(intent.and_then(|found| String::from_utf8(found.value().to_vec()).ok()).filter(|p| !p.is_empty()));
    }
    let mut walking = core.tokens.walks.begin(&families, parents);
    walk::below(&core.view, families, &mut walking).await?;
    walking.is_through();
    Ok(walking)
}

/// Intents that a crash or an outage left behind.
pub async fn finish_unfinished(core: &Core) -> Result<()> {
    let prefix = entry::revoke_intent("");
    let mut after: Option<Bytes> = None;
    loop {
        let names = core.view.list(prefix.as_bytes(), after.as_deref(), ENTRIES_PER_BATCH).await?;
        let Some(last) = names.last() else { return Ok(()) };
        after = Some(last.clone());
        let families = names.iter().filter_map(|n| String::from_utf8(n.to_vec()).ok()).collect();
        end_trees_behind(core, families).await?;
    }
}

/// Makes orphans of a token's children, so that they outlive it. A child made meanwhile may still end with its parent.
pub async fn detach_children(view: &View, parent: &str) -> Result<()> {
    loop {
        let names = view.list(entry::children(parent).as_bytes(), None, TOKENS_PER_BATCH).await?;
        if names.is_empty() {
            return Ok(());
        }
        let mut txn = view.txn(Intent::Write);
        for name in &names {
            let child =
                String::from_utf8(name.to_vec()).map_err(|_| Error::Internal("a token index entry is malformed".into()))?;
            txn.delete(entry::child_key(parent, &child).into_bytes());
            if let Some(found) = txn.get(entry::key(&child).as_bytes()).await? {
                let mut token = decode(found.value())?;
                token.parent = None;
                let bytes = serde_json::to_vec(&token).map_err(|e| Error::Internal(format!("encoding a token: {e}")))?;
                txn.put(entry::key(&child).into_bytes(), bytes);
            }
        }
        match txn.commit().await {
            Err(strongroom_barrier::Error::Conflict) => {}
            other => drop(other?),
        }
    }
}

/// Deletes everything below a prefix in bounded batches.
pub async fn wipe(view: &View, prefix: &Key) -> Result<()> {
    loop {
        let found = view.scan(prefix.as_bytes(), None, ENTRIES_PER_BATCH).await?;
        if found.is_empty() {
            return Ok(());
        }
        let mut txn = view.txn(Intent::Write);
        for (key, _) in found {
            txn.delete(key);
        }
        txn.commit().await?;
    }
}

pub fn decode(bytes: &[u8]) -> Result<TokenEntry> {
    serde_json::from_slice(bytes).map_err(|_| Error::Internal("a token's record is not of the expected form".into()))
}
