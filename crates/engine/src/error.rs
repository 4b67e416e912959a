//! What a handler may answer instead of an output: a closed set, grouped by who must act. The texts are the wire
//! contract's; none of them carries a value that a caller sent as a secret.

use strongroom_barrier as barrier;

use crate::Output;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's mistake: 400 with this text.
    #[error("{0}")]
    Invalid(String),
    /// As `Invalid`, printed in the list form that some endpoints of the contract use.
    #[error("{0}")]
    InvalidListed(String),
    /// 400 with this text: wrong credentials. Only this counts towards locking the name that `Route::login` gave; a
    /// handler answers it for unknown names too, after the same work.
    #[error("{0}")]
    BadLogin(&'static str),
    /// 403 with the text of a refusal by policy.
    #[error("permission denied")]
    Denied,
    /// 403 without the list form: no or no live token, or a token that the handler was asked about.
    #[error("{0}")]
    BadToken(&'static str),
    /// 403 with a text of its own, without the list form.
    #[error("{0}")]
    Forbidden(String),
    /// 404 with an empty list of errors.
    #[error("not found")]
    NotFound,
    /// 404 with an empty body.
    #[error("not found")]
    NotFoundBare,
    /// 404 with a text in the list form.
    #[error("{0}")]
    NotFoundListed(String),
    /// 404 with a text.
    #[error("{0}")]
    NotFoundText(&'static str),
    /// Another status than the operation's usual one, with a full output, such as a deleted secret's metadata.
    #[error("answered with its own status")]
    With(u16, Box<Output>),
    /// 404: no mount holds the path.
    #[error("no handler for route {0:?}. route entry not found.")]
    NoHandler(String),
    /// 404: the mount has no such path.
    #[error("unsupported path")]
    UnsupportedPath,
    /// 405: the path does not serve this operation.
    #[error("unsupported operation")]
    UnsupportedOperation,
    /// 405 without the list form: this listener does not serve it.
    #[error("unsupported operation")]
    NotServedHere,
    /// 415.
    #[error("{0}")]
    MediaType(String),
    /// 503 with Retry-After: overloaded, or the store can't be reached.
    #[error("{0}")]
    Unavailable(String),
    /// 500. The detail goes to the server log only; the caller sees `internal error`.
    #[error("{0}")]
    Internal(String),
    /// The store or the keys. `Conflict` makes the pipeline run the handler again.
    #[error(transparent)]
    Barrier(#[from] barrier::Error),
}

impl Error {
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// An entry that no longer opens: it was damaged or changed outside.
    pub fn is_damaged_entry(&self) -> bool {
        matches!(self, Self::Barrier(barrier::Error::Corrupt { .. }))
    }

    /// HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) | Self::InvalidListed(_) | Self::BadLogin(_) => 400,
            Self::Denied | Self::BadToken(_) | Self::Forbidden(_) => 403,
            Self::NotFound | Self::NotFoundBare | Self::NotFoundListed(_) => 404,
            Self::NotFoundText(_) | Self::NoHandler(_) | Self::UnsupportedPath => 404,
            Self::With(status, _) => *status,
            Self::UnsupportedOperation | Self::NotServedHere => 405,
            Self::MediaType(_) => 415,
            Self::Unavailable(_) => 503,
            Self::Barrier(e) if e.too_large().is_some() => 400,
            Self::Barrier(barrier::Error::Sealed) => 503,
            Self::Barrier(barrier::Error::Conflict) => 503,
            Self::Internal(_) | Self::Barrier(_) => 500,
        }
    }

    /// The text a caller sees; None where the list of errors is empty. Details of the store stay inside.
    pub fn public_text(&self) -> Option<String> {
        match self {
            Self::NotFound | Self::NotFoundBare | Self::With(..) => None,
            Self::InvalidListed(_)
            | Self::Denied
            | Self::NotFoundListed(_)
            | Self::UnsupportedPath
            | Self::UnsupportedOperation => Some(format!("1 error occurred:\n\t* {self}\n\n")),
            Self::Internal(_) => Some("internal error".into()),
            Self::Barrier(e) if e.too_large().is_some() => e.too_large().map(|limit| format!("entry is too large: {limit}")),
            Self::Barrier(barrier::Error::Sealed) => Some("Vault is sealed".into()),
            Self::Barrier(barrier::Error::Conflict) => Some("too many concurrent changes to the same entry, try again".into()),
            Self::Barrier(_) => Some("internal error: the entry could not be read or written".into()),
            other => Some(other.to_string()),
        }
    }
}
