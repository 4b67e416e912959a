//! What can only be shown from inside: commits that report an error, and steps between formats.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    Config, Shared, folder,
    queue::{GROUP_BATCHES_MAX, GROUP_BYTES_MAX, Job, QUEUE_BATCHES_MAX, QUEUE_BYTES_MAX, Queue},
    schema,
    schema::FORMAT,
    writer::Writer,
};
use crate::{Batch, Error, Result, Revision};

fn put(key: &'static str, value: &[u8]) -> Batch {
    Batch { puts: vec![(Bytes::from_static(key.as_bytes()), Bytes::copy_from_slice(value))], ..Batch::default() }
}

/// A writer that runs when it is told to, on a connection of the test's making.
struct Bench {
    folder: TempDir,
    _lock: std::fs::File,
    shared: Arc<Shared>,
    writer: Writer,
}

impl Bench {
    fn new(prepare: impl FnOnce(&mut Connection)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (place, lock) = folder::claim(&Config::new(folder.path())).unwrap();
        let mut db = schema::open_or_create(&place).unwrap();
        prepare(&mut db);
        let shared = Arc::new(Shared::starting_at(schema::load_head(&db).unwrap()));
        let writer = Writer::new(place, db, Arc::clone(&shared));
        Self { folder, _lock: lock, shared, writer }
    }

    fn commit(&mut self, batch: Batch) -> Result<Revision> {
        let outcome = self.shared.queue.push(batch).unwrap();
        let mut jobs: Vec<Job> = Vec::new();
        self.shared.queue.take(&mut jobs).unwrap();
        self.writer.process(&mut jobs);
        outcome.blocking_recv().unwrap()
    }

    fn beside(&self) -> Connection {
        Connection::open(self.folder.path().join(folder::DATABASE)).unwrap()
    }

    fn told(&self) -> Vec<u64> {
        let mut stream = self.shared.history().watch(b"", Revision(0));
        std::iter::from_fn(|| stream.try_recv().ok()).map(|changes| changes.unwrap()[0].revision.0).collect()
    }
}

#[test]
fn a_commit_that_fails_is_rolled_back_and_the_next_one_succeeds() {
    let mut bench = Bench::new(|db| db.commit_hook(Some(|| true)).unwrap());
    assert!(matches!(bench.commit(put("a", b"1")), Err(Error::Operator(_))));
    assert_eq!(bench.shared.queue.newest(b"a"), None);
    assert_eq!(bench.commit(put("b", b"2")).unwrap(), Revision(2), "on a connection opened anew");
    let keys: i64 = bench.beside().query_row("SELECT count(*) FROM record", [], |row| row.get(0)).unwrap();
    assert_eq!((keys, bench.told()), (1, vec![2]));
}

/// Lets a commit report an error. `took_place`: it did, all the same.
fn doubtful_commit(bench: &mut Bench, took_place: bool) -> Result<Vec<Result<Revision>>> {
    let jobs = taken(&bench.shared.queue, [put("b", b"2")]);
    let head = jobs[0].revision;
    if took_place {
        schema::save_head(&bench.beside(), head).unwrap();
    }
    bench.writer.settle(&jobs, vec![Ok(head)], head, Error::Operator("disk error".to_owned()))
}

#[test]
fn whether_a_doubtful_commit_took_place_is_read_from_the_file() {
    for took_place in [true, false] {
        let mut bench = Bench::new(|_| {});
        bench.commit(put("a", b"1")).unwrap();
        assert_eq!(doubtful_commit(&mut bench, took_place).is_ok(), took_place);
        assert_eq!(bench.commit(put("c", b"3")).unwrap(), Revision(3));
    }
}

#[test]
fn a_doubtful_commit_is_published_as_soon_as_the_file_can_tell_that_it_took_place() {
    for (took_place, told) in [(true, vec![1, 2, 4]), (false, vec![1, 4])] {
        let mut bench = Bench::new(|_| {});
        bench.commit(put("a", b"1")).unwrap();
        if took_place {
            schema::save_head(&bench.beside(), Revision(2)).unwrap();
        }
        let path = bench.folder.path().join(folder::DATABASE);
        let away = bench.folder.path().join("away");
        std::fs::rename(&path, &away).unwrap();
        assert!(doubtful_commit(&mut bench, false).is_err(), "unknown counts as failed");
        assert!(bench.commit(put("c", b"3")).is_err(), "no file, no commit");
        std::fs::rename(&away, &path).unwrap();
        assert_eq!(bench.commit(put("d", b"4")).unwrap(), Revision(4));
        assert_eq!(bench.told(), told);
    }
}

