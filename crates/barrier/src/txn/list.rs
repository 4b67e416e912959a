//! Listing inside a transaction: the store's names with the transaction's own writes laid over them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;

use super::{Intent, Txn};
use crate::Result;

impl Txn {
    /// Names directly below a folder, in the form and order of `View::list`, as this transaction sees them. A writing
    /// transaction rests on the whole prefix from here on.
    pub async fn list(&mut self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Bytes>> {
        if self.intent == Intent::Write {
            // Before the list: what changes in between then fails the commit.
            let head = self.view.head().await?;
            self.ranges.push((Bytes::copy_from_slice(prefix), head));
        }
        let (put, deleted) = self.own_names(prefix, after);
        let stored = self.view.list(prefix, after, limit.saturating_add(deleted.len())).await?;
        let mut names: BTreeSet<Bytes> = put;
        for name in stored {
            if !names.contains(&name) && self.remains(prefix, &name, deleted.get(&name).copied()).await? {
                names.insert(name);
            }
        }
        Ok(names.into_iter().take(limit).collect())
    }

    /// Names that own puts make, and those below which own deletes take keys away, with how many.
    fn own_names(&self, prefix: &[u8], after: Option<&[u8]>) -> (BTreeSet<Bytes>, BTreeMap<Bytes, usize>) {
        let (mut put, mut deleted) = (BTreeSet::new(), BTreeMap::new());
        for (key, value) in self
            .writes
            .range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
        {
            let name = child_name(key, prefix);
            if name.is_empty() || after.is_some_and(|after| *name <= *after) {
                continue;
            }
            match value {
                Some(_) => drop(put.insert(name)),
                None => {
                    let count = deleted.entry(name).or_insert(0usize);
                    *count = count.saturating_add(1);
                }
            }
        }
        (put, deleted)
    }

    /// Whether a stored name is still there when so many keys at or below it are deleted.
    async fn remains(&self, prefix: &[u8], name: &Bytes, deleted: Option<usize>) -> Result<bool> {
        let Some(deleted) = deleted else { return Ok(true) };
        if !name.ends_with(b"/") {
            return Ok(false);
        }
        let folder = [prefix, name].concat();
        let stored = self.view.inner().store.scan(&folder, None, deleted.saturating_add(1)).await?;
        Ok(stored.iter().any(|(key, _)| !self.writes.contains_key(key)))
    }
}

/// The rest of the key after the prefix, up to and including the next slash.
fn child_name(key: &Bytes, prefix: &[u8]) -> Bytes {
    let rest = key.slice(prefix.len()..);
    match rest.iter().position(|b| *b == b'/') {
        Some(slash) => rest.slice(..=slash),
        None => rest,
    }
}
