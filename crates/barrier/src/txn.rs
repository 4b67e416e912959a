//! A transaction: reads that are remembered, writes that are held back, one atomic commit. Optimistic: the commit
//! fails with `Conflict` when something read has changed, and the pipeline runs the handler again. Throw-away reads
//! belong to the view, or the wait between them and the commit becomes part of the conflict window.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use strongroom_storage::{Batch, Precondition, Revision};
use strongroom_types::SecretBytes;

use crate::barrier::is_reserved;
use crate::keyring::Domain;
use crate::view::View;
use crate::{Entry, Error, Result};

mod list;

/// What the transaction is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Intent {
    /// Sees committed values only. May still write, such as a use count; lists are not checked at commit.
    Read,
    /// May rest on the newest value in the commit queue, which saves hot keys from conflicts; lists are checked at
    /// commit.
    Write,
}

pub struct Txn {
    view: View,
    intent: Intent,
    /// What was read, and the revision it was at; None for absent.
    reads: BTreeMap<Bytes, Option<Revision>>,
    /// Prefixes listed, and the head before.
    ranges: Vec<(Bytes, Revision)>,
    /// None for a delete.
    writes: BTreeMap<Bytes, Option<Arc<Entry>>>,
}

impl Txn {
    pub(crate) fn new(view: View, intent: Intent) -> Self {
        Self { view, intent, reads: BTreeMap::new(), ranges: Vec::new(), writes: BTreeMap::new() }
    }

    /// For reads that the commit must not rest on.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The entry as this transaction sees it, its own writes first. Errors: `Conflict` when it changed since this
    /// transaction read it before, `Corrupt`, `Sealed`.
    pub async fn get(&mut self, key: &[u8]) -> Result<Option<Arc<Entry>>> {
        if let Some(own) = self.writes.get(key) {
            return Ok(own.clone());
        }
        if self.intent == Intent::Write
            && let Some((value, revision)) = self.view.inner().store.queued(key)
        {
            return self.read_queued(key, value, revision);
        }
        let entry = self.view.get(key).await?;
        match &entry {
            Some(entry) => self.remember(entry.key().clone(), Some(entry.revision()))?,
            None => self.remember(Bytes::copy_from_slice(key), None)?,
        }
        Ok(entry)
    }

    fn read_queued(&mut self, key: &[u8], value: Option<Bytes>, revision: Revision) -> Result<Option<Arc<Entry>>> {
        let key = Bytes::copy_from_slice(key);
        let Some(sealed) = value else {
            self.remember(key, None)?;
            return Ok(None);
        };
        let opened = self.view.inner().session()?.with_cipher(|c| c.open(Domain::Value, &key, &sealed));
        let value = opened.map_err(|_| Error::Corrupt { key: key.clone() })?;
        self.remember(key.clone(), Some(revision))?;
        Ok(Some(Arc::new(Entry::new(key, revision, value))))
    }

    fn remember(&mut self, key: Bytes, revision: Option<Revision>) -> Result<()> {
        match *self.reads.entry(key).or_insert(revision) == revision {
            true => Ok(()),
            false => Err(Error::Conflict),
        }
    }

    /// Writes an entry at commit. Does not rest on what was there before, unless this transaction read it.
    pub fn put(&mut self, key: impl Into<Bytes>, value: Vec<u8>) {
        self.put_secret(key, SecretBytes::new(value));
    }

    /// As `put`, for a value that is already in a wiping container.
    pub fn put_secret(&mut self, key: impl Into<Bytes>, value: SecretBytes) {
        let key = key.into();
        let entry = Entry::new(key.clone(), Revision::default(), value);
        self.writes.insert(key, Some(Arc::new(entry)));
    }

    /// Deletes an entry at commit, if it is there.
    pub fn delete(&mut self, key: impl Into<Bytes>) {
        self.writes.insert(key.into(), None);
    }

    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Seals and commits all writes as one batch, if all that was read still holds. Without writes nothing is
    /// committed, and the answer is the newest revision among what was read. Errors: `Conflict`, `Sealed`, `Reserved`,
    /// `Storage(TooLarge)` beyond the limits of a batch; after `Storage(Unavailable)` the outcome is unknown.
    pub async fn commit(self) -> Result<Revision> {
        if !self.has_writes() {
            return Ok(self.reads.into_values().flatten().max().unwrap_or_default());
        }
        let view = self.view.clone();
        let batch = self.into_batch()?;
        Ok(view.inner().store.commit(batch).await?)
    }

    fn into_batch(self) -> Result<Batch> {
        let session = self.view.inner().session()?;
        let mut batch = Batch { preconditions: preconditions(self.reads, self.ranges), ..Batch::default() };
        for (key, value) in self.writes {
            if is_reserved(&key) {
                return Err(Error::Reserved { key });
            }
            match value {
                Some(entry) => {
                    let sealed = session.seal_value(&key, entry.value())?;
                    batch.puts.push((key, sealed));
                }
                None => batch.deletes.push(key),
            }
        }
        batch.check_limits()?;
        Ok(batch)
    }
}

fn preconditions(reads: BTreeMap<Bytes, Option<Revision>>, ranges: Vec<(Bytes, Revision)>) -> Vec<Precondition> {
    let keys = reads.into_iter().map(|(key, revision)| match revision {
        Some(revision) => Precondition::KeyAt(key, revision),
        None => Precondition::KeyAbsent(key),
    });
    keys.chain(ranges.into_iter().map(|(prefix, head)| Precondition::PrefixUnchanged(prefix, head))).collect()
}

#[cfg(test)]
mod tests;
