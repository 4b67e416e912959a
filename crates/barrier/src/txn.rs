//! A transaction: reads that are remembered, writes that are held back, one atomic commit. Optimistic: the commit
//! fails with `Conflict` when something read has changed, and the pipeline runs the handler again. Throw-away reads
//! belong to the view, or the wait between them and the commit becomes part of the conflict window.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use strongroom_storage::{BATCH_BYTES_MAX, BATCH_OPS_MAX, BATCH_PRECONDITIONS_MAX, Batch, Precondition, Revision};
use strongroom_types::SecretBytes;

use crate::barrier::is_reserved;
use crate::figures::ns_since;
use crate::keyring::Domain;
use crate::view::View;
use crate::{Entry, Error, Result};

mod list;

/// What sealing adds to a value, at most.
const SEALING_BYTES_MAX: usize = 128;

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
    /// Of the store that it reads; in another one it must change nothing.
    epoch: u64,
    /// What was read; None for absent. Read again, it is the same: one look at the store for each key.
    reads: BTreeMap<Bytes, Option<Arc<Entry>>>,
    /// Prefixes listed, and the head before.
    ranges: Vec<(Bytes, Revision)>,
    /// None for a delete.
    writes: BTreeMap<Bytes, Option<Arc<Entry>>>,
    /// Puts that will be asked for as soon as they are committed.
    wanted: Vec<Bytes>,
}

impl Txn {
    pub(crate) fn new(view: View, intent: Intent) -> Self {
        let epoch = view.inner().epoch();
        Self { view, intent, epoch, reads: BTreeMap::new(), ranges: Vec::new(), writes: BTreeMap::new(), wanted: Vec::new() }
    }

    /// For reads that the commit must not rest on.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The entry as this transaction sees it, its own writes first. Errors: `Corrupt`, `Sealed`.
    pub async fn get(&mut self, key: &[u8]) -> Result<Option<Arc<Entry>>> {
        if let Some(known) = self.writes.get(key).or_else(|| self.reads.get(key)) {
            return Ok(known.clone());
        }
        let queued = match self.intent {
            Intent::Write => self.view.inner().store.queued(key),
            Intent::Read => None,
        };
        let entry = match queued {
            Some((value, revision)) => self.open_queued(key, value, revision)?,
            None => self.view.get(key).await?,
        };
        let key = entry.as_ref().map_or_else(|| Bytes::copy_from_slice(key), |e| e.key().clone());
        self.reads.insert(key, entry.clone());
        Ok(entry)
    }

