//! Tokens by the path at which they were made, as `auth/userpass/login/anna`. Those of logins have an index entry each; the
//! others, made at `auth/token/`, are found by looking at all tokens, which only somebody who asks for them pays for.

use std::collections::BTreeSet;

use bytes::Bytes;
use strongroom_barrier::{Intent, View};
use strongroom_engine::{Error, Key, Result};
use strongroom_types::Timestamp;

use super::entry::{self, TokenEntry};
use super::revoke::{decode, drop_damaged_in, drop_in, end_trees, is_ending};
use crate::Core;
use crate::mount::TOKEN_MOUNT;

const PAGE: usize = 200;
/// Tokens ended in one batch: each takes at most five operations.
const TOKENS_PER_BATCH: usize = 15;
const TRIES_MAX: usize = 8;

/// The place of a login's token in path order.
pub fn login_key(path: &str, family: &str) -> Key {
    Key::area("w").name(path).name("/").name(family)
}

/// Whether a token has a place there.
pub fn is_indexed(token: &TokenEntry) -> bool {
    token.login.is_some()
}

/// Which tokens.
pub struct Below<'a> {
    /// With trailing slash.
    pub path: &'a str,
    /// Only those of the auth mount with this accessor.
    pub accessor: Option<&'a str>,
    /// Made until then.
    pub until: Timestamp,
}

impl Below<'_> {
    fn holds(&self, token: &TokenEntry) -> bool {
        let accessor = token.login.as_ref().map(|login| login.accessor.as_str());
        is_below(token, self.path) && token.life.created <= self.until && self.accessor.is_none_or(|a| accessor == Some(a))
    }
}

/// `path` ends in a slash; a token made exactly there is below it.
fn is_below(token: &TokenEntry, path: &str) -> bool {
    token.path.starts_with(path) || path.strip_suffix('/') == Some(token.path.as_str())
}

/// Whether tokens of `auth/token/` can lie below a path.
fn reaches_created(path: &str) -> bool {
    TOKEN_MOUNT.starts_with(path) || path.starts_with(TOKEN_MOUNT)
}

/// A token to be ended, and the entry of the login index that led to it.
type Candidate = (String, Option<Bytes>);

/// Ends them with all that hangs on them, in bounded batches.
pub async fn end_below(core: &Core, below: &Below<'_>) -> Result<()> {
    end_logins(core, below).await?;
    if below.accessor.is_none() && reaches_created(below.path) { end_created(core, below).await } else { Ok(()) }
}

async fn end_logins(core: &Core, below: &Below<'_>) -> Result<()> {
    let (area, mut after): (_, Option<Bytes>) = (Key::area("w").name(below.path), None);
    loop {
        let keys = core.view.keys(area.as_bytes(), after.as_deref(), PAGE).await?;
        let Some(last) = keys.last().cloned() else { return Ok(()) };
        let candidates = keys.into_iter().filter_map(|key| Some((family_of(&key)?, Some(key)))).collect();
        end(core, candidates, below).await?;
        after = Some(last);
        tokio::task::yield_now().await;
    }
}

fn family_of(key: &[u8]) -> Option<String> {
    std::str::from_utf8(key).ok()?.rsplit_once('/').map(|(_, family)| family.to_owned())
}

async fn end_created(core: &Core, below: &Below<'_>) -> Result<()> {
    let mut walk = AllTokens::default();
    while let Some(tokens) = walk.next(&core.view).await? {
        let meant = tokens.into_iter().filter(|token| below.holds(token)).map(|token| (token.family, None)).collect();
        end(core, meant, below).await?;
    }
    Ok(())
}

/// Names directly below a folder that tokens of `auth/token/` make there: accessors, and folders with a slash.
pub async fn created_names(view: &View, folder: &str) -> Result<BTreeSet<String>> {
    let (mut names, mut walk) = (BTreeSet::new(), AllTokens::default());
    if !reaches_created(folder) && !folder.is_empty() {
        return Ok(names);
    }
    while let Some(tokens) = walk.next(view).await? {
        let created = tokens.into_iter().filter(|token| !is_indexed(token) && token.path.starts_with(TOKEN_MOUNT));
        for id in created.map(|token| format!("{}/{}", token.path, token.family)) {
            let Some(rest) = id.strip_prefix(folder) else { continue };
            names.insert(rest.split_once('/').map_or_else(|| rest.to_owned(), |(name, _)| format!("{name}/")));
        }
        // Above `auth/token/` there is only one name to find.
        if folder.len() < TOKEN_MOUNT.len() && !names.is_empty() {
            break;
        }
    }
    Ok(names)
}

/// All readable token records, a page at a time.
#[derive(Default)]
struct AllTokens(Option<Bytes>);

impl AllTokens {
    async fn next(&mut self, view: &View) -> Result<Option<Vec<TokenEntry>>> {
        let page = view.scan(Key::area("t").as_bytes(), self.0.as_deref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        self.0 = Some(last.clone());
        tokio::task::yield_now().await;
        Ok(Some(page.iter().filter_map(|(_, record)| decode(record.as_ref().ok()?.value()).ok()).collect()))
    }
}

/// Ends those of these tokens that are still meant.
async fn end(core: &Core, candidates: Vec<Candidate>, below: &Below<'_>) -> Result<()> {
    for some in candidates.chunks(TOKENS_PER_BATCH) {
        let mut tries = 0usize;
        let ended = loop {
            match end_some(&core.view, some, below).await {
                Err(Error::Barrier(strongroom_barrier::Error::Conflict)) if tries < TRIES_MAX => tries = tries.saturating_add(1),
                other => break other?,
            }
        };
        end_trees(core, ended).await?;
    }
    Ok(())
}

async fn end_some(view: &View, some: &[Candidate], below: &Below<'_>) -> Result<Vec<String>> {
    let (mut txn, mut ended) = (view.txn(Intent::Write), Vec::new());
    for (family, index_key) in some {
        match txn.get(entry::key(family).as_bytes()).await {
            Ok(Some(found)) => {
                let token = decode(found.value())?;
                if below.holds(&token) {
                    drop_in(&mut txn, &token);
                    ended.push(token.family);
                }
            }
            // Somebody else ended it: what is below it ends before this returns too, and then this entry goes.
            Ok(None) => {
                if let Some(key) = index_key
                    && !is_ending(view, family).await?
                {
                    txn.delete(key.clone());
                }
                ended.push(family.clone());
            }
            Err(strongroom_barrier::Error::Corrupt { .. }) => {
                drop_damaged_in(&mut txn, family);
                ended.push(family.clone());
            }
            Err(other) => return Err(other.into()),
        }
    }
    txn.commit().await?;
    Ok(ended)
}
