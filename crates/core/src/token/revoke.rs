//! Ending tokens with all that hangs on them. The token itself goes in one batch together with an intent; its children
//! and private entries follow in bounded batches, each child leaving an intent of its own, so that a crash at any
//! point leaves work that the next start finishes.

use strongroom_barrier::{Intent, Txn, View};
use strongroom_engine::{Error, Key, Result};

use super::entry::{self, TokenEntry};

/// Children ended in one batch: each takes at most five operations.
const CHILDREN_PER_BATCH: usize = 18;
/// Private entries deleted in one batch.
const ENTRIES_PER_BATCH: usize = 90;

/// Ends one token inside a transaction. The caller must run `finish_revocation` after the commit.
pub fn drop_in(txn: &mut Txn, token: &TokenEntry) {
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
    txn.put(entry::revoke_intent(&token.family).into_bytes(), Vec::new());
}

/// Ends a token whose record can't be read. What its record would have named (its end, its parent) is left to the indexes'
/// own clean-up; its children end like any others.
pub fn drop_damaged_in(txn: &mut Txn, family: &str) {
    tracing::error!(accessor = family, "the record of a token is damaged: the token is ended");
    txn.delete(entry::key(family).into_bytes());
    txn.put(entry::revoke_intent(family).into_bytes(), Vec::new());
}

/// Ends a token and everything below it, durably, before it returns. A token that is gone is no error.
pub async fn revoke(view: &View, family: &str) -> Result<()> {
    let mut txn = view.txn(Intent::Write);
    let Some(found) = txn.get(entry::key(family).as_bytes()).await? else { return Ok(()) };
    let token: TokenEntry = decode(found.value())?;
    drop_in(&mut txn, &token);
    txn.commit().await?;
    finish_revocation(view, vec![family.to_owned()]).await
}

/// Works off the intents of these tokens and of all that they lead to.
pub async fn finish_revocation(view: &View, mut families: Vec<String>) -> Result<()> {
    while let Some(family) = families.pop() {
        while let Some(ended) = end_some_children(view, &family).await? {
            families.extend(ended);
        }
        wipe(view, &entry::private(&family)).await?;
        let mut txn = view.txn(Intent::Write);
        txn.delete(entry::revoke_intent(&family).into_bytes());
        txn.commit().await?;
    }
    Ok(())
}

/// Intents that a crash left behind. Run before the first request is served.
pub async fn finish_unfinished(view: &View) -> Result<usize> {
    let prefix = entry::revoke_intent("");
    let mut count = 0usize;
    loop {
        let names = view.list(prefix.as_bytes(), None, ENTRIES_PER_BATCH).await?;
        if names.is_empty() {
            return Ok(count);
        }
        count = count.saturating_add(names.len());
        let families = names.iter().filter_map(|n| String::from_utf8(n.to_vec()).ok()).collect();
        finish_revocation(view, families).await?;
    }
}

/// Ends up to one batch of children; None when there are none left.
async fn end_some_children(view: &View, parent: &str) -> Result<Option<Vec<String>>> {
    let prefix = entry::children(parent);
    let names = view.list(prefix.as_bytes(), None, CHILDREN_PER_BATCH).await?;
    if names.is_empty() {
        return Ok(None);
    }
    let mut ended = Vec::with_capacity(names.len());
    let mut txn = view.txn(Intent::Write);
    for name in &names {
        let child = String::from_utf8(name.to_vec()).map_err(|_| Error::Internal("a token index entry is malformed".into()))?;
        txn.delete(entry::child_key(parent, &child).into_bytes());
        // Blind deletes: a renewal that races either commits before them or fails on its own precondition.
        match view.get(entry::key(&child).as_bytes()).await {
            Ok(Some(found)) => drop_in(&mut txn, &decode(found.value())?),
            Ok(None) => continue,
            Err(strongroom_barrier::Error::Corrupt { .. }) => drop_damaged_in(&mut txn, &child),
            Err(other) => return Err(other.into()),
        }
        ended.push(child);
    }
    txn.commit().await?;
    Ok(Some(ended))
}

/// Makes orphans of a token's children, so that they outlive it. A child made meanwhile may still end with its parent.
pub async fn detach_children(view: &View, parent: &str) -> Result<()> {
    loop {
        let names = view.list(entry::children(parent).as_bytes(), None, CHILDREN_PER_BATCH).await?;
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
