//! The store in one SQLite file, for a server that keeps its own data. One writer thread commits many waiting batches as
//! one durable transaction; readers have connections of their own and are called inline, since nearly every read is
//! a page-cache hit. What was acknowledged is on disk. It never opens a folder that is in use, of a newer format, or
//! somebody else's (decisions.md 4, 5, 13, 19).

mod figures;
mod folder;
mod group;
mod known;
mod quarantine;
mod queue;
mod read;
mod readers;
mod row;
mod schema;
mod sqlite;
#[cfg(test)]
mod tests;
mod whole;
mod writer;

use std::{
    fs::File,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use bytes::Bytes;
use strongroom_metrics::Page;
use strongroom_types::BoxFuture;

use crate::{
    Batch, ChangeStream, Error, Publish, Record, Result, Revision, Store, Whole, history::History, listeners::Listeners,
};
use figures::Figures;
use folder::Place;
use quarantine::{Damaged, Quarantine};
use queue::Queue;
use readers::Readers;
use writer::Writer;

/// Where the store is and how large it may become.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data folder; made with mode 0700 when it does not exist.
    pub folder: PathBuf,
    /// Largest size of the database file in bytes, rounded up to whole pages; the write-ahead log is not counted. None
    /// (the default): as large as the disk allows.
    pub size_bytes_max: Option<u64>,
}

impl Config {
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), size_bytes_max: None }
    }
}

/// A store in one SQLite file. Dropping it finishes the queue.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    readers: Readers,
    writer: Mutex<Option<JoinHandle<()>>>,
    place: Place,
    /// Held as long as any connection is open; the last field, so that it is dropped last.
    _lock: File,
}

/// What the handle and its writer thread both touch.
struct Shared {
    queue: Queue,
    head: AtomicU64,
    history: Mutex<History>,
    listeners: Listeners,
    quarantine: Mutex<Quarantine>,
    figures: Figures,
}

impl EmbeddedStore {
    /// Opens the store of a folder or makes a new one. Blocks: locks the folder, opens the file, starts the writer.
    /// Errors: `Operator` when the folder is in use, holds other data, is of a newer format or is damaged.
    pub fn open(config: Config) -> Result<Self> {
        let (place, lock) = folder::claim(&config)?;
        let database = schema::open_or_create(&place)?;
        let head = schema::load_head(&database)?;
        let shared = Arc::new(Shared::starting_at(head));
        let readers = Readers::open(&place)?;
        let writer = Writer::new(place.clone(), database, Arc::clone(&shared)).spawn()?;
        Ok(Self { shared, readers, writer: Mutex::new(Some(writer)), place, _lock: lock })
    }

    /// Finishes what is queued, refuses what comes later, and waits for the writer. Reading goes on; the folder stays
    /// locked until the store is dropped. A second call does nothing.
    pub fn close(&self) {
        self.shared.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer of the store had panicked");
        }
    }

    /// Lists what was found damaged and lets the writer keep the raw record.
    fn set_aside(&self, damaged: Damaged) -> Error {
        let error = Error::Corrupt { key: damaged.key.clone(), reason: damaged.reason.to_owned() };
        if self.shared.quarantine().note(&damaged) {
            tracing::error!(key = %crate::error::display_key(&damaged.key), reason = damaged.reason, "damaged record");
            self.shared.queue.push_damaged(damaged);
        }
        error
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn starting_at(head: Revision) -> Self {
        Self {
            queue: Queue::starting_at(head),
            head: AtomicU64::new(head.0),
            history: Mutex::new(History::starting_at(head)),
            listeners: Listeners::default(),
            quarantine: Mutex::default(),
            figures: Figures::default(),
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn quarantine(&self) -> MutexGuard<'_, Quarantine> {
        self.quarantine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for EmbeddedStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Record>>> {
        Box::pin(async move {
            match self.readers.with(|db| read::record(db, key))? {
                None => Ok(None),
                Some(Ok(record)) => Ok(Some(record)),
                Some(Err(damaged)) => Err(self.set_aside(damaged)),
            }
        })
    }

    fn list<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>, limit: usize) -> BoxFuture<'a, Result<Vec<Bytes>>> {
        Box::pin(async move { self.readers.with(|db| read::list(db, prefix, after, limit)) })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Bytes, Record)>>> {
        Box::pin(async move {
            let page = self.readers.with(|db| read::scan(db, prefix, after, limit))?;
            for damaged in page.damaged {
                self.set_aside(damaged);
            }
            Ok(page.records)
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Revision>> {
        Box::pin(async move { Ok(Revision(self.shared.head.load(Ordering::Acquire))) })
    }

    fn is_sole_writer(&self) -> bool {
        true
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'static, Result<Revision>> {
        let handed_over = batch.check_limits().and_then(|()| self.shared.queue.push(batch));
        Box::pin(async move {
            match handed_over?.await {
                Ok(outcome) => outcome,
                Err(_) => Err(Error::Unavailable("the writer stopped; the outcome is unknown".to_owned())),
            }
        })
    }

    fn watch(&self, prefix: &[u8], from: Revision) -> ChangeStream {
        self.shared.history().watch(prefix, from)
    }

    fn queued(&self, key: &[u8]) -> Option<(Option<Bytes>, Revision)> {
        self.shared.queue.newest(key)
    }

    fn publish_to(&self, listener: Arc<dyn Publish>) {
        self.shared.listeners.add(listener);
    }

    fn quarantined(&self) -> Vec<(Bytes, String)> {
        self.shared.quarantine().listed()
    }

    fn whole(&self) -> Option<&dyn Whole> {
        Some(self)
    }

    fn report(&self, page: &mut Page) {
        self.shared.figures.report(page);
        page.gauge(
            "strongroom.store.damaged_records",
            "Records that failed their checksum since the store was opened.",
            &[],
            self.shared.quarantine().listed().len() as f64,
        );
    }
}
