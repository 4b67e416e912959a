//! Damaged records: listed in memory, kept in a table as they were found. A damaged record stays where it is, so that
//! reading it goes on failing instead of showing nothing; a put to its key heals it.

use std::collections::HashMap;

use bytes::Bytes;
use rusqlite::Connection;

use crate::Result;

use super::sqlite::Doing;

/// Most keys listed (and copied) between open and close; beyond that the damage is the disk's, not a record's.
const LISTED_MAX: usize = 10_000;

/// What a reader found.
pub(super) struct Damaged {
    pub key: Bytes,
    pub reason: &'static str,
    /// Tells this damage from an earlier one of the same key.
    fingerprint: i64,
}

impl Damaged {
    pub(super) fn new(key: &[u8], reason: &'static str, fingerprint: i64) -> Self {
        Self { key: Bytes::copy_from_slice(key), reason, fingerprint }
    }
}

#[derive(Default)]
pub(super) struct Quarantine {
    listed: Vec<(Bytes, &'static str)>,
    newest: HashMap<Bytes, i64>,
}

impl Quarantine {
    /// True when this damage is news.
    pub(super) fn note(&mut self, damaged: &Damaged) -> bool {
        match self.newest.get_mut(&damaged.key) {
            Some(known) if *known == damaged.fingerprint => false,
            Some(known) => {
                *known = damaged.fingerprint;
                true
            }
            None if self.listed.len() >= LISTED_MAX => false,
            None => {
                self.listed.push((damaged.key.clone(), damaged.reason));
                self.newest.insert(damaged.key.clone(), damaged.fingerprint);
                true
            }
        }
    }

    pub(super) fn listed(&self) -> Vec<(Bytes, String)> {
        self.listed.iter().map(|(key, reason)| (key.clone(), (*reason).to_owned())).collect()
    }
}

/// Copies the raw records into the table, each state of a record once.
pub(super) fn keep(db: &Connection, damaged: &[Damaged]) -> Result<()> {
    let doing = "keeping damaged records";
    let tx = db.unchecked_transaction().doing(doing)?;
    for Damaged { key, reason, .. } in damaged {
        tx.prepare_cached(
            "INSERT INTO quarantine (key, rev, crc, value, reason)
             SELECT r.key, r.rev, r.crc, r.value, ?2 FROM record r WHERE r.key = ?1 AND NOT EXISTS (
                SELECT 1 FROM quarantine q WHERE q.key = r.key AND q.rev IS r.rev AND q.crc IS r.crc AND q.value IS r.value)",
        )
        .and_then(|mut insert| insert.execute((key.as_ref(), reason)))
        .doing(doing)?;
    }
    tx.commit().doing(doing)
}
