//! Ending tokens with all that hangs on them. The token itself goes in one batch together with an intent; what is below it
//! and its private entries follow in bounded batches, each token leaving an intent of its own, so that a crash at any
//! point leaves work that the next start finishes. Intents go many at once when nothing hangs on their tokens any more.

use std::collections::BTreeSet;

use bytes::Bytes;
use strongroom_barrier::{Intent, Txn, View};
use strongroom_engine::{Error, Key, Result};

use super::entry::{self, TokenEntry};

/// Tokens ended in one batch: each takes at most six operations.
const TOKENS_PER_BATCH: usize = 16;
/// Ended tokens that are looked at together for what hangs on them.
const LOOKED_AT_ONCE: usize = 256;
/// Private entries or intents deleted in one batch.
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

/// Works off the intents of these tokens and of all that they lead to. It holds no lock: other requests go on between its
/// batches. Doing it twice, also at the same time, is harmless.
pub async fn finish_revocation(view: &View, families: Vec<String>) -> Result<()> {
    // Their records are gone, so nothing new can come below them; what is there already is looked for until there is none.
    let mut open = families;
    let mut finished = Vec::new();
    while !open.is_empty() {
        // From the end, where the deepest are: the list stays short.
        let mut looked_at = open.split_off(open.len().saturating_sub(LOOKED_AT_ONCE));
        looked_at.sort_unstable();
        for family in with_something_in(view, &Key::area("c"), &looked_at).await? {
            wipe(view, &entry::private(&family)).await?;
        }
        let parents = with_something_in(view, &Key::area("p"), &looked_at).await?;
        finished.extend(looked_at.into_iter().filter(|family| !parents.contains(family)));
        while finished.len() >= ENTRIES_PER_BATCH {
            let rest = finished.split_off(ENTRIES_PER_BATCH);
            forget_intents(view, std::mem::replace(&mut finished, rest)).await?;
        }
        for parent in parents {
            let below = some_below(view, &parent).await?;
            open.push(parent);
            open.extend(end_all(view, below).await?);
        }
    }
    forget_intents(view, finished).await
}

/// Those of `families`, which are sorted, that an area holds entries of. Leaps from one that has some to the next: where few
/// have any, one look tells it of many.
async fn with_something_in(view: &View, area: &Key, families: &[String]) -> Result<BTreeSet<String>> {
    let mut having = BTreeSet::new();
    let mut rest = families;
    while let Some(first) = rest.first() {
        let next = view.list(area.as_bytes(), Some(first.as_bytes()), 1).await?;
        let Some(name) = next.first().map(|name| name.strip_suffix(b"/").unwrap_or(name)) else { break };
        rest = rest.get(rest.partition_point(|family| family.as_bytes() < name)..).unwrap_or_default();
        if let Some((family, others)) = rest.split_first()
            && family.as_bytes() == name
        {
            having.insert(family.clone());
            rest = others;
        }
    }
    Ok(having)
}

async fn forget_intents(view: &View, families: Vec<String>) -> Result<()> {
    let mut txn = view.txn(Intent::Write);
    families.iter().for_each(|family| txn.delete(entry::revoke_intent(family).into_bytes()));
    txn.commit().await?;
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

/// A place in the tree.
struct Place {
    /// Its key in the index.
    key: Bytes,
    child: String,
}

/// Up to one batch of what hangs on a token: children first, then theirs, so that a long chain takes no more batches than a
/// wide fan. Empty when there is nothing.
async fn some_below(view: &View, family: &str) -> Result<Vec<Place>> {
    let mut below: Vec<Place> = Vec::new();
    let mut parents = 0usize;
    let mut parent = family.to_owned();
    loop {
        let folder = entry::children(&parent);
        let names = view.list(folder.as_bytes(), None, TOKENS_PER_BATCH.saturating_sub(below.len())).await?;
        below.extend(names.iter().map(|name| Place {
            key: Bytes::from([folder.as_bytes(), name].concat()),
            // A malformed name is that of no token: only its place in the index goes.
            child: String::from_utf8_lossy(name).into_owned(),
        }));
        match below.get(parents) {
            Some(place) if below.len() < TOKENS_PER_BATCH => parent.clone_from(&place.child),
            _ => return Ok(below),
        }
        parents = parents.saturating_add(1);
    }
}

/// Ends these tokens in one batch, each with an intent, since more may have come below it. Gives back those that were there.
async fn end_all(view: &View, places: Vec<Place>) -> Result<Vec<String>> {
    let mut ended = Vec::with_capacity(places.len());
    let mut txn = view.txn(Intent::Write);
    for Place { key, child } in places {
        txn.delete(key);
        // Blind deletes: a renewal that races either commits before them or fails on its own precondition.
        match view.get(entry::key(&child).as_bytes()).await {
            Ok(Some(found)) => match decode(found.value()) {
                Ok(token) => drop_in(&mut txn, &token),
                Err(_) => drop_damaged_in(&mut txn, &child),
            },
            Ok(None) => continue,
            Err(strongroom_barrier::Error::Corrupt { .. }) => drop_damaged_in(&mut txn, &child),
            Err(other) => return Err(other.into()),
        }
        ended.push(child);
    }
    txn.commit().await?;
    Ok(ended)
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
