//! Where lines go. A sink takes rendered lines, gives each its sequence number and says when the kernel holds it.

pub mod conformance;
pub mod discard;
pub mod file;
pub mod lines;
mod out;
pub mod socket;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use strongroom_types::Timestamp;

use crate::{AuditError, HashKey, Head};

/// Tells devices of one process apart, also those that replaced each other at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceId(u64);

impl DeviceId {
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn slot(self, slots: usize) -> usize {
        usize::try_from(self.0).unwrap_or(0).checked_rem(slots).unwrap_or(0)
    }

    #[cfg(test)]
    pub(crate) fn for_test(n: u64) -> Self {
        Self(n)
    }
}

/// One audit device.
pub trait Device: Send + Sync + 'static {
    fn id(&self) -> DeviceId;

    /// `file`, `lines`, ...
    fn kind(&self) -> &'static str;

    fn hash_key(&self) -> &HashKey;

    /// Whether it can be the gate: its acknowledgement means that this machine's kernel holds the line.
    fn is_local(&self) -> bool;

    /// Whether a record that it took is recorded at all.
    fn counts(&self) -> bool {
        true
    }

    /// Takes a line that begins behind its sequence number (`"time":...}`, no newline) and queues or writes it.
    /// Errors: `Full`, `TooLarge`, `Closed`, `Malformed`, `Io`; the line is then in no file and has no number.
    fn append(&self, rest: &[u8]) -> Result<Ticket, AuditError>;

    /// Called every 100 ms, on a thread that may block: writes what is queued, makes a checkpoint, changes epochs and
    /// segments when due. An error concerns what has not been checkpointed; the next call tries again.
    fn tick(&self, now: Timestamp) -> Result<(), AuditError>;

    /// Whether `tick` has something to do.
    fn needs_tick(&self, now: Timestamp) -> bool;

    /// Whether it lives on its last reserve: only what makes room again may still be recorded.
    fn is_short_of_space(&self) -> bool {
        false
    }

    /// Starts a new file, as for SIGHUP. May block.
    fn rotate(&self, now: Timestamp) -> Result<(), AuditError>;

    /// Refuses further lines, writes and checkpoints the rest. May block.
    fn close(&self, now: Timestamp) -> Result<(), AuditError>;

    /// The newest checkpoint that is on disk; None for devices that can't lose one.
    fn head(&self) -> Option<Head>;
}

/// Resolves when the line is in the kernel's hands or lost. Dropping it takes nothing back.
#[must_use = "the record counts only when this resolves"]
pub enum Ticket {
    Done,
    Wait(file::Wait),
    /// A thread of the sink's own tells.
    Sent(socket::Sent),
}

impl Future for Ticket {
    type Output = Result<(), AuditError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Done => Poll::Ready(Ok(())),
            Self::Wait(wait) => Pin::new(wait).poll(cx),
            Self::Sent(sent) => Pin::new(sent).poll(cx),
        }
    }
}
