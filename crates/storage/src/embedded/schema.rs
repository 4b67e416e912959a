//! Opening the database: settings, tables, format version, head. A file of a newer format is refused untouched, one of an
//! older is upgraded step by step, each step with its version number in one transaction.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{folder::Place, row::number_crc, sqlite::Doing};
use crate::{Error, Result, Revision};

/// The format this code reads and writes.
pub(super) const FORMAT: u64 = 1;
/// Marks a SQLite file as ours ("SgRm").
const APPLICATION_ID: i32 = 0x5367_526d;
const PAGE_BYTES: u64 = 4096;
const BUSY_WAIT: Duration = Duration::from_secs(5);
const STATEMENTS_CACHED: usize = 32;

/// `record` holds keys and values; `number` holds single numbers; `quarantine` keeps damaged records as they were found.
const TABLES: &str = "
    CREATE TABLE record (key BLOB NOT NULL PRIMARY KEY, rev INTEGER NOT NULL, crc INTEGER NOT NULL, value BLOB NOT NULL)
        WITHOUT ROWID;
    CREATE TABLE number (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE quarantine (id INTEGER PRIMARY KEY, key BLOB, rev, crc, value, reason TEXT);
    CREATE INDEX quarantine_key ON quarantine (key);";

/// Brings a database from one format to the next.
pub(super) type Upgrade = fn(&Connection) -> rusqlite::Result<()>;
/// `UPGRADES[n]` leads from format n + 1 to n + 2. Never change an entry that was released.
const UPGRADES: &[Upgrade] = &[];

/// A connection that may write, to a database of the present format.
pub(super) fn open_or_create(place: &Place) -> Result<Connection> {
    let db = open(&place.database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if is_blank(&db)? {
        configure(&db, place)?;
        create(&db)?;
    } else {
        upgrade(&db, UPGRADES)?;
        configure(&db, place)?;
    }
    Ok(db)
}

/// Opens the same database again, for the writer after a failure.
pub(super) fn reopen(place: &Place) -> Result<Connection> {
    let db = open(&place.database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    configure(&db, place)?;
    Ok(db)
}

pub(super) fn open_reader(place: &Place) -> Result<Connection> {
    let db = open(&place.database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    settings(&db, &[("cache_size", -2048), ("mmap_size", 0), ("cell_size_check", 1), ("trusted_schema", 0)])?;
    Ok(db)
}

pub(super) fn load_head(db: &Connection) -> Result<Revision> {
    load_number(db, "head").map(Revision)
}

pub(super) fn save_head(db: &Connection, head: Revision) -> Result<()> {
    save_number(db, "head", head.0).doing("writing the head")
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let db = Connection::open_with_flags(path, flags).doing("opening the database")?;
    db.busy_timeout(BUSY_WAIT).doing("opening the database")?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    Ok(db)
}

/// True for an empty file, as a crash before the first transaction leaves it too. Errors: `Operator` when it is not ours.
fn is_blank(db: &Connection) -> Result<bool> {
    let id: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0)).doing("reading the database")?;
    if id == APPLICATION_ID {
        return Ok(false);
    }
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).doing("reading the database")?;
    if id == 0 && tables == 0 {
        return Ok(true);
    }
    Err(Error::Operator("the database file is not a Strongroom store".to_owned()))
}

fn create(db: &Connection) -> Result<()> {
    let tx = db.unchecked_transaction().doing("making the tables")?;
    tx.execute_batch(TABLES).doing("making the tables")?;
    tx.pragma_update(None, "application_id", APPLICATION_ID).doing("making the tables")?;
    save_number(&tx, "format", FORMAT).doing("making the tables")?;
    save_head(&tx, Revision::default())?;
    tx.commit().doing("making the tables")
}

/// `upgrades` are the steps from format 1 on.
pub(super) fn upgrade(db: &Connection, upgrades: &[Upgrade]) -> Result<()> {
    let ours = (upgrades.len() as u64).saturating_add(1);
    let found = load_number(db, "format")?;
    if found > ours {
        return Err(Error::Operator(format!(
            "the store has format {found}, this server knows formats up to {ours}: there is no way back, use a newer server"
        )));
    }
    if found == 0 {
        return Err(Error::Operator("the store has format 0, which never was".to_owned()));
    }
    for (to, step) in (2..).zip(upgrades).filter(|(to, _)| *to > found) {
        let doing = format!("upgrading the store to format {to}");
        let tx = db.unchecked_transaction().doing(&doing)?;
        step(&tx).doing(&doing)?;
        save_number(&tx, "format", to).doing(&doing)?;
        tx.commit().doing(&doing)?;
        tracing::info!(format = to, "store upgraded");
    }
    Ok(())
}

/// Page size first: it is fixed once the file has content.
fn configure(db: &Connection, place: &Place) -> Result<()> {
    settings(db, &[("page_size", PAGE_BYTES.cast_signed())])?;
    let mode: String =
        db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).doing("switching to a write-ahead log")?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Error::Operator("this file system can't hold a write-ahead log: use a local disk".to_owned()));
    }
    settings(
        db,
        &[
            ("synchronous", 2), // FULL: the log is synced with every commit
            ("wal_autocheckpoint", 1000),
            ("journal_size_limit", 16 * 1024 * 1024),
            ("cache_size", -8192),
            ("mmap_size", 0),
            ("temp_store", 2),    // memory: nothing outside of the folder
            ("secure_delete", 1), // what was deleted is overwritten
            ("cell_size_check", 1),
            ("trusted_schema", 0),
        ],
    )?;
    if let Some(bytes) = place.size_bytes_max {
        let pages = bytes.div_ceil(PAGE_BYTES).max(1);
        settings(db, &[("max_page_count", i64::try_from(pages).unwrap_or(i64::MAX))])?;
    }
    Ok(())
}

fn settings(db: &Connection, settings: &[(&str, i64)]) -> Result<()> {
    settings.iter().try_for_each(|(name, value)| db.pragma_update(None, name, value)).doing("setting up the database connection")
}

/// Errors: `Operator` when the number is missing or fails its checksum: guessing one could repeat revisions.
fn load_number(db: &Connection, name: &str) -> Result<u64> {
    let row = db
        .prepare_cached("SELECT value, crc FROM number WHERE name = ?1")
        .and_then(|mut select| select.query_row([name], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).optional())
        .doing("reading the database")?;
    match row.map(|(value, crc)| (value.cast_unsigned(), crc)) {
        Some((value, crc)) if crc == number_crc(name, value) => Ok(value),
        _ => Err(Error::Operator(format!("the store's `{name}` number is damaged: restore a backup"))),
    }
}

fn save_number(db: &Connection, name: &str, value: u64) -> rusqlite::Result<()> {
    let mut replace = db.prepare_cached("REPLACE INTO number (name, value, crc) VALUES (?1, ?2, ?3)")?;
    replace.execute((name, value.cast_signed(), number_crc(name, value))).map(|_| ())
}