#[test]
fn older_formats_are_upgraded_step_by_step_and_no_step_runs_twice() {
    let bench = Bench::new(|_| {});
    let db = bench.beside();
    let to_2: schema::Upgrade = |db| db.execute_batch("CREATE TABLE two (x)");
    let to_3: schema::Upgrade = |db| db.execute_batch("CREATE TABLE three (x)");
    let fails: schema::Upgrade = |db| db.execute_batch("CREATE TABLE four (x); CREATE TABLE two (x)");
    schema::upgrade(&db, &[to_2]).unwrap();
    schema::upgrade(&db, &[to_2, to_3]).unwrap();
    assert!(schema::upgrade(&db, &[to_2, to_3, fails]).is_err());
    schema::upgrade(&db, &[to_2, to_3]).unwrap();
    let tables: i64 =
        db.query_row("SELECT count(*) FROM sqlite_schema WHERE name IN ('two', 'three', 'four')", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 2, "a step that fails leaves nothing behind");
    let Err(Error::Operator(text)) = schema::upgrade(&db, &[]) else { panic!("went back") };
    assert!(text.contains("format 3") && text.contains(&format!("up to {FORMAT}")), "{text}");
}

fn taken(queue: &Queue, batches: impl IntoIterator<Item = Batch>) -> Vec<Job> {
    batches.into_iter().for_each(|batch| drop(queue.push(batch).unwrap()));
    let mut jobs = Vec::new();
    queue.take(&mut jobs).unwrap();
    jobs
}

#[test]
fn groups_are_bounded_in_batches_and_bytes() {
    let queue = Queue::starting_at(Revision(0));
    let small = (0..GROUP_BATCHES_MAX + 3).map(|_| put("a", b"1"));
    assert_eq!(taken(&queue, small).len(), GROUP_BATCHES_MAX);
    assert_eq!(taken(&queue, []).len(), 3);
    let huge = vec![0; GROUP_BYTES_MAX / 2 - 1];
    assert_eq!(taken(&queue, (0..3).map(|_| put("a", &huge))).len(), 2);
    assert_eq!(taken(&queue, []).len(), 1);
    let larger = vec![0; GROUP_BYTES_MAX + 1];
    assert_eq!(taken(&queue, (0..2).map(|_| put("a", &larger))).len(), 1, "alone if it must be");
}

#[test]
fn a_full_queue_refuses_and_has_room_again() {
    let queue = Queue::starting_at(Revision(0));
    let fill = |batch: Batch| (0..=QUEUE_BATCHES_MAX).find(|_| queue.push(batch.clone()).is_err()).unwrap();
    assert_eq!(fill(put("a", b"1")), QUEUE_BATCHES_MAX);
    taken(&queue, []);
    assert!(queue.push(put("a", b"1")).is_ok());
    while !queue.is_empty() {
        taken(&queue, []);
    }
    assert_eq!(fill(put("a", &vec![0; QUEUE_BYTES_MAX / 8])), 7);
}

#[test]
fn queued_values_last_until_their_own_batch_is_through() {
    let queue = Queue::starting_at(Revision(0));
    let first = taken(&queue, [put("a", b"1")]);
    let second = taken(&queue, [put("a", b"2")]);
    queue.settle(&first);
    assert_eq!(queue.newest(b"a"), Some((Some(Bytes::from_static(b"2")), Revision(2))));
    queue.settle(&second);
    assert_eq!(queue.newest(b"a"), None);
}

#[test]
fn a_writer_that_goes_answers_all_who_wait() {
    let queue = Queue::starting_at(Revision(0));
    let waiting = queue.push(put("a", b"1")).unwrap();
    queue.stop();
    assert!(waiting.blocking_recv().is_err());
    assert!(matches!(queue.push(put("a", b"2")), Err(Error::Unavailable(_))));
    assert_eq!(queue.newest(b"a"), None);
}
