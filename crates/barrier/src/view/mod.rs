//! The view: decrypted entries of the store, cached by bytes. A hit costs no allocation and no await. What it gives out is
//! never older than the last commit this node acknowledged or, after `catch_up`, than the store's head.

mod cache;
mod follow;

pub(crate) use cache::EntryCache;
pub(crate) use follow::{Follow, start_following};

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use strongroom_storage::{Record, Revision};

use crate::barrier::{Inner, is_reserved};
use crate::figures::ns_since;
use crate::session::Session;
use crate::txn::{Intent, Txn};
use crate::{Entry, Error, Listener, Result};
use cache::{Claim, Found};

/// A handle; clones are the same view.
#[derive(Clone)]
pub struct View(Arc<Inner>);

impl View {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self(inner)
    }

    /// Newest committed entry. Errors: `Sealed`, `Corrupt` for a value that does not open at this place.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Arc<Entry>>> {
        if let Some(hit) = self.cached(key)? {
            self.0.figures.cache_hits.one();
            return Ok(hit);
        }
        self.load(key).await
    }

    /// Whether `get` would answer without the store just now, be it that there is nothing. For callers that must take as
    /// long either way.
    pub fn holds(&self, key: &[u8]) -> bool {
        self.cached(key).is_ok_and(|known| known.is_some())
    }

    /// Takes as long as a `get` of a key that is not at hand, whatever is. The other half of `holds`.
    pub async fn ask_in_vain(&self, key: &[u8]) -> Result<()> {
        Ok(self.0.store.get(key).await.map(|_| ())?)
    }

    fn cached(&self, key: &[u8]) -> Result<Option<Found>> {
        let session = self.0.session.load();
        Ok(session.as_ref().ok_or(Error::Sealed)?.cache.find(key))
    }

    #[cold]
    async fn load(&self, key: &[u8]) -> Result<Option<Arc<Entry>>> {
        let session = self.0.session()?;
        let key = Bytes::copy_from_slice(key);
        // INVARIANT: the place in the cache is claimed before the store is read, and a commit takes the claim away, so a
        // read that began before a commit can't put the older value back after it.
        let claim = match session.cache.claim(&key) {
            Claim::Found(known) => return Ok(known),
            Claim::Mine(guard) => Some(guard),
            Claim::Taken => None,
        };
        let started = Instant::now();
        let record = self.0.store.get(&key).await;
        self.0.figures.gets_ns.record(ns_since(started));
        let found = match record? {
            Some(record) => Some(Arc::new(self.open(&session, &key, &record).await?)),
            None => None,
        };
        if let Some(claim) = claim {
            // Refused when a commit came meanwhile: this reader began before it and may still have its value.
            let _ = claim.insert(found.clone());
        }
        Ok(found)
    }

    async fn open(&self, session: &Session, key: &Bytes, record: &Record) -> Result<Entry> {
        if is_reserved(key) {
            return Err(Error::Reserved { key: key.clone() });
        }
        session.open_record(key, record, &*self.0.store, &*self.0.rng).await
    }

    /// Names directly below a folder, as `Store::list`.
    pub async fn list(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Bytes>> {
        self.0.session()?;
        let started = Instant::now();
        let names = self.0.store.list(prefix, after, limit).await;
        self.0.figures.lists_ns.record(ns_since(started));
        Ok(names?)
    }

    /// Keys with entries below a prefix in key order, those after the full key `after`, at most `limit`. Each that does
    /// not open is an error of its own; the barrier's own records are left out. Does not fill the cache.
    pub async fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<(Bytes, Result<Entry>)>> {
        let session = self.0.session()?;
        let started = Instant::now();
        let records = self.0.store.scan(prefix, after, limit).await;
        self.0.figures.lists_ns.record(ns_since(started));
        let records = records?;
        let mut entries = Vec::with_capacity(records.len());
        for (key, record) in records {
            if !is_reserved(&key) {
                let entry = self.open(&session, &key, &record).await;
                entries.push((key, entry));
            }
        }
        Ok(entries)
    }

    /// As `get`, past the cache: for walks over many entries that must not push out what requests need.
    pub async fn get_once(&self, key: &[u8]) -> Result<Option<Arc<Entry>>> {
        if let Some(hit) = self.cached(key)? {
            return Ok(hit);
        }
        let session = self.0.session()?;
        let key = Bytes::copy_from_slice(key);
        let Some(record) = self.0.store.get(&key).await? else { return Ok(None) };
        Ok(Some(Arc::new(self.open(&session, &key, &record).await?)))
    }

    /// Keys below a prefix, as `scan`, without opening what they hold: for indexes, whose keys say all. SECURITY: a key
    /// proves nothing; what it points to must be read and judged.
    pub async fn keys(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Bytes>> {
        self.0.session()?;
        let records = self.0.store.scan(prefix, after, limit).await?;
        Ok(records.into_iter().map(|(key, _)| key).filter(|key| !is_reserved(key)).collect())
    }

    /// Newest committed revision of the store.
    pub async fn head(&self) -> Result<Revision> {
        Ok(self.0.store.head().await?)
    }

    /// Resolves when everything that was committed before the call, by any node, is what this view and all listeners
    /// rest on. Free for a store with one writer. Errors: `Behind` when the store or its change feed can't be reached
    /// in time, `Sealed`.
    pub async fn catch_up(&self) -> Result<()> {
        if self.0.sole_writer {
            return Ok(());
        }
        self.0.session()?.follow.catch_up().await
    }

    /// Adds a listener for the changes of this and all other nodes, for the life of the barrier.
    pub fn on_change(&self, listener: Arc<dyn Listener>) {
        self.0.listeners.add(listener);
    }

    pub fn txn(&self, intent: Intent) -> Txn {
        Txn::new(self.clone(), intent)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

#[cfg(test)]
mod tests;
