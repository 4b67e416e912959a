//! Ending tokens with all that hangs on them. The token itself goes in one batch together with an intent; what is below it
//! and its private entries follow in bounded batches, and the intent goes with the last of them, so that a crash at any point
//! leaves work that the next start finishes. Until then its place below its parent stays too: a revocation further up, on any
//! node and after any crash, finds the way down to what is not ended yet.

mod walk;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_barrier::{Intent, Txn, View};
use strongroom_engine::{Error, Key, Result};

use super::below;
use super::entry::{self, TokenEntry};
use crate::Core;

/// Tokens changed in one batch: each takes at most four operations.
const TOKENS_PER_BATCH: usize = 24;
/// Private entries deleted in one batch.
const ENTRIES_PER_BATCH: usize = 90;

/// The intent: what is left to do for a token that is gone.
#[derive(Serialize, Deserialize, Default)]
struct Ending {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    /// Where a login's token was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    /// Its children become orphans.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    spares_children: bool,
}

impl Ending {
    fn of(token: &TokenEntry, spares_children: bool) -> Self {
        let login = below::is_indexed(token).then(|| token.path.clone());
        Self { parent: token.parent.clone(), login, spares_children }
    }

    /// What does not read leaves its index entries to the tidying of tokens.
    fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    fn put_in(&self, txn: &mut Txn, family: &str) {
        txn.put(entry::revoke_intent(family).into_bytes(), serde_json::to_vec(self).unwrap_or_default());
    }

    /// Index entries that lead to the token: they go when nothing is left below it.
    fn places(&self, family: &str) -> Vec<Bytes> {
        let parent = self.parent.iter().map(|parent| entry::child_key(parent, family));
        let login = self.login.iter().map(|path| below::login_key(path, family));
        parent.chain(login).map(Key::into_bytes).collect()
    }
}

/// Ends one token inside a transaction. The caller must run `end_trees` after the commit.
pub fn drop_in(txn: &mut Txn, token: &TokenEntry) {
    drop_record_in(txn, token);
    Ending::of(token, false).put_in(txn, &token.family);
}

/// Ends one token that can have neither children nor leases, as a wrapping token: nothing is left to do after the commit. The
/// caller deletes its private entries.
pub fn drop_alone_in(txn: &mut Txn, token: &TokenEntry) {
    drop_record_in(txn, token);
    Ending::of(token, false).places(&token.family).into_iter().for_each(|place| txn.delete(place));
}

/// As `drop_in`, but its children become orphans and live on.
pub fn drop_sparing_children_in(txn: &mut Txn, token: &TokenEntry) {
    drop_record_in(txn, token);
    Ending::of(token, true).put_in(txn, &token.family);
}

/// For a token that is gone, or is going in a commit that waits: what is below it ends too, and this transaction's commit comes
/// after the other's. The caller must run `end_trees` after it.
pub fn drop_again_in(txn: &mut Txn, token: &TokenEntry) {
    Ending::of(token, false).put_in(txn, &token.family);
}

/// For a token without a record that still has this place in the tree. The caller must run `end_trees` after the commit.
pub fn drop_place_in(txn: &mut Txn, parent: &str, family: &str) {
    Ending { parent: Some(parent.to_owned()), ..Ending::default() }.put_in(txn, family);
}

/// Ends a token whose record can't be read. What its record would have named (its end, its parent) is left to the indexes'
/// own clean-up; its children end like any others.
pub fn drop_damaged_in(txn: &mut Txn, family: &str) {
    drop_damaged_record_in(txn, family);
    Ending::default().put_in(txn, family);
}

/// The record and what only leads to it, at most three operations. The way down to its children stays.
fn drop_record_in(txn: &mut Txn, token: &TokenEntry) {
    txn.delete(entry::key(&token.family).into_bytes());
    if let Some(end) = token.life.expires {
        txn.delete(entry::expiry_key(end, &token.family).into_bytes());
    }
    if token.chosen {
        txn.delete(entry::chosen_key(&token.tag).into_bytes());
    }
}

fn drop_damaged_record_in(txn: &mut Txn, family: &str) {
    tracing::error!(accessor = family, "the record of a token is damaged: the token is ended");
    txn.delete(entry::key(family).into_bytes());
}

/// Whether a token that is gone still has something to be ended.
pub async fn is_ending(view: &View, family: &str) -> Result<bool> {
    Ok(view.get(entry::revoke_intent(family).as_bytes()).await?.is_some())
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

/// Ends what is below tokens that are gone, before it returns: whoever else is busy with a part of it.
pub async fn end_trees(core: &Core, families: Vec<String>) -> Result<()> {
    walk::below(&core.view, families).await
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
        end_trees(core, families).await?;
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
