//! Many batches as one transaction: each is judged in queue order against what the ones before it leave behind, then every
//! key that changed is written once, in key order. Does not begin or end the transaction.

use std::{
    collections::BTreeMap,
    ops::Bound::{Included, Unbounded},
};

use bytes::Bytes;
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::{Shared, known::Known, queue::Job, row::record_crc, schema, sqlite::Doing};
use crate::{Change, Error, Result, Revision};

/// What the accepted batches of a group leave behind: for each key its newest change.
#[derive(Default)]
struct Pending<'a>(BTreeMap<&'a [u8], &'a Change>);

/// One verdict for each job, and the revision of the last one accepted.
pub(super) struct Verdicts {
    pub each: Vec<Result<Revision>>,
    pub head: Option<Revision>,
}

/// Judges and writes a group. Errors: what failed while writing; then nothing of the group may be committed.
pub(super) fn apply(db: &Connection, shared: &Shared, known: &mut Known, jobs: &[Job]) -> Result<Verdicts> {
    let mut pending = Pending::default();
    let mut verdicts = Verdicts { each: Vec::with_capacity(jobs.len()), head: None };
    let mut select = db.prepare_cached("SELECT rev FROM record WHERE key = ?1").doing("preparing a commit")?;
    for job in jobs {
        let verdict = judge(job, &pending, &mut select, known, shared).map(|()| job.revision);
        if verdict.is_ok() {
            pending.0.extend(job.changes.iter().map(|change| (change.key.as_ref(), change)));
            verdicts.head = Some(job.revision);
        }
        verdicts.each.push(verdict);
    }
    if let Some(head) = verdicts.head {
        pending.write(db).doing("writing records")?;
        schema::save_head(db, head)?;
    }
    Ok(verdicts)
}

/// Errors: `Conflict`, or what kept it from looking; that is this batch's failure alone.
fn judge(job: &Job, pending: &Pending<'_>, select: &mut CachedStatement<'_>, known: &mut Known, shared: &Shared) -> Result<()> {
    for precondition in &job.preconditions {
        let at = |key: &Bytes| match pending.0.get(key.as_ref()) {
            Some(change) => Ok(change.value.as_ref().map(|_| change.revision)),
            None => known.revision(key, || revision_on_disk(select, key)),
        };
        let unchanged = |prefix: &[u8], since: Revision| {
            pending.unchanged_since(prefix, since) && shared.history().unchanged_since(prefix, since)
        };
        if !precondition.holds(at, unchanged)? {
            return Err(Error::Conflict);
        }
    }
    Ok(())
}

fn revision_on_disk(select: &mut CachedStatement<'_>, key: &[u8]) -> Result<Option<Revision>> {
    let revision = select.query_row([key], |row| row.get::<_, i64>(0)).optional().doing("reading a record's revision")?;
    Ok(revision.map(|revision| Revision(revision.cast_unsigned())))
}

impl Pending<'_> {
    fn unchanged_since(&self, prefix: &[u8], since: Revision) -> bool {
        let from = self.0.range::<[u8], _>((Included(prefix), Unbounded));
        !from.take_while(|(key, _)| key.starts_with(prefix)).any(|(_, change)| change.revision > since)
    }

    fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        let mut put = db.prepare_cached("REPLACE INTO record (key, rev, crc, value) VALUES (?1, ?2, ?3, ?4)")?;
        let mut delete = db.prepare_cached("DELETE FROM record WHERE key = ?1")?;
        for (key, change) in &self.0 {
            match &change.value {
                Some(value) => {
                    let crc = record_crc(key, change.revision, value);
                    put.execute((key, change.revision.0.cast_signed(), crc, value.as_ref()))?;
                }
                None => {
                    delete.execute([key])?;
                }
            }
        }
        Ok(())
    }
}
