//! The store: ordered keys with opaque values, changed only by atomic batches. It sees ciphertext and never a secret,
//! and nobody above it may assume that this process is its only writer (architecture.md, Storage).

mod batch;
pub mod conformance;
pub mod embedded;
mod error;
pub mod faulty;
mod history;
mod listeners;
pub mod memory;
mod order;
mod whole;

pub use batch::{BATCH_BYTES_MAX, BATCH_OPS_MAX, BATCH_PRECONDITIONS_MAX, Batch, KEY_BYTES_MAX, Precondition};
pub use embedded::EmbeddedStore;
pub use error::{Error, Result};
pub use faulty::FaultyStore;
pub use memory::{MemoryStore, SharedMemory};
pub use whole::{Contents, Replacement, Scratch, Whole};

use std::sync::Arc;

use bytes::Bytes;
use strongroom_metrics::Page;
use strongroom_types::BoxFuture;

/// Position in the store's history: every commit gets a later one, with gaps where commits failed. Zero is before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

/// What a key holds, and the commit that put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub value: Bytes,
    pub revision: Revision,
}

/// One key touched by a commit. `value` is None for a delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub key: Bytes,
    pub value: Option<Bytes>,
    pub revision: Revision,
}

/// Told of every change in commit order, before the commit is acknowledged. Must be quick and must not block.
pub trait Publish: Send + Sync + 'static {
    fn published(&self, changes: &[Change]);

    /// All records may be others now: drop everything that rests on them. Told before `replace_all` is acknowledged.
    fn replaced(&self);
}

/// Changes after a revision, in commit order. Ends with an error when the store can no longer tell them all: the
/// caller then drops what it cached and watches again from `head`.
pub type ChangeStream = tokio::sync::mpsc::Receiver<Result<Arc<[Change]>>>;

/// An ordered key-value store with atomic, conditional batches. Every method may fail with `Unavailable`.
pub trait Store: Send + Sync + 'static {
    /// Newest committed record. Errors: `Corrupt` when the record fails its checksum; it is quarantined.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Record>>>;

    /// Names directly below a folder: the rest of each key after `prefix` up to and including the next `/`, sorted,
    /// each once, those after `after` (exclusive, in the same form), at most `limit`. A key equal to `prefix` has no name.
    fn list<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>, limit: usize) -> BoxFuture<'a, Result<Vec<Bytes>>>;

    /// Keys that start with a prefix, with their records, in key order, those after the full key `after`, at most `limit`.
    /// Corrupt records are left out and quarantined.
    fn scan<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>, limit: usize)
    -> BoxFuture<'a, Result<Vec<(Bytes, Record)>>>;

    /// Newest committed revision, linearizable.
    fn head(&self) -> BoxFuture<'_, Result<Revision>>;

    /// True when every commit of this store runs through this very handle, so that what was published is all there is.
    fn is_sole_writer(&self) -> bool;

    /// Applies all of a batch or nothing, durably, and publishes it before it resolves. The batch is handed over by the
    /// call itself: dropping the future does not take it back.
    /// Errors: `Conflict` when a precondition does not hold, `TooLarge` beyond the batch limits: nothing happened. After
    /// `Operator` or `Unavailable` the outcome is unknown: it may show later that the batch was applied.
    fn commit(&self, batch: Batch) -> BoxFuture<'static, Result<Revision>>;

    /// Changes to keys that start with `prefix`, after `from`.
    fn watch(&self, prefix: &[u8], from: Revision) -> ChangeStream;

    /// The newest value waiting in this handle's commit queue, with the revision it will have: `Some((None, r))` is a
    /// queued delete. A writer may build on it, since the queue checks preconditions in order. Readers must not.
    fn queued(&self, _key: &[u8]) -> Option<(Option<Bytes>, Revision)> {
        None
    }

    /// Adds a listener for this handle's own commits.
    fn publish_to(&self, listener: Arc<dyn Publish>);

    /// Keys whose records failed their checksum since the store was opened, with the reason, oldest first.
    fn quarantined(&self) -> Vec<(Bytes, String)> {
        Vec::new()
    }

    /// Reading and replacing all of it, for a store that can.
    fn whole(&self) -> Option<&dyn Whole> {
        None
    }

    /// Adds the store's figures to a page of metrics.
    fn report(&self, _page: &mut Page) {}
}
