//! The record of one key: its settings, the table of its versions, its custom metadata and, when it is not too large,
//! the value of the current version. Both engine versions write this one form, so that turning version 1 into 2 changes
//! nothing in the store. Reading the current value decodes the fixed head and one line of the table, no more.
//!
//! Layout, integers big-endian: head (see `Head`), lines of the table (oldest first, the last is the current version),
//! custom metadata as the JSON text of an object (empty when there is none), the current value (empty unless `Inline`).

mod draft;
mod wire;

pub use draft::{Draft, Numbered};

use strongroom_engine::{Error, Result};
use strongroom_types::Timestamp;

/// Versions that one key may keep. With this bound, removing a key and all its versions always fits into one batch of
/// the store (100 operations), and what the pipeline adds fits too.
pub const VERSIONS_MAX: u32 = 90;
/// Larger values are stored in a row of their own, so that a change of settings does not rewrite them.
pub const INLINE_BYTES_MAX: usize = 32 * 1024;

/// Settings of one key. Zero means the mount's setting.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct KeySettings {
    pub cas_required: bool,
    pub metadata_cas_required: bool,
    /// At most `VERSIONS_MAX`.
    pub max_versions: u32,
    /// Seconds after which a new version counts as deleted.
    pub delete_after_s: u64,
}

/// The fixed part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Random; together with stamp and version number it names the rows of this key.
    pub id: u64,
    pub created: Timestamp,
    /// Last write of a value or of metadata.
    pub updated: Timestamp,
    /// Number of the newest version; zero when no value was written yet.
    pub current: u64,
    /// Counts the writes of metadata.
    pub metadata_version: u64,
    pub settings: KeySettings,
}

/// Where a version's value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// At the end of the key's record: only ever the current version.
    Inline,
    /// In the row that was written at this time (nanoseconds since 1970).
    Row(u64),
    /// Destroyed for good.
    Gone,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version {
    pub created: Timestamp,
    /// From then on the version reads as deleted; None is never.
    pub deletion: Option<Timestamp>,
    pub place: Place,
}

impl Version {
    pub fn is_destroyed(&self) -> bool {
        self.place == Place::Gone
    }

    pub fn is_deleted(&self, now: Timestamp) -> bool {
        self.deletion.is_some_and(|at| at <= now)
    }

    /// The value may be shown.
    pub fn is_live(&self, now: Timestamp) -> bool {
        !self.is_destroyed() && !self.is_deleted(now)
    }
}

/// A record as it lies in the store; nothing is copied.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub head: Head,
    table: &'a [[u8; wire::LINE_BYTES]],
    /// JSON text of an object, or empty.
    pub custom: &'a str,
    /// The current version's value when its place is `Inline`.
    pub inline: &'a [u8],
}

impl<'a> Record<'a> {
    /// Errors: `Internal` when the bytes are no record; nothing of them is quoted.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        wire::parse(bytes).ok_or_else(|| Error::Internal("a key's record is not of the expected form".into()))
    }

    /// Number of the oldest version in the table; one more than `current` when there is none.
    fn first(&self) -> u64 {
        first_number(self.head.current, self.table.len())
    }

    /// The version with this number; zero asks for the current one.
    pub fn version(&self, number: u64) -> Option<(u64, Version)> {
        let number = if number == 0 { self.head.current } else { number };
        let index = usize::try_from(number.checked_sub(self.first())?).ok()?;
        Some((number, wire::line(self.table.get(index)?)?))
    }

    /// All kept versions, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = (u64, Version)> + use<'a> {
        (self.first()..).zip(self.table.iter().filter_map(wire::line))
    }

    /// What the contract calls `oldest_version`: zero as long as no version was dropped.
    pub fn oldest(&self) -> u64 {
        match self.first() {
            first if first > 1 && !self.table.is_empty() => first,
            _ => 0,
        }
    }
}

/// Versions are numbered without gaps up to the current one.
fn first_number(current: u64, count: usize) -> u64 {
    current.saturating_add(1).saturating_sub(count as u64)
}

#[cfg(test)]
mod tests;
