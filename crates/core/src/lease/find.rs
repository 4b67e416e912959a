//! From a lease id to what it names: a lease, or a token, whose id is where it was made and its accessor.

use std::sync::Arc;

use strongroom_barrier::{Entry, Txn, View};
use strongroom_engine::Result;

use super::entry::{self, LeaseEntry};
use crate::token::{self, TokenEntry};

/// A lease with the stored entry that a change of it must rest on.
#[derive(Clone)]
pub struct Found {
    pub id: Arc<str>,
    pub record: Arc<Entry>,
    pub lease: Arc<LeaseEntry>,
}

impl Found {
    /// Errors: `Internal` when it is no lease's record.
    pub fn read(id: &str, record: Arc<Entry>) -> Result<Self> {
        let lease = Arc::new(entry::decode(record.value())?);
        Ok(Self { id: id.into(), record, lease })
    }
}

/// What a walk over an index finds at one of its entries.
pub enum Looked {
    Found(Found),
    Gone,
    /// The record does not open or says nothing.
    Damaged,
}

/// Past the cache: walks must not push out what requests need.
pub async fn look(view: &View, id: &str) -> Result<Looked> {
    match view.get_once(entry::key(id).as_bytes()).await {
        Ok(Some(record)) => Ok(Found::read(id, record).map_or(Looked::Damaged, Looked::Found)),
        Ok(None) => Ok(Looked::Gone),
        Err(strongroom_barrier::Error::Corrupt { .. }) => Ok(Looked::Damaged),
        Err(other) => Err(other.into()),
    }
}

/// The lease of this id, as the transaction sees it.
pub async fn lease(txn: &mut Txn, id: &str) -> Result<Option<LeaseEntry>> {
    txn.get(entry::key(id).as_bytes()).await?.map(|record| entry::decode(record.value())).transpose()
}

/// The accessor in an id that could be a token's.
fn family(id: &str) -> Option<(&str, &str)> {
    id.rsplit_once('/').filter(|(path, family)| path.starts_with("auth/") && token::is_family(family))
}

/// The accessor that an id names when its token has ended already or is about to: what is below it may not have.
pub async fn ended_token(txn: &mut Txn, id: &str) -> Result<Option<String>> {
    let Some((_, family)) = family(id) else { return Ok(None) };
    if txn.get(token::key(family).as_bytes()).await?.is_some() {
        return Ok(None);
    }
    if let Some(going) = txn.view().get(token::key(family).as_bytes()).await? {
        token::drop_again_in(txn, &token::decode(going.value())?);
    }
    Ok(Some(family.to_owned()))
}

/// The token of this id, as the transaction sees it.
pub async fn token(txn: &mut Txn, id: &str) -> Result<Option<TokenEntry>> {
    let Some((path, family)) = family(id) else { return Ok(None) };
    let Some(found) = txn.get(token::key(family).as_bytes()).await? else { return Ok(None) };
    Ok(Some(token::decode(found.value())?).filter(|token| token.path == path))
}
