//! What SQLite's failures mean to us, by who must act. Texts name what was being done, never a value.

use rusqlite::ErrorCode;

use crate::{Error, Result};

pub(super) trait Doing<T> {
    /// Says what was being done when it failed.
    fn doing(self, what: &str) -> Result<T>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Error::Unavailable(format!("{what}: another program holds the database"))
            }
            Some(ErrorCode::DiskFull) => Error::Operator(format!("{what}: the disk or the size limit of the store is full")),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Error::Operator(format!("{what}: the database file is damaged ({error}): restore a backup"))
            }
            _ => Error::Operator(format!("{what}: {error}")),
        })
    }
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|error| Error::Operator(format!("{what}: {error}")))
    }
}
