//! Down the tree from tokens that are gone, batch by batch.

use std::collections::BTreeSet;

use bytes::Bytes;
use strongroom_barrier::{Intent, View};
use strongroom_engine::{Key, Result};

use super::walks::Walking;
use super::{INTENTS_PER_BATCH, TOKENS_PER_BATCH, decode, drop_damaged_in, drop_in, wipe};
use crate::lease;
use crate::token::entry;

/// Ended tokens that are looked at together for what hangs on them.
const LOOKED_AT_ONCE: usize = 256;

/// Works off the intents of these tokens and of all that they lead to. It holds no lock: other requests go on between its
/// batches. Doing it twice, also at the same time, is harmless.
pub async fn below(view: &View, families: Vec<String>, walking: &mut Walking) -> Result<()> {
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
        while finished.len() >= INTENTS_PER_BATCH {
            let rest = finished.split_off(INTENTS_PER_BATCH);
            forget_intents(view, std::mem::replace(&mut finished, rest)).await?;
        }
        for parent in parents {
            let below = some_below(view, &parent).await?;
            open.push(parent);
            open.extend(end_all(view, below, walking).await?);
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

/// The leases of these tokens are durably on their way out with the intents. None can be added meanwhile, because a lease rests
/// on its token's record.
async fn forget_intents(view: &View, mut families: Vec<String>) -> Result<()> {
    families.sort_unstable();
    let mut txn = view.txn(Intent::Write);
    let with_leases = with_something_in(view, &lease::token_area(), &families).await?;
    with_leases.iter().for_each(|family| lease::jobs::put_token_in(&mut txn, family));
    families.iter().for_each(|family| txn.delete(entry::revoke_intent(family).into_bytes()));
    txn.commit().await?;
    Ok(())
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

/// Ends these tokens in one batch, each with an intent, since more may have come below it. Gives back all of them: one that
/// somebody else ended already may still have something below it.
async fn end_all(view: &View, places: Vec<Place>, walking: &mut Walking) -> Result<Vec<String>> {
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
            Ok(None) => {}
            Err(strongroom_barrier::Error::Corrupt { .. }) => drop_damaged_in(&mut txn, &child),
            Err(other) => return Err(other.into()),
        }
        ended.push(child);
    }
    // INVARIANT: told before it is done, so that whoever misses these tokens in its own walk finds them here.
    walking.ends(&ended);
    txn.commit().await?;
    Ok(ended)
}
