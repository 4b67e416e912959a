//! One entry: whether it says what the records say, and what is done when it does not. Whatever is changed rests on the
//! records as they are at commit.

use bytes::Bytes;
use strongroom_barrier::{Entry, Error as BarrierError, Intent, Txn};
use strongroom_engine::Result;

use super::Phase;
use crate::Core;
use crate::task::expire::end_of;
use crate::token::{self, TokenEntry};

/// True when something was amiss and is right now. Errors: `Conflict` when it changed meanwhile.
pub async fn one(core: &Core, phase: Phase, key: &Bytes, entry: std::result::Result<Entry, BarrierError>) -> Result<bool> {
    match phase {
        Phase::Records => record(core, key, entry).await,
        Phase::Children => match child(key) {
            Some((family, parent)) if is_gone(core, family).await? => place_of_none(core, family, parent).await,
            place => index(core, key, place, |token, parent| token.parent.as_deref() == Some(parent)).await,
        },
        Phase::Expiry => {
            let place = end_of(key).map(|(end, family)| (family, end));
            index(core, key, place, |token, end| token.life.expires == Some(end)).await
        }
        Phase::ChosenIds => {
            let entry = entry.ok();
            let family = entry.as_ref().and_then(|e| std::str::from_utf8(e.value()).ok());
            index(core, key, family.zip(name(key)), |token, tag| token.tag == tag).await
        }
        Phase::PrivateEntries => {
            let family = name(key).and_then(|rest| rest.split_once('/')).map(|(family, _)| (family, ()));
            index(core, key, family, |_, ()| true).await
        }
    }
}

/// What follows the area.
fn name(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.get(2..)?).ok()
}

/// The child and the parent that an index key names.
fn child(key: &[u8]) -> Option<(&str, &str)> {
    name(key)?.split_once('/').map(|(parent, child)| (child, parent))
}

async fn is_gone(core: &Core, family: &str) -> Result<bool> {
    match core.view.get(token::key(family).as_bytes()).await {
        Ok(found) => Ok(found.is_none()),
        Err(BarrierError::Corrupt { .. }) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// The place of a token that is gone may be the only way to what is still below it: that ends first. False when it is being
/// ended already.
async fn place_of_none(core: &Core, family: &str, parent: &str) -> Result<bool> {
    let mut txn = core.view.txn(Intent::Write);
    if txn.get(token::revoke_intent(family).as_bytes()).await?.is_some() {
        return Ok(false);
    }
    token::drop_place_in(&mut txn, parent, family);
    txn.commit().await?;
    token::end_trees(core, vec![family.to_owned()]).await?;
    Ok(true)
}

/// Takes an index entry away that belongs to no token. `place` is the family it names and what else it says about it.
async fn index<T: Copy>(
    core: &Core,
    key: &Bytes,
    place: Option<(&str, T)>,
    agrees: impl Fn(&TokenEntry, T) -> bool,
) -> Result<bool> {
    let mut txn = core.view.txn(Intent::Write);
    if let Some((family, says)) = place {
        match txn.get(token::key(family).as_bytes()).await {
            Ok(None) => {}
            Ok(Some(found)) if token::decode(found.value()).is_ok_and(|token| !agrees(&token, says)) => {}
            // It belongs to a token; a damaged one is ended by its record, and this entry goes with the next tidying.
            Ok(Some(_)) | Err(BarrierError::Corrupt { .. }) => return Ok(false),
            Err(other) => return Err(other.into()),
        }
    }
    txn.delete(key.clone());
    txn.commit().await?;
    Ok(true)
}

/// Ends a token that is damaged or whose parent is gone; gives one back the index entries that it lacks.
async fn record(core: &Core, key: &Bytes, entry: std::result::Result<Entry, BarrierError>) -> Result<bool> {
    let Some(family) = name(key) else { return end(core, key, None).await };
    let token = match entry {
        Ok(entry) => token::decode(entry.value()).ok(),
        Err(BarrierError::Corrupt { .. }) => None,
        Err(other) => return Err(other.into()),
    };
    let Some(token) = token.filter(|token| token.family == family) else { return end(core, key, None).await };
    let mut txn = core.view.txn(Intent::Write);
    if let Some(parent) = &token.parent
        && matches!(core.view.get(token::key(parent).as_bytes()).await, Ok(None))
    {
        // The end of the parent is on its way, and whether this one ends with it.
        if token::is_ending(&core.view, parent).await? {
            return Ok(false);
        }
        return end(core, key, Some(parent)).await;
    }
    let is_lacking = lacks_index(&mut txn, &token).await?;
    if is_lacking {
        // Read last, so that a renewal or revocation meanwhile makes the commit fail.
        match txn.get(key).await? {
            Some(found) if found.value() == serde_json::to_vec(&token).unwrap_or_default() => {}
            _ => return Ok(false),
        }
        token::put_with_indexes(&mut txn, &token)?;
        txn.commit().await?;
    }
    Ok(is_lacking)
}

async fn lacks_index(txn: &mut Txn, token: &TokenEntry) -> Result<bool> {
    let mut lacks = false;
    if let Some(end) = token.life.expires {
        lacks |= txn.get(token::expiry_key(end, &token.family).as_bytes()).await?.is_none();
    }
    if let Some(parent) = &token.parent {
        lacks |= txn.get(token::child_key(parent, &token.family).as_bytes()).await?.is_none();
    }
    Ok(lacks)
}

/// Ends a token with all that hangs on it: because `parent` is gone, or because its record cannot be read.
async fn end(core: &Core, key: &Bytes, parent: Option<&str>) -> Result<bool> {
    let mut txn = core.view.txn(Intent::Write);
    let Some(family) = name(key).map(str::to_owned) else {
        txn.delete(key.clone());
        txn.commit().await?;
        return Ok(true);
    };
    match parent {
        None => token::drop_damaged_in(&mut txn, &family),
        Some(parent) => {
            let is_gone = txn.get(token::key(parent).as_bytes()).await?.is_none();
            let token = txn.get(key).await?.and_then(|found| token::decode(found.value()).ok());
            let Some(token) = token.filter(|t| is_gone && t.parent.as_deref() == Some(parent)) else { return Ok(false) };
            token::drop_in(&mut txn, &token);
        }
    }
    txn.commit().await?;
    token::end_trees(core, vec![family]).await?;
    Ok(true)
}
