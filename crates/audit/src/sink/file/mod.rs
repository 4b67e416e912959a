//! The file device: JSON lines in `<file>`, their hash tree and signed checkpoints in `<file>.tree/`. Requests append
//! under a short lock and one of them writes for all who wait; no thread is kept. Files are private to the server's
//! user and never executable. Checkpoints, epochs and segments are the business of `tick`, never of a request.

mod aside;
mod ledger;
mod medium;
mod prune;
mod queue;
mod recover;
mod reserve;
pub(crate) mod segment;
mod wait;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_types::{Rng, SecretBytes, Timestamp};

pub use self::aside::set_aside_foreign;
pub use self::medium::Medium;
pub(crate) use self::medium::{make_folder, open_append, plain_medium};
pub use self::wait::Wait;

use self::ledger::Ledger;
use self::medium::Wrap;
use self::queue::Queue;
use self::reserve::Reserve;
use self::writer::Writer;
use super::{Device, DeviceId, Ticket};
use crate::{AuditError, HashKey, Head};

/// Everything a file device is made of. Defaults for the numbers are in `Limits`.
pub struct FileConfig {
    /// The current segment; older ones and the tree lie beside it.
    pub path: PathBuf,
    /// Key of the hashes that stand for values. Kept behind the barrier.
    pub hash_key: SecretBytes,
    /// 32-byte Ed25519 seed that appoints the first key of this run; dropped by `open`. Kept behind the barrier.
    pub log_key: SecretBytes,
    /// What `head` said last, from the barrier. The files must extend it. None for a new device.
    pub expected: Option<Head>,
    pub limits: Limits,
    /// Every group of lines is on disk before it is acknowledged.
    pub is_sync: bool,
    /// The store's revision, written into checkpoints.
    pub store_head: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Opens although the store is older than the last checkpoint says: after a restore that an operator answers for.
    pub accepts_older_store: bool,
    pub rng: Arc<dyn Rng>,
}

/// Sizes and times. All may be changed between runs.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Lines that wait to be written, in bytes. More are refused.
    pub buffer_bytes_max: usize,
    /// A segment that has grown beyond this is closed at the next tick.
    pub segment_bytes_max: u64,
    /// Segments together; beyond it the oldest are deleted whole. Zero: never.
    pub budget_bytes: u64,
    pub epoch_s: u64,
    pub epoch_records: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            buffer_bytes_max: 8 * 1024 * 1024,
            segment_bytes_max: 256 * 1024 * 1024,
            budget_bytes: 0,
            epoch_s: 600,
            epoch_records: 1 << 20,
        }
    }
}

/// An open file device.
pub struct FileDevice {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    id: DeviceId,
    hash_key: HashKey,
    is_sync: bool,
    queue: Queue,
    /// Locked after `ledger`, before `queue`. Never held over a sync while requests may come, but at segment changes.
    writer: Mutex<Writer>,
    ledger: Mutex<Ledger>,
    head: Mutex<Option<Head>>,
    reserve: Arc<Reserve>,
}

impl FileDevice {
    /// Opens or creates the log, checks its tail against the last checkpoint and `expected`, and appoints a fresh key by
    /// a `restart` line, checkpointed before this returns. Blocks.
    /// Errors: `Behind` and `Mismatch` when the files are not what was acknowledged; `Locked`, `NotAFile`, `Io`.
    pub fn open(config: FileConfig, now: Timestamp) -> Result<Self, AuditError> {
        Self::open_with(config, now, Arc::new(plain_medium))
    }

    /// As `open`, with something between the device and its files, such as one that fails.
    pub fn open_with(config: FileConfig, now: Timestamp, wrap: Wrap) -> Result<Self, AuditError> {
        let recovered = recover::open(&config, wrap)?;
        let inner = Inner {
            id: DeviceId::fresh(),
            hash_key: HashKey::new(&config.hash_key),
            is_sync: config.is_sync,
            queue: Queue::new(recovered.next_seq, config.limits.buffer_bytes_max),
            reserve: recovered.writer.reserve.clone(),
            writer: Mutex::new(recovered.writer),
            ledger: Mutex::new(recovered.ledger),
            head: Mutex::new(None),
        };
        inner.start(&config.log_key, recovered.dropped_bytes, now)?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The key that an intruder would find in memory.
    #[cfg(test)]
    pub(crate) fn stolen_key(&self) -> crate::epoch::EpochKey {
        lock(&self.inner.ledger).key.take().unwrap()
    }

    /// Base64 of the key that verifiers trust.
    pub fn public_key_text(seed: &SecretBytes) -> Result<String, AuditError> {
        use base64::Engine as _;
        crate::log_public_key(seed).map(|key| base64::engine::general_purpose::STANDARD.encode(key))
    }
}

impl Device for FileDevice {
    fn id(&self) -> DeviceId {
        self.inner.id
    }

    fn kind(&self) -> &'static str {
        "file"
    }

    fn hash_key(&self) -> &HashKey {
        &self.inner.hash_key
    }

    fn is_local(&self) -> bool {
        true
    }

    fn append(&self, rest: &[u8]) -> Result<Ticket, AuditError> {
        let batch = self.inner.queue.append(rest)?;
        Ok(Ticket::Wait(Wait::new(self.inner.clone(), batch)))
    }

    fn tick(&self, now: Timestamp) -> Result<(), AuditError> {
        self.inner.tick(now)
    }

    fn is_short_of_space(&self) -> bool {
        self.inner.reserve.is_given()
    }

    fn needs_tick(&self, now: Timestamp) -> bool {
        self.inner.reserve.is_given()
            || !self.inner.queue.is_empty()
            || lock(&self.inner.writer).has_news()
            || lock(&self.inner.ledger).is_epoch_over(now)
    }

    fn rotate(&self, now: Timestamp) -> Result<(), AuditError> {
        self.inner.change_segment(now)
    }

    fn close(&self, now: Timestamp) -> Result<(), AuditError> {
        self.inner.queue.refuse(AuditError::Closed);
        self.inner.tick(now)?;
        lock(&self.inner.ledger).end()
    }

    fn head(&self) -> Option<Head> {
        *lock(&self.inner.head)
    }
}

/// State behind our locks is replaced as a whole or not at all, so a poisoned lock is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
