//! A record under change. The rules of the version table are here, pure; what happens to rows in the store is told in
//! the results, and `store.rs` does it.

use std::borrow::Cow;

use strongroom_types::Timestamp;

use super::{Head, KeySettings, Place, Record, VERSIONS_MAX, Version, first_number, wire};

/// A version with its number.
pub type Numbered = (u64, Version);

#[derive(Clone)]
pub struct Draft<'a> {
    pub head: Head,
    /// Oldest first; the last is `head.current`. At most `VERSIONS_MAX`.
    pub versions: Vec<Version>,
    /// JSON text of an object, or empty.
    pub custom: Cow<'a, str>,
    /// The current version's value when its place is `Inline`, else empty.
    pub inline: &'a [u8],
}

impl<'a> Draft<'a> {
    pub fn new(id: u64, now: Timestamp) -> Self {
        let settings = KeySettings::default();
        let head = Head { id, created: now, updated: now, current: 0, metadata_version: 0, settings };
        Self { head, versions: Vec::new(), custom: Cow::Borrowed(""), inline: &[] }
    }

    pub fn of(record: &Record<'a>) -> Self {
        let versions = record.versions().map(|(_, version)| version).collect();
        Self { head: record.head, versions, custom: Cow::Borrowed(record.custom), inline: record.inline }
    }

    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub fn current(&self) -> Option<Numbered> {
        self.versions.last().map(|version| (self.head.current, *version))
    }

    fn version_mut(&mut self, number: u64) -> Option<&mut Version> {
        let index = number.checked_sub(first_number(self.head.current, self.versions.len()))?;
        self.versions.get_mut(usize::try_from(index).ok()?)
    }

    /// Adds a version and drops the oldest beyond `keep` (at least one is kept). Returns what was dropped.
    /// The former current version must not be `Inline` any more if it stays: see `displace`.
    pub fn push(&mut self, version: Version, keep: u32) -> Vec<Numbered> {
        let first = first_number(self.head.current, self.versions.len());
        self.versions.push(version);
        self.head.current = self.head.current.saturating_add(1);
        self.head.updated = version.created;
        let keep = usize::try_from(keep.clamp(1, VERSIONS_MAX)).unwrap_or(1);
        let excess = self.versions.len().saturating_sub(keep);
        (first..).zip(self.versions.drain(..excess)).collect()
    }

    /// Turns an inline current value into a row with this stamp. Returns the version and its value for the row.
    pub fn displace(&mut self, stamp: u64) -> Option<(Numbered, &'a [u8])> {
        let version = self.versions.last_mut().filter(|version| version.place == Place::Inline)?;
        version.place = Place::Row(stamp);
        Some(((self.head.current, *version), std::mem::take(&mut self.inline)))
    }

    /// Marks a version as deleted now, unless it is destroyed or deleted already. True when something changed.
    pub fn delete(&mut self, number: u64, now: Timestamp) -> bool {
        let Some(version) = self.version_mut(number).filter(|version| version.is_live(now)) else { return false };
        version.deletion = Some(now);
        true
    }

    /// Takes a deletion back, also one that lies ahead. True when something changed.
    pub fn undelete(&mut self, number: u64) -> bool {
        let Some(version) = self.version_mut(number).filter(|version| !version.is_destroyed()) else { return false };
        version.deletion.take().is_some()
    }

    /// Removes a version's value for good. Returns the version as it was, None when there is nothing to destroy.
    pub fn destroy(&mut self, number: u64) -> Option<Numbered> {
        let version = self.version_mut(number).filter(|version| !version.is_destroyed())?;
        let before = *version;
        version.place = Place::Gone;
        if before.place == Place::Inline {
            self.inline = &[];
        }
        Some((number, before))
    }
}
