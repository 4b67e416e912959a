//! One row of the table `record`: its checksum, and what makes it damaged. The checksum finds accidents; forgery is found
//! by the barrier above, which authenticates every value.

use bytes::Bytes;
use rusqlite::{Row, types::ValueRef};

use super::quarantine::Damaged;
use crate::{Record, Revision};

/// Checksum over key, revision and value, as it is stored.
pub(super) fn record_crc(key: &[u8], revision: Revision, value: &[u8]) -> i64 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&revision.0.to_le_bytes());
    crc.update(key);
    crc.update(value);
    i64::from(crc.finalize())
}

/// Checksum of a row of the table `number`.
pub(super) fn number_crc(name: &str, value: u64) -> i64 {
    record_crc(name.as_bytes(), Revision(value), b"")
}

/// Reads `rev, crc, value` from the columns that start at `first`.
pub(super) fn read(key: &[u8], row: &Row<'_>, first: usize) -> rusqlite::Result<Result<Record, Damaged>> {
    let columns = (row.get_ref(first)?, row.get_ref(first.saturating_add(1))?, row.get_ref(first.saturating_add(2))?);
    let (ValueRef::Integer(revision), ValueRef::Integer(crc), ValueRef::Blob(value)) = columns else {
        return Ok(Err(Damaged::new(key, "a column has another type", 0)));
    };
    let revision = Revision(revision.cast_unsigned());
    let expected = record_crc(key, revision, value);
    if crc != expected {
        return Ok(Err(Damaged::new(key, "its checksum does not match", crc.rotate_left(32) ^ expected)));
    }
    Ok(Ok(Record { value: Bytes::copy_from_slice(value), revision }))
}
