//! The three ways to read. All start at a smallest key and walk the one index until they have enough.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::{quarantine::Damaged, row, sqlite::Doing};
use crate::{
    Record, Result,
    order::{child, list_start, past_child, scan_start},
};

/// Rows of one folder that are walked over before seeking past it: a seek costs about as much as this many steps.
const STEPS_BEFORE_SEEK: usize = 12;

/// A page of records, and the damaged ones left out of it.
#[derive(Default)]
pub(super) struct Page {
    pub records: Vec<(Bytes, Record)>,
    pub damaged: Vec<Damaged>,
}

pub(super) fn record(db: &Connection, key: &[u8]) -> Result<Option<std::result::Result<Record, Damaged>>> {
    db.prepare_cached("SELECT rev, crc, value FROM record WHERE key = ?1")
        .and_then(|mut select| select.query_row([key], |found| row::read(key, found, 0)).optional())
        .doing("reading a record")
}

pub(super) fn scan(db: &Connection, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Page> {
    scan_rows(db, prefix, after, limit).doing("scanning records")
}

fn scan_rows(db: &Connection, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> rusqlite::Result<Page> {
    let mut page = Page::default();
    let mut select = db.prepare_cached("SELECT key, rev, crc, value FROM record WHERE key >= ?1 ORDER BY key")?;
    let mut rows = select.query([scan_start(prefix, after)])?;
    while page.records.len() < limit
        && let Some(found) = rows.next()?
    {
        let key = found.get_ref(0)?.as_blob()?;
        if !key.starts_with(prefix) {
            break;
        }
        match row::read(key, found, 1)? {
            Ok(record) => page.records.push((Bytes::copy_from_slice(key), record)),
            Err(damaged) => page.damaged.push(damaged),
        }
    }
    Ok(page)
}

pub(super) fn list(db: &Connection, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Bytes>> {
    list_names(db, prefix, after, limit).doing("listing names")
}

fn list_names(db: &Connection, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> rusqlite::Result<Vec<Bytes>> {
    // one snapshot over all seeks
    let snapshot = db.unchecked_transaction()?;
    let mut names = Vec::new();
    let mut from = Some(list_start(prefix, after));
    while names.len() < limit
        && let Some(start) = from
    {
        from = walk(&snapshot, &start, prefix, after, limit, &mut names)?;
    }
    Ok(names)
}

/// Adds names from `start` on until there are `limit`, none is left, or one folder goes on for long: then it answers
/// where to seek.
fn walk(
    db: &Connection,
    start: &[u8],
    prefix: &[u8],
    after: Option<&[u8]>,
    limit: usize,
    names: &mut Vec<Bytes>,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut select = db.prepare_cached("SELECT key FROM record WHERE key >= ?1 ORDER BY key")?;
    let mut rows = select.query([start])?;
    let mut steps = 0usize;
    while names.len() < limit
        && let Some(found) = rows.next()?
    {
        let Some(rest) = found.get_ref(0)?.as_blob()?.strip_prefix(prefix) else { return Ok(None) };
        let name = child(rest);
        // names come in order: one that is not after the last is the same folder still
        if names.last().map(Bytes::as_ref).or(after).is_none_or(|last| name > last) {
            names.push(Bytes::copy_from_slice(name));
            steps = 0;
            continue;
        }
        steps = steps.saturating_add(1);
        if steps >= STEPS_BEFORE_SEEK {
            return Ok(Some(past_child(prefix, name)));
        }
    }
    Ok(None)
}
