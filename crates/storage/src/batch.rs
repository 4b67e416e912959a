//! The unit of change: puts and deletes that happen together, if what they rest on still holds.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Change, Error, Result, Revision};

/// Most puts and deletes in one batch; what every store we plan for can do in one transaction.
pub const BATCH_OPS_MAX: usize = 100;
/// Most preconditions of one batch.
pub const BATCH_PRECONDITIONS_MAX: usize = 1000;
/// Most bytes of keys and values in one batch.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Longest key in bytes.
pub const KEY_BYTES_MAX: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The key exists and was last written by this revision.
    KeyAt(Bytes, Revision),
    /// The key does not exist.
    KeyAbsent(Bytes),
    /// No key that starts with the prefix was put or deleted after this revision. A store may answer `Conflict` when the
    /// revision is older than what it remembers.
    PrefixUnchanged(Bytes, Revision),
}

impl Precondition {
    /// Judges by the revision a key is at (None: it does not exist) and by whether a prefix is unchanged since a revision.
    pub(crate) fn holds(
        &self,
        at: impl FnOnce(&Bytes) -> Result<Option<Revision>>,
        unchanged: impl FnOnce(&[u8], Revision) -> bool,
    ) -> Result<bool> {
        Ok(match self {
            Self::KeyAt(key, revision) => at(key)? == Some(*revision),
            Self::KeyAbsent(key) => at(key)?.is_none(),
            Self::PrefixUnchanged(prefix, since) => unchanged(prefix, *since),
        })
    }
}

/// A key may stand in `puts` or `deletes` once, not in both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub puts: Vec<(Bytes, Bytes)>,
    pub deletes: Vec<Bytes>,
    pub preconditions: Vec<Precondition>,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    /// Bytes of all keys and values.
    pub fn size_bytes(&self) -> usize {
        self.keys().map(Bytes::len).chain(self.puts.iter().map(|(_, v)| v.len())).fold(0, usize::saturating_add)
    }

    /// Errors: `TooLarge` naming the limit.
    pub fn check_limits(&self) -> Result<()> {
        if self.puts.len().saturating_add(self.deletes.len()) > BATCH_OPS_MAX {
            return Err(Error::TooLarge("a batch holds at most 100 operations"));
        }
        if self.preconditions.len() > BATCH_PRECONDITIONS_MAX {
            return Err(Error::TooLarge("a batch holds at most 1000 preconditions"));
        }
        if self.keys().any(|k| k.len() > KEY_BYTES_MAX || k.is_empty()) {
            return Err(Error::TooLarge("a key holds 1 to 4096 bytes"));
        }
        if self.size_bytes() > BATCH_BYTES_MAX {
            return Err(Error::TooLarge("a batch holds at most 1 MiB"));
        }
        if self.names_a_key_twice() {
            return Err(Error::TooLarge("a batch names each key once"));
        }
        Ok(())
    }

    /// What the batch changes when it becomes this revision, and what it rests on.
    pub(crate) fn into_changes(self, revision: Revision) -> (Arc<[Change]>, Vec<Precondition>) {
        let puts = self.puts.into_iter().map(|(key, value)| Change { key, value: Some(value), revision });
        let deletes = self.deletes.into_iter().map(|key| Change { key, value: None, revision });
        (puts.chain(deletes).collect(), self.preconditions)
    }

    fn keys(&self) -> impl Iterator<Item = &Bytes> {
        self.puts.iter().map(|(k, _)| k).chain(&self.deletes)
    }

    fn names_a_key_twice(&self) -> bool {
        let mut keys: Vec<&Bytes> = self.keys().collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair.first() == pair.last())
    }
}
