//! Why a cache has no value to give. Must never carry a value.

use crate::backend::{BackendError, FailureKind};

/// Errors of [`SecretCache`](super::SecretCache). The same one reaches all who waited for the same fetch.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// What the last fetch said. Further reads get it too until the next fetch is due.
    #[error("no usable value")]
    Backend(#[source] BackendError),
    /// So many fetches failed that none is sent at the moment.
    #[error("no usable value, and the breaker is open: the backend failed too often")]
    BreakerOpen,
    #[error("the cache holds its maximum of {entries_max} keys")]
    Full { entries_max: usize },
    #[error("no value within the given time")]
    TimedOut,
}

impl CacheError {
    /// The backend's verdict; None when it was not asked.
    pub fn kind(&self) -> Option<FailureKind> {
        match self {
            Self::Backend(error) => Some(error.kind()),
            _ => None,
        }
    }

    /// True when trying again later can help without anybody's doing.
    pub fn is_transient(&self) -> bool {
        !matches!(self.kind(), Some(FailureKind::Missing | FailureKind::Refused | FailureKind::Invalid))
    }
}
