//! A decrypted entry. Wiped when the last holder lets go of it; shared, never copied.

use bytes::Bytes;
use strongroom_storage::Revision;
use strongroom_types::SecretBytes;

pub struct Entry {
    key: Bytes,
    revision: Revision,
    value: SecretBytes,
}

impl Entry {
    pub(crate) fn new(key: Bytes, revision: Revision, value: SecretBytes) -> Self {
        Self { key, revision, value }
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

    /// Memory it holds, for the limit of the cache. Never zero.
    pub(crate) fn weight_bytes(&self) -> u64 {
        /// What maps, reference counts and allocators add.
        const OVERHEAD_BYTES: usize = 160;
        let bytes = self.key.len().saturating_add(self.value.len()).saturating_add(OVERHEAD_BYTES);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).field("revision", &self.revision).finish_non_exhaustive()
    }
}