    fn open_queued(&self, key: &[u8], value: Option<Bytes>, revision: Revision) -> Result<Option<Arc<Entry>>> {
        let Some(sealed) = value else { return Ok(None) };
        let key = Bytes::copy_from_slice(key);
        let opened = self.view.inner().session()?.with_cipher(|c| c.open(Domain::Value, &key, &sealed));
        let value = opened.map_err(|_| Error::Corrupt { key: key.clone() })?;
        Ok(Some(Arc::new(Entry::new(key, revision, value))))
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

    /// As `put`, for an entry that somebody will ask for as soon as it is there: it goes into the cache with the commit.
    pub fn put_wanted(&mut self, key: impl Into<Bytes>, value: Vec<u8>) {
        let key = key.into();
        if self.view.inner().sole_writer {
            self.wanted.push(key.clone());
        }
        self.put(key, value);
    }

    /// Deletes an entry at commit, if it is there.
    pub fn delete(&mut self, key: impl Into<Bytes>) {
        self.writes.insert(key.into(), None);
    }

    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Rests on an entry that is already in hand, as if it had been read here. What this transaction read or wrote itself
    /// stays.
    pub fn rest_on(&mut self, entry: Arc<Entry>) {
        if !self.writes.contains_key(entry.key()) {
            self.reads.entry(entry.key().clone()).or_insert(Some(entry));
        }
    }

    /// Takes over what another transaction read and wrote, so that both are one commit. Gives it back when one rests on
    /// what the other changes, when either has listed, or when both together exceed a batch.
    pub fn absorb(&mut self, other: Self) -> std::result::Result<(), Box<Self>> {
        let operations = self.writes.len().saturating_add(other.writes.len());
        let reads = self.reads.len().saturating_add(other.reads.len());
        let bytes = self.bytes().saturating_add(other.bytes());
        let fits = operations <= BATCH_OPS_MAX && reads <= BATCH_PRECONDITIONS_MAX && bytes <= BATCH_BYTES_MAX;
        let has_listed = !self.ranges.is_empty() || !other.ranges.is_empty();
        if !fits || has_listed || self.touches(&other) || other.touches(self) || self.differs(&other) {
            return Err(Box::new(other));
        }
        self.reads.extend(other.reads);
        self.writes.extend(other.writes);
        self.wanted.extend(other.wanted);
        Ok(())
    }

    /// Bytes of the batch that this becomes, at most.
    fn bytes(&self) -> usize {
        let of = |(key, entry): (&Bytes, &Option<Arc<Entry>>)| {
            let value = entry.as_ref().map_or(0, |e| e.value().len().saturating_add(SEALING_BYTES_MAX));
            key.len().saturating_add(value)
        };
        self.writes.iter().map(of).fold(0, usize::saturating_add)
    }

    /// Whether this transaction changes what the other reads or changes.
    fn touches(&self, other: &Self) -> bool {
        self.writes.keys().any(|key| other.writes.contains_key(key) || other.reads.contains_key(key))
    }

    /// Whether both read the same entry and found another.
    fn differs(&self, other: &Self) -> bool {
        let revision = |entry: &Option<Arc<Entry>>| entry.as_ref().map(|e| e.revision());
        other.reads.iter().any(|(key, entry)| self.reads.get(key).is_some_and(|own| revision(own) != revision(entry)))
    }

    /// Seals and commits all writes as one batch, if all that was read still holds. Without writes nothing is
    /// committed, and the answer is the newest revision among what was read. Errors: `Conflict`, `Sealed`, `Reserved`,
    /// `Storage(TooLarge)` beyond the limits of a batch; after `Storage(Unavailable)` the outcome is unknown.
    pub async fn commit(self) -> Result<Revision> {
        if !self.has_writes() {
            return Ok(self.reads.into_values().flatten().map(|e| e.revision()).max().unwrap_or_default());
        }
        let (view, epoch) = (self.view.clone(), self.epoch);
        let (batch, wanted) = self.into_batch()?;
        let _holding = view.inner().session()?.fresh.hold(wanted);
        let (put_count, delete_count, started) = (batch.puts.len(), batch.deletes.len(), Instant::now());
        let handed_over = {
            let now = view.inner().epoch.read().unwrap_or_else(PoisonError::into_inner);
            if *now != epoch {
                return Err(Error::Sealed);
            }
            view.inner().store.commit(batch)
        };
        let committed = handed_over.await;
        let figures = &view.inner().figures;
        match &committed {
            Ok(_) => {
                let took = ns_since(started);
                (0..put_count).for_each(|_| figures.puts_ns.record(took));
                (0..delete_count).for_each(|_| figures.deletes_ns.record(took));
            }
            Err(strongroom_storage::Error::Conflict) => figures.conflicts.one(),
            Err(_) => {}
        }
        Ok(committed?)
    }

    /// The batch, and the sealed and plain values of the wanted entries in it.
    fn into_batch(self) -> Result<(Batch, Vec<(Bytes, SecretBytes)>)> {
        let session = self.view.inner().session()?;
        let mut wanted = Vec::with_capacity(self.wanted.len());
        let mut batch = Batch { preconditions: preconditions(self.reads, self.ranges), ..Batch::default() };
        for (key, value) in self.writes {
            if is_reserved(&key) {
                return Err(Error::Reserved { key });
            }
            match value {
                Some(entry) => {
                    let sealed = session.seal_value(&key, entry.value())?;
                    if self.wanted.contains(&key) {
                        // A copy as long as the value: what encoded it took more room, and the cache counts what is in it.
                        wanted.push((sealed.clone(), SecretBytes::new(entry.value().to_vec())));
                    }
                    batch.puts.push((key, sealed));
                }
                None => batch.deletes.push(key),
            }
        }
        batch.check_limits()?;
        Ok((batch, wanted))
    }
}

fn preconditions(reads: BTreeMap<Bytes, Option<Arc<Entry>>>, ranges: Vec<(Bytes, Revision)>) -> Vec<Precondition> {
    let keys = reads.into_iter().map(|(key, entry)| match entry {
        Some(entry) => Precondition::KeyAt(key, entry.revision()),
        None => Precondition::KeyAbsent(key),
    });
    keys.chain(ranges.into_iter().map(|(prefix, head)| Precondition::PrefixUnchanged(prefix, head))).collect()
}

#[cfg(test)]
mod tests;
