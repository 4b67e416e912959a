//! Down the tree from tokens that are gone, and up again. On the way down records go, batch by batch; on the way up places in
//! the tree, each only when nothing is left below it. Two walks that meet need not know of each other: each goes down to
//! whatever the other has not finished.

use std::collections::BTreeSet;

use bytes::Bytes;
use strongroom_barrier::{Intent, View};
use strongroom_engine::{Key, Result};

use super::{Ending, TOKENS_PER_BATCH, decode, drop_damaged_record_in, drop_record_in, wipe};
use crate::token::{below, entry};
use crate::{lease, token};

/// Finished tokens forgotten in one batch: each may leave a job for its leases, an intent and two index entries.
const FINISHED_PER_BATCH: usize = 24;

/// Works off the intents of these tokens and all that they lead to. It holds no lock: other requests go on between its
/// batches. Doing it twice, also at the same time, is harmless.
///
/// Why nothing is left when it returns: it lists what is below a token only after that token's record is gone, from when on
/// nothing new can come below it; and a place that is missing by then is one below which nothing was left.
pub async fn below(view: &View, tops: Vec<String>) -> Result<()> {
    let mut walk = Walk { view, open: Vec::new(), finished: Vec::new(), leaving: BTreeSet::new() };
    let mut ended = Vec::with_capacity(tops.len());
    for top in tops {
        ended.push(walk.top(top).await?);
    }
    walk.sort_out(ended).await?;
    while let Some(token) = walk.open.pop() {
        let below = walk.some_below(&token.family).await?;
        if below.is_empty() {
            walk.finish(token).await?;
        } else {
            walk.open.push(token);
            end_all(view, &below).await?;
            walk.sort_out(below).await?;
        }
    }
    walk.forget_finished().await
}

/// A token whose record is gone or about to go.
struct Ended {
    family: String,
    /// Entries that go when nothing is left below it.
    places: Vec<Bytes>,
}

struct Walk<'v> {
    view: &'v View,
    /// Those that have something below them, deepest last.
    open: Vec<Ended>,
    /// Those with nothing below them any more.
    finished: Vec<Ended>,
    /// The places of those.
    leaving: BTreeSet<Bytes>,
}

impl Walk<'_> {
    /// Where a walk begins: at the token of an intent, or at one that another walk has finished or is about to.
    async fn top(&self, family: String) -> Result<Ended> {
        let intent = entry::revoke_intent(&family);
        let Some(found) = self.view.get(intent.as_bytes()).await? else { return Ok(Ended { family, places: Vec::new() }) };
        let ending = Ending::read(found.value());
        if ending.spares_children {
            let_go(self.view, &family).await?;
        }
        let mut places = ending.places(&family);
        places.push(intent.into_bytes());
        Ok(Ended { family, places })
    }

    /// Tells those with something below them from those without, of which there are mostly many. Their records are gone.
    async fn sort_out(&mut self, ended: Vec<Ended>) -> Result<()> {
        let mut families: Vec<String> = ended.iter().map(|token| token.family.clone()).collect();
        families.sort_unstable();
        let parents = with_something_in(self.view, &Key::area("p"), &families).await?;
        for token in ended {
            if parents.contains(&token.family) {
                self.open.push(token);
            } else {
                self.finish(token).await?;
            }
        }
        Ok(())
    }

    async fn finish(&mut self, token: Ended) -> Result<()> {
        self.leaving.extend(token.places.iter().cloned());
        self.finished.push(token);
        if self.finished.len() < FINISHED_PER_BATCH { Ok(()) } else { self.forget_finished().await }
    }

    /// The leases of these tokens are durably on their way out with their places. None can be added meanwhile, because a lease
    /// rests on its token's record.
    async fn forget_finished(&mut self) -> Result<()> {
        let finished = std::mem::take(&mut self.finished);
        let mut families: Vec<String> = finished.iter().map(|token| token.family.clone()).collect();
        families.sort_unstable();
        for family in with_something_in(self.view, &Key::area("c"), &families).await? {
            wipe(self.view, &entry::private(&family)).await?;
        }
        let mut txn = self.view.txn(Intent::Write);
        let with_leases = with_something_in(self.view, &lease::token_area(), &families).await?;
        with_leases.iter().for_each(|family| lease::jobs::put_token_in(&mut txn, family));
        finished.into_iter().flat_map(|token| token.places).for_each(|place| txn.delete(place));
        txn.commit().await?;
        self.leaving.clear();
        Ok(())
    }

    /// Up to one batch of what hangs on a token and is not finished: children first, then theirs, so that a long chain takes no
    /// more batches than a wide fan. Empty when there is nothing.
    async fn some_below(&self, family: &str) -> Result<Vec<Ended>> {
        let mut below: Vec<Ended> = Vec::new();
        let mut parents = 0usize;
        let mut parent = family.to_owned();
        loop {
            let folder = entry::children(&parent);
            let wanted = TOKENS_PER_BATCH.saturating_sub(below.len());
            let names = self.view.list(folder.as_bytes(), None, wanted.saturating_add(self.leaving.len())).await?;
            let places = names.into_iter().map(|name| (Bytes::from([folder.as_bytes(), &name].concat()), name));
            let staying = places.filter(|(place, _)| !self.leaving.contains(place)).take(wanted);
            // A malformed name is that of no token: only its place in the index goes.
            below.extend(
                staying.map(|(place, name)| Ended { family: String::from_utf8_lossy(&name).into_owned(), places: vec![place] }),
            );
            match below.get(parents) {
                Some(child) if below.len() < TOKENS_PER_BATCH => parent.clone_from(&child.family),
                _ => return Ok(below),
            }
            parents = parents.saturating_add(1);
        }
    }
}

