//! What a command leaves for its end beside its answer: notes for the person who typed it, and the request that it was asked to
//! show instead of sending. Must never hold a secret but in that request.

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::sync::Arc;

use strongroom_client::{Planned, Preview};

/// What hints call the program when it was called by no name.
pub(crate) const PROGRAM: &str = "strongroom";

/// How to show a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Show {
    Curl,
    Policy,
}

/// Filled by a command, read by `run_with`.
pub struct Aside {
    program: String,
    is_terminal: bool,
    notes: RefCell<Vec<String>>,
    show: Cell<Option<Show>>,
    preview: Arc<Preview>,
}

impl Default for Aside {
    fn default() -> Self {
        Self::new(PROGRAM, false)
    }
}

impl std::fmt::Debug for Aside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aside").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Aside {
    /// `program` is the name it was called by; notes are for terminals only.
    pub fn new(program: &str, is_terminal: bool) -> Self {
        Self {
            program: program.to_owned(),
            is_terminal,
            notes: RefCell::default(),
            show: Cell::new(None),
            preview: Arc::default(),
        }
    }

    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// `what` was an argument: shells keep those, and other users of the machine see them.
    pub(crate) fn note_visible(&self, what: &str) {
        let text = format!("the {what} is now in your shell's history; give - instead, and it is read from standard input");
        self.note(text);
    }

    /// The same for the value of a pair.
    pub(crate) fn note_visible_value(&self, key: &str) {
        self.note(format!(
            "the value of {key} is now in your shell's history; give {key}=- to read it from standard input, or {key}=@FILE"
        ));
    }

    /// Shown once at the end, to a person only.
    pub(crate) fn note(&self, text: String) {
        let mut notes = self.notes.borrow_mut();
        if self.is_terminal && !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// Shown at once on standard error, to a person only: what takes long is still at work.
    pub(crate) fn progress(&self, text: &str) {
        if self.is_terminal {
            // Progress that nobody can see is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    pub(crate) fn notes(&self) -> String {
        self.notes.take().into_iter().map(|note| format!("Note: {note}\n")).collect()
    }

    pub(crate) fn preview(&self, show: Show) -> Arc<Preview> {
        self.show.set(Some(show));
        self.preview.clone()
    }

    /// The request that was not sent, and how to show it.
    pub(crate) fn planned(&self) -> Option<(Show, Planned)> {
        Some((self.show.get()?, self.preview.take()?))
    }
}
