//! Stores read and replaced as one: consistent under load, all or nothing, at whatever write the process ends.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use strongroom_storage::{
    Batch, Change, EmbeddedStore, Error, MemoryStore, Precondition, Publish, Record, Replacement, Revision, Store,
    embedded::Config,
};
use tempfile::TempDir;

use crate::embedded::{open, put};

type Records = Vec<(Bytes, Record)>;

fn read_all(store: &dyn Store) -> (Records, Revision) {
    let mut records = Vec::new();
    let head = store.whole().unwrap().read_all(&mut |key, record| {
        records.push((Bytes::copy_from_slice(key), record.clone()));
        Ok(())
    });
    (records, head.unwrap())
}

fn record(revision: u64, value: impl AsRef<[u8]>) -> Record {
    Record { value: Bytes::copy_from_slice(value.as_ref()), revision: Revision(revision) }
}

fn replacement(contents: impl Iterator<Item = strongroom_storage::Result<(Bytes, Record)>> + Send + 'static) -> Replacement {
    Replacement { contents: Box::new(contents), revision: Revision(500), keeps: Vec::new(), puts: Vec::new() }
}

fn new_records(count: usize, bytes: usize) -> Records {
    (0..count).map(|n| (Bytes::from(format!("new/{n:05}")), record(n as u64, vec![b'n'; bytes]))).collect()
}

/// Both kinds of store.
fn stores(folder: &TempDir) -> [Arc<dyn Store>; 2] {
    [Arc::new(open(folder)), Arc::new(MemoryStore::new())]
}

#[tokio::test]
async fn what_is_read_whole_is_one_revision_while_commits_go_on() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        for n in 0..200 {
            store.commit(put(&format!("a/{n:03}"), "0")).await.unwrap();
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (writing, stopped) = (store.clone(), stop.clone());
        // Two keys always change together: a torn view would show it.
        let writer = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for n in 0u64.. {
                if stopped.load(Ordering::Relaxed) {
                    return n;
                }
                let both = ["a/000", "z"].map(|key| (Bytes::from(key), Bytes::from(n.to_string())));
                runtime.block_on(writing.commit(Batch { puts: both.to_vec(), ..Batch::default() })).unwrap();
            }
            0
        });
        for _ in 0..20 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            let (records, head) = read_all(&*store);
            assert!(records.is_sorted_by(|a, b| a.0 < b.0));
            assert!(records.iter().all(|(_, record)| record.revision <= head));
            let first = &records[0].1;
            let last = records.iter().find(|(key, _)| key == "z").map(|(_, record)| record);
            assert!(last.is_none_or(|last| last == first), "both writes or none");
        }
        stop.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() > 0);
    }
}

#[tokio::test]
async fn a_replaced_store_holds_the_new_records_what_is_kept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        for key in ["core/a", "old/a", "old/b"] {
            store.commit(put(key, "old")).await.unwrap();
        }
        let mut watching = store.watch(b"", Revision(3));
        let contents = [("core/b", 7, "left out"), ("old/b", 9, "new")].map(|(k, r, v)| Ok((Bytes::from(k), record(r, v))));
        let with = Replacement {
            keeps: vec![b"core/"],
            puts: vec![(Bytes::from("core/mark"), Bytes::from("m"))],
            ..replacement(contents.into_iter())
        };
        let head = store.whole().unwrap().replace_all(with).await.unwrap();
        assert_eq!(head, Revision(501), "above the old head and that of the contents");
        assert_eq!(store.head().await.unwrap(), head);
        let expected = [("core/a", 1, "old"), ("core/mark", 501, "m"), ("old/b", 9, "new")];
        let expected: Records = expected.map(|(k, r, v)| (Bytes::from(k), record(r, v))).to_vec();
        assert_eq!(store.scan(b"", None, 100).await.unwrap(), expected);
        assert!(watching.recv().await.is_none(), "a watcher can't be told");
        let stale = Batch { preconditions: vec![Precondition::PrefixUnchanged("old/".into(), Revision(3))], ..put("x", "y") };
        assert!(matches!(store.commit(stale).await, Err(Error::Conflict)), "all prefixes count as changed");
        assert!(store.commit(put("x", "y")).await.unwrap() > head);
    }
}

/// The writer knows the revisions that it wrote last; those of a store that is gone must not count.
#[tokio::test]
async fn a_commit_after_a_replacement_rests_on_the_new_records() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        let before = store.commit(put("a", "old")).await.unwrap();
        let gone = store.commit(put("b", "old")).await.unwrap();
        let contents = std::iter::once(Ok((Bytes::from("a"), record(9, "new"))));
        store.whole().unwrap().replace_all(replacement(contents)).await.unwrap();
        let resting = |key: &'static str, at| {
            let preconditions = vec![Precondition::KeyAt(key.into(), at)];
            store.commit(Batch { preconditions, ..put("x", "y") })
        };
        assert!(matches!(resting("a", before).await, Err(Error::Conflict)));
        assert!(matches!(resting("b", gone).await, Err(Error::Conflict)));
        assert!(resting("a", Revision(9)).await.is_ok());
    }
}

