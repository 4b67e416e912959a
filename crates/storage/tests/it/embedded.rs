//! The embedded store: the promises of every store, and that what was acknowledged outlives it.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use strongroom_storage::{
    Batch, Change, EmbeddedStore, Error, Precondition, Publish, Revision, Store, conformance, embedded::Config,
};
use tempfile::TempDir;

pub fn open(folder: &TempDir) -> EmbeddedStore {
    EmbeddedStore::open(Config::new(folder.path())).unwrap()
}

pub fn put(key: &str, value: impl AsRef<[u8]>) -> Batch {
    Batch { puts: vec![(Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(value.as_ref()))], ..Batch::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_promises_of_a_store() {
    let folders = Mutex::new(Vec::new());
    conformance::suite(async || {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        folders.lock().unwrap().push(folder);
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    for round in 0..5u64 {
        let store = open(&folder);
        assert!(store.is_sole_writer());
        assert_eq!(store.head().await.unwrap().0, round * 10);
        for n in 0..10 {
            let key = format!("r{round}/{n}");
            let revision = store.commit(put(&key, &key)).await.unwrap();
            assert_eq!(revision.0, round * 10 + n + 1, "revisions go on where they ended");
            kept.push((Bytes::from(key), revision));
        }
        drop(store);
    }
    let store = open(&folder);
    let found = store.scan(b"", None, 100).await.unwrap();
    assert!(found.iter().map(|(key, record)| (key.clone(), record.revision)).eq(kept));
    assert!(found.iter().all(|(key, record)| key == &record.value));
}

#[tokio::test]
async fn closing_finishes_the_queue_then_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let waiting: Vec<_> = (0..500).map(|n| store.commit(put(&format!("{n:03}"), "v"))).collect();
    store.close();
    for (n, commit) in waiting.into_iter().enumerate() {
        assert_eq!(commit.await.unwrap().0, n as u64 + 1);
    }
    assert!(matches!(store.commit(put("late", "v")).await, Err(Error::Unavailable(_))));
    assert_eq!(store.list(b"", None, 1000).await.unwrap().len(), 500, "reading goes on");
    store.close();
}

/// Holds the writer thread in `published` until the test lets go of the lock.
struct Gate(Arc<Mutex<()>>);

impl Publish for Gate {
    fn published(&self, _changes: &[Change]) {
        drop(self.0.lock().unwrap());
    }

    fn replaced(&self) {}
}

#[tokio::test]
async fn a_failed_batch_fails_what_rests_on_it_and_its_revision_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let gate = Arc::new(Mutex::new(()));
    store.publish_to(Arc::new(Gate(Arc::clone(&gate))));
    let held = gate.lock().unwrap();
    let key = |k: &str| Bytes::copy_from_slice(k.as_bytes());
    let when = |precondition, batch| Batch { preconditions: vec![precondition], ..batch };

    let first = store.commit(put("a", "1"));
    assert_eq!(store.queued(b"a"), Some((Some(key("1")), Revision(1))), "known before it is committed");
    assert_eq!(store.queued(b"b"), None);
    let second = store.commit(when(Precondition::KeyAt(key("a"), Revision(1)), put("a", "2")));
    let fails = store.commit(when(Precondition::KeyAt(key("other"), Revision(77)), put("a", "3")));
    assert_eq!(store.queued(b"a"), Some((Some(key("3")), Revision(3))));
    let dependent = store.commit(when(Precondition::KeyAt(key("a"), Revision(3)), put("a", "4")));
    let delete = Batch { deletes: vec![key("b")], ..Batch::default() };
    let deleted = store.commit(delete);
    assert_eq!(store.queued(b"b"), Some((None, Revision(5))), "a queued delete");
    for lost in [
        Precondition::KeyAt(key("a"), Revision(2)),
        Precondition::KeyAbsent(key("a")),
        Precondition::KeyAt(key("b"), Revision(5)),
    ] {
        let outcome = store.commit(when(lost, put("c", ""))).as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(outcome, Poll::Ready(Err(Error::Conflict))), "a lost race shows at once, with the writer still held");
    }
    let anew = store.commit(when(Precondition::KeyAbsent(key("b")), put("b", "6")));
    let phantom = store.commit(when(Precondition::PrefixUnchanged(key("a"), Revision(1)), put("index", "")));
    let no_phantom = store.commit(when(Precondition::PrefixUnchanged(key("d"), Revision(1)), put("index", "")));
    drop(held);

    assert_eq!(first.await.unwrap(), Revision(1));
    assert_eq!(second.await.unwrap(), Revision(2));
    assert!(matches!(fails.await, Err(Error::Conflict)));
    assert!(matches!(dependent.await, Err(Error::Conflict)));
    assert_eq!(deleted.await.unwrap(), Revision(5));
    assert_eq!(anew.await.unwrap(), Revision(6));
    assert!(matches!(phantom.await, Err(Error::Conflict)), "changed by what is queued before it");
    assert_eq!(no_phantom.await.unwrap(), Revision(8));
    let record = store.get(b"a").await.unwrap().unwrap();
    assert_eq!((record.value, record.revision), (key("2"), Revision(2)));
    assert_eq!(store.queued(b"a"), None);
}

#[tokio::test]
async fn a_full_store_refuses_goes_on_and_takes_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { size_bytes_max: Some(2 * 1024 * 1024), ..Config::new(folder.path()) };
    let store = EmbeddedStore::open(config).unwrap();
    let value = vec![7; 100 * 1024];
    let mut stored = 0;
    let error = loop {
        match store.commit(put(&format!("big/{stored}"), &value)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, Error::Operator(text) if text.contains("full")), "{error}");
    assert!((10..30).contains(&stored), "{stored}");
    let head = store.head().await.unwrap();
    assert!(store.commit(put("big/more", &value)).await.is_err());
    assert_eq!(store.head().await.unwrap(), head, "a failed commit has no revision");
    assert_eq!(store.queued(b"big/more"), None);
    assert_eq!(store.list(b"big/", None, 100).await.unwrap().len(), stored, "nothing of it is there");
    let deletes = vec![Bytes::from_static(b"big/0"), Bytes::from_static(b"big/1")];
    store.commit(Batch { deletes, ..Batch::default() }).await.unwrap();
    store.commit(put("big/more", &value)).await.unwrap();
}

