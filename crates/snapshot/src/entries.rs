//! The records: written and read one after the other, with their digest along the way. Never more than one in memory.

use std::io::{Read, Write};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;

use crate::{Error, Head, Result};

/// Longest key, as the store takes it.
pub const KEY_BYTES_MAX: usize = 4096;
/// Largest value, as the store takes it.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
const FIXED_BYTES: usize = 14;

/// One record of the store; the value is sealed, but for those that the barrier needs before it can open anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: Bytes,
    pub revision: u64,
    pub value: Bytes,
}

/// What was written: goes into the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub entry_count: u64,
    pub content_bytes: u64,
    /// Hex.
    pub sha256: String,
}

struct Digest(Context, u64, u64);

impl Digest {
    fn new() -> Self {
        Self(Context::new(&SHA256), 0, 0)
    }

    fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
        self.1 = self.1.saturating_add(bytes.len() as u64);
    }

    fn finish(self) -> Tally {
        Tally { entry_count: self.2, content_bytes: self.1, sha256: hex::encode(self.0.finish()) }
    }
}

/// Writes records in the order in which they are given.
pub struct Writer<W> {
    to: W,
    digest: Digest,
}

impl<W: Write> Writer<W> {
    pub fn new(to: W) -> Self {
        Self { to, digest: Digest::new() }
    }

    /// Errors: `Damaged` for a record beyond the limits, `Io`.
    pub fn write(&mut self, key: &[u8], revision: u64, value: &[u8]) -> Result<()> {
        let too_long = Error::Damaged("a record is beyond the limits of the format");
        let (Ok(key_bytes), Ok(value_bytes)) = (u16::try_from(key.len()), u32::try_from(value.len())) else {
            return Err(too_long);
        };
        if key.is_empty() || key.len() > KEY_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
            return Err(too_long);
        }
        for part in [&key_bytes.to_be_bytes()[..], &value_bytes.to_be_bytes(), &revision.to_be_bytes(), key, value] {
            self.digest.add(part);
            self.to.write_all(part)?;
        }
        self.digest.2 = self.digest.2.saturating_add(1);
        Ok(())
    }

    pub fn finish(mut self) -> Result<(W, Tally)> {
        self.to.flush()?;
        Ok((self.to, self.digest.finish()))
    }
}

/// Reads the records behind a head. Ends with an error when they are not what the head says, so nothing may be done with
/// them before the end has come.
pub struct Entries<R> {
    from: R,
    digest: Option<Digest>,
    expected: Tally,
    revision_max: u64,
    last: Bytes,
}

impl<R: Read> Entries<R> {
    /// `from` stands behind the head.
    pub fn new(head: &Head, from: R) -> Self {
        let header = &head.header;
        let expected =
            Tally { entry_count: header.entry_count, content_bytes: header.content_bytes, sha256: header.sha256.clone() };
        Self { from, digest: Some(Digest::new()), expected, revision_max: header.revision, last: Bytes::new() }
    }

    fn read(&mut self) -> Result<Option<Entry>> {
        let Some(digest) = &mut self.digest else { return Ok(None) };
        if digest.1 >= self.expected.content_bytes {
            return self.end();
        }
        let mut fixed = [0u8; FIXED_BYTES];
        self.from.read_exact(&mut fixed)?;
        let [k0, k1, v0, v1, v2, v3, revision @ ..] = fixed;
        let key_bytes = usize::from(u16::from_be_bytes([k0, k1]));
        let value_bytes = usize::try_from(u32::from_be_bytes([v0, v1, v2, v3])).unwrap_or(usize::MAX);
        let revision = u64::from_be_bytes(revision);
        if key_bytes == 0 || key_bytes > KEY_BYTES_MAX || value_bytes > VALUE_BYTES_MAX {
            return Err(Error::Damaged("a record is beyond the limits of the format"));
        }
        let mut key = vec![0u8; key_bytes];
        self.from.read_exact(&mut key)?;
        let mut value = vec![0u8; value_bytes];
        self.from.read_exact(&mut value)?;
        for part in [&fixed[..], &key, &value] {
            digest.add(part);
        }
        digest.2 = digest.2.saturating_add(1);
        if key.as_slice() <= self.last.as_ref() {
            return Err(Error::Damaged("its records are not in order"));
        }
        if revision > self.revision_max {
            return Err(Error::Damaged("a record is newer than the snapshot"));
        }
        self.last = Bytes::from(key);
        Ok(Some(Entry { key: self.last.clone(), revision, value: Bytes::from(value) }))
    }

    fn end(&mut self) -> Result<Option<Entry>> {
        let Some(digest) = self.digest.take() else { return Ok(None) };
        let found = digest.finish();
        if found.content_bytes != self.expected.content_bytes || found.entry_count != self.expected.entry_count {
            return Err(Error::Damaged("its records are not as many as its header says"));
        }
        if found.sha256 != self.expected.sha256 {
            return Err(Error::Damaged("the digest of its records is not the one in its header"));
        }
        let mut more = [0u8; 1];
        if self.from.read(&mut more)? != 0 {
            return Err(Error::Damaged("there is more behind its last record"));
        }
        Ok(None)
    }
}

impl<R: Read> Iterator for Entries<R> {
    type Item = Result<Entry>;

    /// After an error there is nothing more.
    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.digest = None;
        }
        read.transpose()
    }
}