/// Ends the records of these tokens in one batch, where nobody else did yet.
async fn end_all(view: &View, tokens: &[Ended]) -> Result<()> {
    let mut txn = view.txn(Intent::Write);
    for Ended { family, .. } in tokens {
        // Blind deletes: a renewal that races either commits before them or fails on its own precondition.
        match view.get(entry::key(family).as_bytes()).await {
            Ok(Some(found)) => match decode(found.value()) {
                Ok(token) => {
                    drop_record_in(&mut txn, &token);
                    if below::is_indexed(&token) {
                        txn.delete(below::login_key(&token.path, family).into_bytes());
                    }
                }
                Err(_) => drop_damaged_record_in(&mut txn, family),
            },
            Ok(None) => {}
            Err(strongroom_barrier::Error::Corrupt { .. }) => drop_damaged_record_in(&mut txn, family),
            Err(other) => return Err(other.into()),
        }
    }
    txn.commit().await?;
    Ok(())
}

/// Makes orphans of a token's children, so that they outlive it. Its record is gone: no more come. Those that end meanwhile
/// keep their places: what is below them is for the walk.
async fn let_go(view: &View, parent: &str) -> Result<()> {
    let mut after: Option<Bytes> = None;
    loop {
        let names = view.list(entry::children(parent).as_bytes(), after.as_deref(), TOKENS_PER_BATCH).await?;
        let Some(last) = names.last().cloned() else { return Ok(()) };
        let mut txn = view.txn(Intent::Write);
        for child in names.iter().filter_map(|name| std::str::from_utf8(name).ok()) {
            let record = match txn.get(entry::key(child).as_bytes()).await {
                Ok(Some(record)) => record,
                Ok(None) | Err(strongroom_barrier::Error::Corrupt { .. }) => continue,
                Err(other) => return Err(other.into()),
            };
            let Ok(mut orphan) = decode(record.value()) else { continue };
            orphan.parent = None;
            txn.delete(entry::child_key(parent, child).into_bytes());
            token::put_with_indexes(&mut txn, &orphan)?;
        }
        match txn.commit().await {
            // A renewal or a use came first.
            Err(strongroom_barrier::Error::Conflict) => view.catch_up().await?,
            other => {
                other?;
                after = Some(last);
            }
        }
    }
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
