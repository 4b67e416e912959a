//! Where and why a text could not be read. Messages name tokens and keys' places, never the value of anything: a
//! configuration text may hold credentials.

use std::borrow::Cow;

/// A place in the text: line and column from 1, columns in characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Position {
    pub const START: Self = Self { line: 1, column: 1 };
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Prints as `At line:column: message`, the wire contract's form.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("At {position}: {message}")]
pub struct ParseError {
    position: Position,
    message: Cow<'static, str>,
}

impl ParseError {
    /// A mistake at a place. The message is lower case, without full stop, and must not quote a value.
    pub fn new(position: Position, message: impl Into<Cow<'static, str>>) -> Self {
        Self { position, message: message.into() }
    }

    pub fn position(&self) -> Position {
        self.position
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}
