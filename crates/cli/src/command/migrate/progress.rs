//! One line on a terminal that says how far it is. Nothing where nobody looks.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(200);

pub(super) struct Progress {
    is_shown: bool,
    step: String,
    keys: u64,
    last: Option<Instant>,
}

impl Progress {
    pub(super) fn on_terminal() -> Self {
        Self { is_shown: std::io::stderr().is_terminal(), step: String::new(), keys: 0, last: None }
    }

    pub(super) fn step(&mut self, name: &str) {
        (self.step, self.keys, self.last) = (name.to_owned(), 0, None);
        self.show();
    }

    pub(super) fn keys(&mut self, more: u64) {
        self.keys = self.keys.saturating_add(more);
        self.show();
    }

    /// Takes the line away.
    pub(super) fn end(&mut self) {
        self.print("\r\x1b[K");
    }

    fn show(&mut self) {
        let now = Instant::now();
        if self.last.is_some_and(|last| now.duration_since(last) < PERIOD) {
            return;
        }
        self.last = Some(now);
        let count = if self.keys == 0 { String::new() } else { format!(": {} secrets", self.keys) };
        let line = format!("\r\x1b[Kmigrating {}{count}", self.step);
        self.print(&line);
    }

    fn print(&self, text: &str) {
        if self.is_shown {
            let mut err = std::io::stderr();
            // Whoever does not see it misses nothing.
            let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        }
    }
}
