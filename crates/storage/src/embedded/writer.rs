//! The one thread that writes. For each group of batches: judge and write in one transaction, commit durably, publish in
//! commit order, forget the queued values, acknowledge. Any failure is answered and survived: the next group starts
//! afresh. Whether a commit that reported an error took place is read from the reopened file, never guessed.

use std::{
    sync::{Arc, atomic::Ordering},
    thread::{Builder, JoinHandle},
    time::Instant,
};

use rusqlite::Connection;

use super::{
    Shared,
    folder::Place,
    group::{self, Verdicts},
    known::Known,
    quarantine::{self, Damaged},
    queue::{GROUP_BATCHES_MAX, Job, Replacing},
    schema,
    sqlite::Doing,
    whole,
};
use crate::{Change, Error, Replacement, Revision, history::History};

type Result<T, E = Error> = std::result::Result<T, E>;

const STACK_BYTES: usize = 512 * 1024;

pub(super) struct Writer {
    place: Place,
    /// None after a commit that failed, until the file could be opened again.
    database: Option<Connection>,
    /// The group whose commit reported an error and whose fate is still to be read from the file.
    doubtful: Option<Doubtful>,
    known: Known,
    shared: Arc<Shared>,
}

/// What must be published if the file turns out to be at this head.
struct Doubtful {
    head: Revision,
    commits: Vec<(Revision, Arc<[Change]>)>,
}

/// At which point a group failed.
enum Failure {
    /// Before anything could be committed; rolled back.
    Writing(Error),
    /// While beginning or ending the transaction, where a second try would say the same or do harm.
    Committing(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Committing(error)
    }
}

/// Tells the queue that its writer is gone, also when it goes by a panic.
struct StopOnDrop(Arc<Shared>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.queue.stop();
    }
}

impl Writer {
    pub(super) fn new(place: Place, database: Connection, shared: Arc<Shared>) -> Self {
        Self { place, database: Some(database), doubtful: None, known: Known::default(), shared }
    }

    pub(super) fn spawn(self) -> Result<JoinHandle<()>> {
        Builder::new()
            .name("store-writer".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || self.run())
            .doing("starting the writer")
    }

    fn run(mut self) {
        let _stop = StopOnDrop(Arc::clone(&self.shared));
        let mut jobs = Vec::with_capacity(GROUP_BATCHES_MAX);
        while let Some(damaged) = self.shared.queue.take(&mut jobs) {
            self.keep(&damaged);
            if !jobs.is_empty() {
                self.process(&mut jobs);
            }
            if let Some(replacing) = self.shared.queue.take_replacement() {
                self.replace(replacing);
            }
        }
        self.leave_no_log();
    }

