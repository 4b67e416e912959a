//! The whole store: read in one transaction of a connection of its own, replaced in one transaction of the writer.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use rusqlite::Connection;
use strongroom_types::BoxFuture;

use super::{
    EmbeddedStore,
    folder::Place,
    row::{self, record_crc},
    schema,
    sqlite::Doing,
};
use crate::{Error, Record, Replacement, Result, Revision, Scratch, Whole};

impl Whole for EmbeddedStore {
    fn read_all(&self, each: &mut dyn FnMut(&[u8], &Record) -> Result<()>) -> Result<Revision> {
        let db = schema::open_reader(&self.place)?;
        let snapshot = db.unchecked_transaction().doing("reading the store")?;
        // The first read takes the snapshot: head and records are of one moment.
        let head = schema::load_head(&snapshot)?;
        let mut select = snapshot.prepare("SELECT key, rev, crc, value FROM record ORDER BY key").doing("reading the store")?;
        let mut rows = select.query([]).doing("reading the store")?;
        while let Some(found) = rows.next().doing("reading the store")? {
            let key = found.get_ref(0).and_then(|key| Ok(key.as_blob()?)).doing("reading the store")?;
            match row::read(key, found, 1).doing("reading the store")? {
                Ok(record) => each(key, &record)?,
                Err(damaged) => return Err(self.set_aside(damaged)),
            }
        }
        Ok(head)
    }

    fn replace_all(&self, with: Replacement) -> BoxFuture<'static, Result<Revision>> {
        let handed_over = self.shared.queue.push_replacement(with);
        Box::pin(async move {
            match handed_over?.await {
                Ok(outcome) => outcome,
                Err(_) => Err(Error::Unavailable("the writer stopped; the outcome is unknown".to_owned())),
            }
        })
    }

    fn scratch(&self) -> Result<Box<dyn Scratch>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("scratch-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = self.place.database.with_file_name(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = file.doing("making room beside the data")?;
        fs::remove_file(&path).doing("making room beside the data")?;
        Ok(Box::new(file))
    }
}

/// Writes what the store is to hold instead. Does not begin or end the transaction. Errors: nothing may be committed then.
pub(super) fn apply(db: &Connection, with: Replacement, head: Revision) -> Result<()> {
    let doing = "replacing the records";
    let kept = kept(db, &with.keeps)?;
    db.execute("DELETE FROM record", []).doing(doing)?;
    let mut put = db.prepare_cached("REPLACE INTO record (key, rev, crc, value) VALUES (?1, ?2, ?3, ?4)").doing(doing)?;
    let mut write = |key: &[u8], record: &Record| {
        let crc = record_crc(key, record.revision, &record.value);
        put.execute((key, record.revision.0.cast_signed(), crc, record.value.as_ref())).map(|_| ()).doing(doing)
    };
    for entry in with.contents {
        let (key, record) = entry?;
        if !Replacement::is_kept(&with.keeps, &key) {
            write(&key, &record)?;
        }
    }
    kept.iter().try_for_each(|(key, record)| write(key, record))?;
    with.puts.into_iter().try_for_each(|(key, value)| write(&key, &Record { value, revision: head }))?;
    schema::save_head(db, head)
}

/// The records that stay. Few: what a prefix is kept for is the barrier's own.
fn kept(db: &Connection, keeps: &[&'static [u8]]) -> Result<Vec<(Bytes, Record)>> {
    let mut kept = Vec::new();
    for prefix in keeps {
        let page = super::read::scan(db, prefix, None, usize::MAX)?;
        if let Some(damaged) = page.damaged.first() {
            return Err(Error::Corrupt { key: damaged.key.clone(), reason: damaged.reason.to_owned() });
        }
        kept.extend(page.records);
    }
    Ok(kept)
}

/// Whether the file stands at a head: after a commit that reported an error.
pub(super) fn is_at(place: &Place, head: Revision) -> Result<(Connection, bool)> {
    let db = schema::reopen(place)?;
    let found = schema::load_head(&db)?;
    Ok((db, found == head))
}