#[tokio::test]
async fn a_batch_too_large_for_the_disk_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { size_bytes_max: Some(256 * 1024), ..Config::new(folder.path()) };
    let store = EmbeddedStore::open(config).unwrap();
    let gate = Arc::new(Mutex::new(()));
    store.publish_to(Arc::new(Gate(Arc::clone(&gate))));
    let held = gate.lock().unwrap();
    let first = store.commit(put("first", "keeps the writer busy"));
    let before = store.commit(put("a/1", "fits"));
    let large = store.commit(put("large", vec![0; 500 * 1024]));
    let unchanged = Precondition::PrefixUnchanged(Bytes::from_static(b"a/"), Revision(1));
    let conflict = store.commit(Batch { preconditions: vec![unchanged], ..put("b", "rests on a/ without 1") });
    let after = store.commit(put("c", "fits"));
    drop(held);
    assert!(first.await.is_ok() && before.await.is_ok() && after.await.is_ok());
    assert!(matches!(large.await, Err(Error::Operator(_))));
    assert!(matches!(conflict.await, Err(Error::Conflict)), "judged in order, one by one as in a group");
}

#[tokio::test]
async fn a_listener_that_panics_stops_all_writing_and_leaves_nobody_waiting() {
    struct Panics;
    impl Publish for Panics {
        fn published(&self, _changes: &[Change]) {
            panic!("a listener's bug");
        }

        fn replaced(&self) {}
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.publish_to(Arc::new(Panics));
    let waiting: Vec<_> = (0..300).map(|n| store.commit(put(&n.to_string(), "v"))).collect();
    for commit in waiting {
        assert!(matches!(commit.await, Err(Error::Unavailable(_))));
    }
    assert!(matches!(store.commit(put("late", "v")).await, Err(Error::Unavailable(_))));
    assert_eq!(store.queued(b"0"), None);
}

#[tokio::test]
async fn history_does_not_reach_behind_the_opening() {
    let folder = tempfile::tempdir().unwrap();
    let old = open(&folder).commit(put("a", "1")).await.unwrap();
    let store = open(&folder);
    let unchanged = |since| Batch { preconditions: vec![Precondition::PrefixUnchanged(Bytes::new(), since)], ..put("b", "2") };
    assert!(matches!(store.commit(unchanged(Revision(0))).await, Err(Error::Conflict)), "unknown counts as changed");
    assert!(matches!(store.watch(b"", Revision(0)).recv().await, Some(Err(Error::Unavailable(_)))));
    let mut stream = store.watch(b"", old);
    store.commit(unchanged(old)).await.unwrap();
    assert_eq!(stream.recv().await.unwrap().unwrap().len(), 1);
}
