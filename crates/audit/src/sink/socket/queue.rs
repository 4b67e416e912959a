//! Lines that wait for the peer, bounded in bytes. While the peer is gone they stay here, but whoever waits for one is told at
//! once that it was not sent: a record in this process's memory is not recorded.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Sent, Transport};
use crate::AuditError;
use crate::sink::Ticket;
use crate::sink::file::lock;
use crate::sink::out::Out;

/// What an IPv4 datagram can carry.
pub(super) const DATAGRAM_BYTES_MAX: usize = 65_507;

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    bytes_max: usize,
    line_bytes_max: usize,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Waiting>,
    /// Of all lines, and of the one that is being sent.
    bytes: usize,
    /// Why the peer can't be reached at the moment.
    trouble: Option<AuditError>,
    is_closing: bool,
    has_ended: bool,
    /// Said once in the server's log, until there is room again.
    has_refused: bool,
}

/// A line and who waits for it.
pub(super) struct Waiting {
    pub(super) line: Vec<u8>,
    tell: Option<oneshot::Sender<Result<(), AuditError>>>,
}

impl Waiting {
    fn tell(&mut self, outcome: Result<(), AuditError>) {
        if let Some(tell) = self.tell.take() {
            let _ = tell.send(outcome); // nobody waits when another device took the record
        }
    }
}

impl Queue {
    pub(super) fn new(bytes_max: usize, transport: Transport) -> Self {
        let line_bytes_max = if transport == Transport::Udp { DATAGRAM_BYTES_MAX } else { usize::MAX };
        Self { state: Mutex::default(), changed: Condvar::new(), bytes_max, line_bytes_max }
    }

    fn put(&self, line: Vec<u8>) -> Result<Ticket, AuditError> {
        let bytes = line.len().saturating_sub(1); // the newline is not sent in a datagram
        if bytes > self.line_bytes_max {
            tracing::error!(bytes, "an audit record does not fit into a datagram and was not sent");
            return Err(AuditError::Datagram { bytes });
        }
        let mut state = lock(&self.state);
        let (full, closed) = (state.bytes.saturating_add(line.len()) > self.bytes_max, state.is_closing && state.has_ended);
        if closed {
            return Err(AuditError::Closed);
        }
        if full {
            if !std::mem::replace(&mut state.has_refused, true) {
                tracing::error!("the buffer of an audit socket is full: records are not sent");
            }
            return Err(AuditError::Full);
        }
        let (tell, told) = oneshot::channel();
        state.bytes = state.bytes.saturating_add(line.len());
        let mut waiting = Waiting { line, tell: Some(tell) };
        if let Some(trouble) = &state.trouble {
            waiting.tell(Err(trouble.clone()));
        }
        state.lines.push_back(waiting);
        self.changed.notify_all();
        Ok(Ticket::Sent(Sent(told)))
    }

    /// Waits for a line; it still counts as queued until `sent` or `failed`. None: closing, and nothing is left.
    pub(super) fn take(&self) -> Option<Waiting> {
        let mut state = lock(&self.state);
        loop {
            if let Some(waiting) = state.lines.pop_front() {
                return Some(waiting);
            }
            if state.is_closing {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    pub(super) fn sent(&self, mut waiting: Waiting) {
        let mut state = lock(&self.state);
        state.bytes = state.bytes.saturating_sub(waiting.line.len());
        state.has_refused = false;
        drop(state);
        waiting.tell(Ok(()));
    }

    /// Puts a line back to the front.
    pub(super) fn put_back(&self, waiting: Waiting) {
        lock(&self.state).lines.push_front(waiting);
    }

    /// The peer is not there: all who wait are told, the lines stay.
    pub(super) fn failed(&self, trouble: &AuditError) {
        let mut state = lock(&self.state);
        state.lines.iter_mut().for_each(|waiting| waiting.tell(Err(trouble.clone())));
        if state.trouble.replace(trouble.clone()).is_none() {
            tracing::error!(error = %trouble, "an audit socket's peer is gone");
        }
    }

    pub(super) fn connected(&self) {
        if lock(&self.state).trouble.take().is_some() {
            tracing::info!("an audit socket's peer is back");
        }
    }

    /// Sleeps, or less when the queue closes. True: it is closing.
    pub(super) fn pause(&self, time: Duration) -> bool {
        self.wait_until(time, |state| state.is_closing).is_closing
    }

    fn wait_until(&self, time: Duration, is_it: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let start = Instant::now();
        let mut state = lock(&self.state);
        loop {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() || is_it(&state) {
                return state;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }

    pub(super) fn close(&self) {
        lock(&self.state).is_closing = true;
        self.changed.notify_all();
    }

    /// The thread is gone; nothing is sent any more.
    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        state.is_closing = true;
        state.has_ended = true;
        state.lines.iter_mut().for_each(|waiting| waiting.tell(Err(AuditError::Closed)));
        self.changed.notify_all();
    }

    /// Closes and waits for what is queued. Errors: why some of it was not sent; then the server's log says how much.
    pub(super) fn drain(&self, time: Duration) -> Result<(), AuditError> {
        self.close();
        let state = self.wait_until(time, |state| state.has_ended);
        if state.bytes == 0 {
            return Ok(());
        }
        tracing::error!(lines = state.lines.len(), "audit lines could not be sent before the socket was closed");
        Err(state.trouble.clone().unwrap_or(AuditError::Closed))
    }
}

/// The queue as a stream's end.
pub(super) struct QueueOut(pub(super) Arc<Queue>);

impl Out for QueueOut {
    fn put(&mut self, line: Vec<u8>) -> Result<Ticket, AuditError> {
        self.0.put(line)
    }
}