    /// Empties `jobs`: each is committed or failed, and answered. A group that could not be written is tried again batch by
    /// batch, so that a damaged page or a batch too large for the disk fails only what needs it.
    pub(super) fn process(&mut self, jobs: &mut Vec<Job>) {
        let started = Instant::now();
        let committed = self.commit(jobs);
        self.shared.figures.committed(jobs.len(), started);
        let outcomes = match committed {
            Ok(outcomes) => outcomes,
            Err(Failure::Writing(_)) if jobs.len() > 1 => {
                return jobs.drain(..).for_each(|job| self.process(&mut vec![job]));
            }
            Err(Failure::Writing(error) | Failure::Committing(error)) => {
                tracing::error!(%error, batches = jobs.len(), "commit failed");
                vec![Err(error); jobs.len()]
            }
        };
        for (job, _) in jobs.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()) {
            publish(&self.shared, &mut self.known, job.revision, &job.changes);
        }
        self.shared.queue.settle(jobs);
        jobs.drain(..).zip(outcomes).for_each(|(job, outcome)| job.acknowledge(outcome));
    }

    /// All records at once. A failure leaves the old ones.
    pub(super) fn replace(&mut self, replacing: Replacing) {
        let revision = replacing.revision;
        let (with, tell) = replacing.split();
        let outcome = self.replace_with(with, revision);
        self.known.forget();
        // Unknown counts as done for whoever caches: nothing they hold may be relied on.
        if matches!(outcome, Ok(()) | Err(Error::Unavailable(_))) {
            *self.shared.history() = History::starting_at(revision);
            self.shared.head.store(revision.0, Ordering::Release);
            self.shared.listeners.tell_replaced();
        }
        if let Err(error) = &outcome {
            tracing::error!(%error, "the store was not replaced");
        }
        tell(outcome.map(|()| revision));
        // The log held all of it once more.
        self.leave_no_log();
    }

    fn replace_with(&mut self, with: Replacement, revision: Revision) -> Result<()> {
        if let Some(late) = self.reopen()? {
            for (revision, changes) in &late.commits {
                publish(&self.shared, &mut self.known, *revision, changes);
            }
        }
        let Some(db) = &self.database else { return Err(unavailable()) };
        execute(db, "BEGIN IMMEDIATE").doing("beginning the replacement")?;
        if let Err(error) = whole::apply(db, with, revision) {
            self.roll_back();
            return Err(error);
        }
        let Err(error) = execute(db, "COMMIT").doing("committing the replacement") else { return Ok(()) };
        self.database = None;
        match whole::is_at(&self.place, revision) {
            Ok((db, took_place)) => {
                self.database = Some(db);
                if took_place { Ok(()) } else { Err(error) }
            }
            Err(still_closed) => Err(Error::Unavailable(format!("{error}; {still_closed}"))),
        }
    }

    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Result<Revision>>, Failure> {
        if let Some(late) = self.reopen()? {
            for (revision, changes) in &late.commits {
                publish(&self.shared, &mut self.known, *revision, changes);
            }
        }
        let Some(db) = &self.database else { return Err(unavailable().into()) };
        execute(db, "BEGIN IMMEDIATE").doing("beginning a commit")?;
        match group::apply(db, &self.shared, &mut self.known, jobs) {
            Ok(Verdicts { each, head: Some(head) }) => self.finish(jobs, each, head).map_err(Failure::Committing),
            Ok(Verdicts { each, head: None }) => {
                self.roll_back();
                Ok(each)
            }
            Err(error) => {
                self.roll_back();
                Err(Failure::Writing(error))
            }
        }
    }

    fn finish(&mut self, jobs: &[Job], each: Vec<Result<Revision>>, head: Revision) -> Result<Vec<Result<Revision>>> {
        let Some(db) = &self.database else { return Err(unavailable()) };
        match execute(db, "COMMIT").doing("committing") {
            Ok(()) => Ok(each),
            Err(error) => self.settle(jobs, each, head, error),
        }
    }

    /// For a commit that reported an error: the reopened file has the last word. If it can't be asked now, the group
    /// counts as failed, and is published should it turn out later that it was not.
    pub(super) fn settle(
        &mut self,
        jobs: &[Job],
        each: Vec<Result<Revision>>,
        head: Revision,
        error: Error,
    ) -> Result<Vec<Result<Revision>>> {
        let accepted = jobs.iter().zip(&each).filter(|(_, verdict)| verdict.is_ok());
        let commits = accepted.map(|(job, _)| (job.revision, Arc::clone(&job.changes))).collect();
        self.doubtful = Some(Doubtful { head, commits });
        self.database = None;
        self.known.forget();
        match self.reopen() {
            Ok(Some(_)) => Ok(each),
            Ok(None) => Err(error),
            Err(still_closed) => {
                tracing::error!(%still_closed, "the store can't be reopened; it is tried again with the next commit");
                Err(error)
            }
        }
    }

    /// Makes sure that there is a connection. Answers the doubtful group if its commit did take place.
    fn reopen(&mut self) -> Result<Option<Doubtful>> {
        let db = match self.database.take() {
            Some(db) => db,
            None => schema::reopen(&self.place)?,
        };
        let db = self.database.insert(db);
        if self.doubtful.is_none() {
            return Ok(None);
        }
        let head = schema::load_head(db)?;
        Ok(self.doubtful.take().filter(|doubtful| doubtful.head == head))
    }

    /// SQLite may have rolled back already. A connection that can't is given up: closing it does.
    fn roll_back(&mut self) {
        if self.database.as_ref().is_some_and(|db| !db.is_autocommit() && execute(db, "ROLLBACK").is_err()) {
            self.database = None;
        }
    }

    fn keep(&self, damaged: &[Damaged]) {
        let Some(db) = self.database.as_ref().filter(|_| !damaged.is_empty()) else { return };
        if let Err(error) = quarantine::keep(db, damaged) {
            tracing::error!(%error, "damaged records could not be copied");
        }
    }

    /// Empties the write-ahead log, so that what lies there after a clean end is one file. Nothing is lost if it fails.
    fn leave_no_log(&self) {
        let emptied = self.database.as_ref().map(|db| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        if let Some(Err(error)) = emptied {
            tracing::warn!(%error, "the write-ahead log could not be emptied");
        }
    }
}

fn publish(shared: &Shared, known: &mut Known, revision: Revision, changes: &Arc<[Change]>) {
    known.changed(changes);
    shared.history().record(changes);
    shared.head.store(revision.0, Ordering::Release);
    shared.listeners.tell(changes);
}

fn execute(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn unavailable() -> Error {
    Error::Unavailable("the database is not open".to_owned())
}
