//! A decrypted entry. Wiped when the last holder lets go of it; shared, never copied.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use strongroom_storage::Revision;
use strongroom_types::SecretBytes;

pub struct Entry {
    key: Bytes,
    revision: Revision,
    value: SecretBytes,
    decoded: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Entry {
    pub(crate) fn new(key: Bytes, revision: Revision, value: SecretBytes) -> Self {
        Self { key, revision, value, decoded: OnceLock::new() }
    }

    /// The full key in the store.
    pub fn key(&self) -> &Bytes {
        &self.key
    }

    /// The commit that wrote it. Zero for what the asking transaction itself wrote and has not committed.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    pub fn value(&self) -> &[u8] {
        self.value.expose()
    }

    /// What the value says, decoded once for all who read this entry. For records that many requests rest on and that hold no
    /// secret, or wipe it themselves: this does not. Errors: those of `decode`; nothing is kept then.
    pub fn decoded<T: Send + Sync + 'static, E>(&self, decode: impl FnOnce(&[u8]) -> Result<T, E>) -> Result<Arc<T>, E> {
        if let Some(kept) = self.decoded.get().and_then(|kept| Arc::clone(kept).downcast().ok()) {
            return Ok(kept);
        }
        let made = Arc::new(decode(self.value())?);
        // Who was quicker made the same, or reads this entry as another type.
        let _ = self.decoded.set(made.clone());
        Ok(made)
    }

    /// Memory that a value of this length takes at this key, for the limit of the cache. Never zero.
    pub(crate) fn weight_bytes(key: &[u8], value_bytes: usize) -> u64 {
        /// What maps, reference counts and allocators add: measured with 100,000 small entries.
        const OVERHEAD_BYTES: usize = 320;
        let bytes = key.len().saturating_add(value_bytes).saturating_add(OVERHEAD_BYTES);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).field("revision", &self.revision).finish_non_exhaustive()
    }
}
