//! Where a stream of lines ends up: written at once, or queued for a thread.

use std::io::Write;

use super::Ticket;
use crate::AuditError;

/// Takes whole lines, in order.
pub(crate) trait Out: Send {
    /// `line` ends with its newline. On an error nothing of it counts, and its sequence number is given to another line.
    fn put(&mut self, line: Vec<u8>) -> Result<Ticket, AuditError>;
}

/// Writes at once.
pub(super) struct Inline {
    to: Box<dyn Write + Send>,
    /// A failed write may have left half a line.
    is_torn: bool,
}

impl Inline {
    pub(super) fn new(to: Box<dyn Write + Send>) -> Self {
        Self { to, is_torn: false }
    }
}

impl Out for Inline {
    fn put(&mut self, mut line: Vec<u8>) -> Result<Ticket, AuditError> {
        if self.is_torn {
            line.insert(0, b'\n');
        }
        let written = self.to.write_all(&line).and_then(|()| self.to.flush());
        self.is_torn = written.is_err();
        written.map(|()| Ticket::Done).map_err(AuditError::io("writing", "audit lines".as_ref()))
    }
}
