//! Decrypted entries, and keys known to have none, bounded by bytes, wiped as they leave. Holds only what the store holds
//! now: a commit takes places and claims of its keys away before anyone hears that it happened.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle, GuardResult, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Weighter};

use crate::Entry;

/// For sizing: the usual entry is a small JSON document.
const ENTRY_BYTES_USUAL: u64 = 1024;

/// What the store holds at a key; None for nothing.
pub(crate) type Found = Option<Arc<Entry>>;

pub(crate) struct EntryCache(Cache<Bytes, Found, ByBytes>);

/// The right to fill a place, until a commit takes it away.
pub(crate) type Fill<'c> = PlaceholderGuard<'c, Bytes, Found, ByBytes, DefaultHashBuilder, DefaultLifecycle<Bytes, Found>>;

pub(crate) enum Claim<'c> {
    Found(Found),
    Mine(Fill<'c>),
    /// Somebody else is reading it. Nobody waits: absent keys would be read one after the other.
    Taken,
}

#[derive(Clone)]
pub(crate) struct ByBytes;

impl Weighter<Bytes, Found> for ByBytes {
    fn weight(&self, key: &Bytes, found: &Found) -> u64 {
        Entry::weight_bytes(key, found.as_ref().map_or(0, |entry| entry.value().len()))
    }
}

impl EntryCache {
    pub fn new(bytes_max: u64) -> Self {
        let items = usize::try_from(bytes_max / ENTRY_BYTES_USUAL).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(items, bytes_max, ByBytes))
    }

    /// None: it must be asked of the store.
    pub fn find(&self, key: &[u8]) -> Option<Found> {
        self.0.get(key)
    }

    pub fn claim(&self, key: &Bytes) -> Claim<'_> {
        match self.0.get_value_or_guard(key, Some(Duration::ZERO)) {
            GuardResult::Value(entry) => Claim::Found(entry),
            GuardResult::Guard(guard) => Claim::Mine(guard),
            GuardResult::Timeout => Claim::Taken,
        }
    }

    pub fn forget(&self, key: &Bytes) {
        self.0.remove(key);
    }

    /// Fills the place of an entry just committed, unless a reader was quicker: it may have found a newer one.
    pub fn offer(&self, entry: Entry) {
        let key = entry.key().clone();
        if let Claim::Mine(place) = self.claim(&key) {
            let _ = place.insert(Some(Arc::new(entry)));
        }
    }

    pub fn clear(&self) {
        self.0.clear();
    }

    pub fn weight_bytes(&self) -> u64 {
        self.0.weight()
    }
}