#[tokio::test]
async fn contents_that_end_with_an_error_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        store.commit(put("old/a", "old")).await.unwrap();
        let before = read_all(&*store);
        let broken = new_records(3, 10).into_iter().map(Ok).chain([Err(Error::Operator("broken".to_owned()))]);
        assert!(matches!(store.whole().unwrap().replace_all(replacement(broken)).await, Err(Error::Operator(_))));
        assert_eq!(read_all(&*store), before);
        assert!(store.commit(put("old/b", "still writes")).await.is_ok());
    }
}

#[tokio::test]
async fn a_damaged_record_makes_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.commit(put("a", "1")).await.unwrap();
    let db = rusqlite::Connection::open(folder.path().join("strongroom.db")).unwrap();
    db.execute("UPDATE record SET value = x'00'", []).unwrap();
    let read = store.whole().unwrap().read_all(&mut |_, _| Ok(()));
    assert!(matches!(read, Err(Error::Corrupt { .. })));
}

/// The database and its log as a process that ended at this moment leaves them.
fn as_killed_now(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["strongroom.db", "strongroom.db-wal"] {
        if folder.join(name).exists() {
            fs::copy(folder.join(name), copy.path().join(name)).unwrap();
        }
    }
    copy
}

fn records_in(folder: &Path) -> Records {
    read_all(&EmbeddedStore::open(Config::new(folder)).unwrap()).0
}

/// Large enough that SQLite writes most of it before the commit.
#[tokio::test]
async fn a_process_killed_at_any_record_leaves_the_old_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for n in 0..50 {
        store.commit(put(&format!("old/{n}"), vec![b'o'; 20_000])).await.unwrap();
    }
    let (old, path) = (read_all(&store).0, folder.path().to_owned());
    let new = new_records(150, 200_000);
    let logs = Arc::new(Mutex::new(Vec::new()));
    let (seen, kept) = (logs.clone(), old.clone());
    let contents = new.clone().into_iter().enumerate().map(move |(n, entry)| {
        if n % 10 == 0 {
            let killed = as_killed_now(&path);
            let bytes = fs::metadata(killed.path().join("strongroom.db-wal")).map_or(0, |log| log.len());
            seen.lock().unwrap().push(bytes);
            assert!(records_in(killed.path()) == kept, "killed at record {n}");
        }
        Ok(entry)
    });
    store.whole().unwrap().replace_all(replacement(contents)).await.unwrap();
    assert!(read_all(&store).0 == new);
    let logs = logs.lock().unwrap();
    assert!(logs.last() > logs.first(), "the log grew before the commit: {logs:?}");
    drop(store);
    assert!(records_in(folder.path()) == new);
    let log = fs::metadata(folder.path().join("strongroom.db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0, "the log holds it no second time");
}

/// Takes a copy when it is told of the replacement: committed, not yet moved out of the log.
struct CopiesWhenReplaced(PathBuf, Mutex<Option<TempDir>>);

impl Publish for CopiesWhenReplaced {
    fn published(&self, _changes: &[Change]) {}

    fn replaced(&self) {
        *self.1.lock().unwrap() = Some(as_killed_now(&self.0));
    }
}

const LOG_HEADER_BYTES: usize = 32;
const FRAME_BYTES: usize = 24 + 4096;

#[tokio::test]
async fn a_process_killed_at_any_write_of_the_log_leaves_the_old_store_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = open(&folder);
        for n in 0..20 {
            store.commit(put(&format!("old/{n}"), vec![b'o'; 3_000])).await.unwrap();
        }
    }
    let old = records_in(folder.path());
    let new = new_records(40, 3_000);
    let store = open(&folder);
    let copies = Arc::new(CopiesWhenReplaced(folder.path().to_owned(), Mutex::default()));
    store.publish_to(copies.clone());
    store.whole().unwrap().replace_all(replacement(new.clone().into_iter().map(Ok))).await.unwrap();
    let committed = copies.1.lock().unwrap().take().unwrap();
    let log = fs::read(committed.path().join("strongroom.db-wal")).unwrap();
    let frames = (log.len() - LOG_HEADER_BYTES) / FRAME_BYTES;
    assert!(frames > 30, "{frames}");
    let boundaries = (0..=frames).map(|n| LOG_HEADER_BYTES + n * FRAME_BYTES);
    let mut outcomes = [0; 2];
    for end in boundaries.flat_map(|at| [at.saturating_sub(17), at, at + 100]).filter(|end| *end <= log.len()) {
        let killed = tempfile::tempdir().unwrap();
        fs::copy(committed.path().join("strongroom.db"), killed.path().join("strongroom.db")).unwrap();
        fs::write(killed.path().join("strongroom.db-wal"), &log[..end]).unwrap();
        let found = records_in(killed.path());
        assert!(found == old || found == new, "cut at {end} of {}", log.len());
        outcomes[usize::from(found == new)] += 1;
    }
    assert!(outcomes[0] > 30 && outcomes[1] > 0, "{outcomes:?}");
}

#[tokio::test]
async fn scratch_space_is_nameless() {
    use std::io::{Read as _, Seek as _, Write as _};
    let folder = tempfile::tempdir().unwrap();
    let names = || fs::read_dir(folder.path()).unwrap().count();
    for store in stores(&folder) {
        let before = names();
        let mut scratch = store.whole().unwrap().scratch().unwrap();
        scratch.write_all(b"abc").unwrap();
        scratch.rewind().unwrap();
        let mut found = String::new();
        scratch.read_to_string(&mut found).unwrap();
        assert_eq!((found.as_str(), names()), ("abc", before));
    }
}
