//! What the barrier may answer: a closed set of texts, none of which carries a value or a key. A failed decryption has
//! one text whatever the reason (security.md A.7, decrypt oracles).

use bytes::Bytes;
use strongroom_storage as storage;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    // the caller
    /// The text of the wire contract for an unseal share that can't be one.
    #[error("{0}")]
    InvalidShare(&'static str),
    /// Enough shares were given, but they do not fit together. Progress starts again.
    #[error("invalid key: failed to compute combined key: {0}")]
    InvalidShares(&'static str),
    /// Shares and threshold that no key can be split into.
    #[error("{0}")]
    InvalidShape(&'static str),
    /// Enough shares were given, but they are not the ones of this store. Progress starts again.
    #[error(
        "unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed"
    )]
    InvalidKey,
    /// A sealed message that this keyring did not make for this purpose, or that was changed.
    #[error("the sealed message is not valid")]
    InvalidMessage,
    /// Another commit came first: run the transaction again.
    #[error("the store changed meanwhile")]
    Conflict,
    /// What is wrong with a snapshot; never a value.
    #[error("{0}")]
    Snapshot(String),
    #[error("the snapshot was made under other keys than this server's, or was changed after it was made")]
    ForeignSnapshot,
    #[error("this kind of storage makes no snapshots: use its own backup")]
    NoSnapshots,
    #[error("the barrier is sealed")]
    Sealed,
    #[error("the barrier is not initialised")]
    NotInitialised,
    #[error("the barrier is already initialised")]
    AlreadyInitialised,

    // the operator
    /// This one record is damaged or was moved here from elsewhere; the others are not.
    #[error("record `{}` is damaged", .key.escape_ascii())]
    Corrupt { key: Bytes },
    #[error(transparent)]
    Storage(storage::Error),
    /// The change feed of a shared store is interrupted, so nothing newer than the cache can be ruled out.
    #[error("this node can't follow the store")]
    Behind,
    /// The keyring holds as many terms as it can.
    #[error("the keyring holds no further term")]
    KeyringFull,

    // ours
    /// The barrier's own records are written by the barrier alone.
    #[error("record `{}` belongs to the barrier", .key.escape_ascii())]
    Reserved { key: Bytes },
    /// A cryptographic operation that can't fail did.
    #[error("cryptographic failure while {0}")]
    Crypto(&'static str),
}

impl Error {
    /// The limit that a caller's values passed, if that is what went wrong: nothing was changed then.
    pub fn too_large(&self) -> Option<&'static str> {
        match self {
            Self::Storage(storage::Error::TooLarge(limit)) => Some(limit),
            _ => None,
        }
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Conflict => Self::Conflict,
            storage::Error::Corrupt { key, .. } => Self::Corrupt { key },
            other => Self::Storage(other),
        }
    }
}
