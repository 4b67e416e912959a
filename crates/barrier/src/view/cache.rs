//! Decrypted entries, bounded by bytes, wiped as they leave. Holds only what the store holds now: a commit takes entries
//! and claims of its keys away before anyone hears that it happened.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle, GuardResult, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Weighter};

use crate::Entry;

/// For sizing: the usual entry is a small JSON document.
const ENTRY_BYTES_USUAL: u64 = 1024;

pub(crate) struct EntryCache(Cache<Bytes, Arc<Entry>, ByBytes>);

/// The right to fill a place, until a commit takes it away.
pub(crate) type Fill<'c> =
    PlaceholderGuard<'c, Bytes, Arc<Entry>, ByBytes, DefaultHashBuilder, DefaultLifecycle<Bytes, Arc<Entry>>>;

pub(crate) enum Claim<'c> {
    Found(Arc<Entry>),
    Mine(Fill<'c>),
    /// Somebody else is reading it. Nobody waits: absent keys would be read one after the other.
    Taken,
}

#[derive(Clone)]
pub(crate) struct ByBytes;

impl Weighter<Bytes, Arc<Entry>> for ByBytes {
    fn weight(&self, _: &Bytes, entry: &Arc<Entry>) -> u64 {
        entry.weight_bytes()
    }
}

impl EntryCache {
    pub fn new(bytes_max: u64) -> Self {
        let items = usize::try_from(bytes_max / ENTRY_BYTES_USUAL).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(items, bytes_max, ByBytes))
    }

    pub fn find(&self, key: &[u8]) -> Option<Arc<Entry>> {
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

    pub fn clear(&self) {
        self.0.clear();
    }

    pub fn weight_bytes(&self) -> u64 {
        self.0.weight()
    }
}
