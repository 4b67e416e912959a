//! What can go wrong in a store, by who must act.

use bytes::Bytes;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A precondition of the batch did not hold: read again and retry.
    #[error("the store changed meanwhile")]
    Conflict,
    /// Beyond a named limit of `batch.rs`.
    #[error("{0}")]
    TooLarge(&'static str),
    /// One record is damaged; the others are not.
    #[error("record `{}` is damaged: {reason}", display_key(.key))]
    Corrupt { key: Bytes, reason: String },
    /// The operator must look: the folder is locked, the disk is full, the format is of another version.
    #[error("store: {0}")]
    Operator(String),
    /// The store can't be reached or is closing.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

/// A key as it may stand in a log: printable bytes as they are, others as `\xNN`.
pub fn display_key(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}
