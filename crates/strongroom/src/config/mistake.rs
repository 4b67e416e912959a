//! What is wrong with a configuration: file, line, key and the rule that was broken. Never a value: it may be a secret
//! that slipped into the wrong key.

use std::path::{Path, PathBuf};

use strongroom_hcl::{ParseError, Position};

pub type Result<T> = std::result::Result<T, Mistake>;

/// Prints as `FILE:LINE: KEY: RULE`. JSON keeps no places, so its lines are 1 unless the text itself is broken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}:{line}: {key}: {rule}", .file.display())]
pub struct Mistake {
    pub file: PathBuf,
    pub line: u32,
    /// With the stanza before it, such as `listener "tcp": address`.
    pub key: String,
    /// Lower case, without full stop.
    pub rule: String,
}

impl Mistake {
    pub fn new(file: &Path, position: Position, key: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: position.line, key: key.into(), rule: rule.into() }
    }

    /// A text that is neither HCL nor JSON, or breaks a rule that the reader checks.
    pub fn unreadable(file: &Path, error: &ParseError) -> Self {
        Self::new(file, error.position(), "syntax", error.message().to_owned())
    }

    /// A file or folder that can't be read, or a rule about all files together.
    pub fn of_file(file: &Path, rule: impl Into<String>) -> Self {
        Self::new(file, Position::START, "file", rule)
    }
}
