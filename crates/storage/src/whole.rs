//! The store as one: read whole at one revision, or replaced whole in one atomic step. What backup and restore stand on.

use std::io::{Read, Seek, Write};

use bytes::Bytes;
use strongroom_types::BoxFuture;

use crate::{Record, Result, Revision};

/// Room for something large beside the data. It has no name, is nobody else's, and is gone when it is dropped or the
/// process ends.
pub trait Scratch: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Scratch for T {}

/// Records in key order. An error ends them, and whatever was begun with them.
pub type Contents = Box<dyn Iterator<Item = Result<(Bytes, Record)>> + Send>;

/// What a store is to hold instead.
pub struct Replacement {
    /// Each with the revision at which it was written.
    pub contents: Contents,
    /// Newest revision of the contents.
    pub revision: Revision,
    /// Keys that start with one of these stay as they are in the store; contents below them are left out.
    pub keeps: Vec<&'static [u8]>,
    /// Written along.
    pub puts: Vec<(Bytes, Bytes)>,
}

impl Replacement {
    pub(crate) fn is_kept(keeps: &[&'static [u8]], key: &[u8]) -> bool {
        keeps.iter().any(|prefix| key.starts_with(prefix))
    }
}

/// What a store that can be read and replaced whole offers besides.
pub trait Whole: Send + Sync {
    /// Calls `each` with every record at one revision, in key order, and answers that revision. Commits go on meanwhile.
    /// Blocks. Errors: `Corrupt` for a damaged record, or what `each` says: it is not called again then.
    fn read_all(&self, each: &mut dyn FnMut(&[u8], &Record) -> Result<()>) -> Result<Revision>;

    /// Replaces all records, durably and all or nothing: a crash leaves the old ones or the new ones. The new head is above
    /// the old one and that of the contents. Listeners are told `replaced`, watchers are ended. Handed over by the call
    /// itself, after all commits before it. Errors: nothing was changed; after `Unavailable` the outcome is unknown.
    fn replace_all(&self, with: Replacement) -> BoxFuture<'static, Result<Revision>>;

    /// Empty room on the same disk. Blocks.
    fn scratch(&self) -> Result<Box<dyn Scratch>>;
}
