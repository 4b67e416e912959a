//! The wait for a line to reach the kernel. Whoever finds nobody writing writes for all; a wait that is dropped leaves
//! its line to the next leader or tick.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::queue::Batch;
use super::{Inner, lock};
use crate::AuditError;

/// Resolves with the outcome of the write that holds the line.
pub struct Wait {
    inner: Arc<Inner>,
    batch: Arc<Batch>,
    slot: Option<usize>,
    is_done: bool,
}

impl Wait {
    pub(super) fn new(inner: Arc<Inner>, batch: Arc<Batch>) -> Self {
        Self { inner, batch, slot: None, is_done: false }
    }
}

impl Future for Wait {
    type Output = Result<(), AuditError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut outcome = this.batch.register(&mut this.slot, cx.waker());
        // Registered first: a leader that stops now sees the waker.
        if outcome.is_none() && this.inner.queue.try_lead(&this.batch) {
            Inner::lead(&this.inner);
            outcome = this.batch.outcome();
        }
        match outcome {
            Some(outcome) => {
                this.is_done = true;
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let (false, Some(slot)) = (self.is_done, self.slot) {
            self.batch.forget(slot);
            self.inner.queue.nominate_again();
        }
    }
}

impl Inner {
    /// Writes what is queued, inline; in sync mode on a thread that may block.
    fn lead(this: &Arc<Self>) {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if this.is_sync => {
                let inner = this.clone();
                runtime.spawn_blocking(move || inner.write_once());
            }
            _ => this.write_once(),
        }
    }

    fn write_once(&self) {
        // The waiters learn the outcome from their batch.
        let _ = lock(&self.writer).flush(&self.queue, self.is_sync);
        self.queue.stop_leading();
    }
}
