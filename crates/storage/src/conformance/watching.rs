//! Watching and publishing: in commit order, all of it, published before acknowledged.

use std::sync::{Arc, Mutex, PoisonError};

use super::{bytes, commit, delete, put};
use crate::{Change, ChangeStream, Error, Publish, Revision, Store};

/// Keeps the revisions and keys it was told.
#[derive(Default)]
pub(super) struct Listener(Mutex<Vec<Change>>);

impl Listener {
    fn told(&self) -> Vec<Change> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Publish for Listener {
    fn published(&self, changes: &[Change]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(changes);
    }

    fn replaced(&self) {}
}

/// The next changes of a stream, as `key=value@revision`.
async fn next(stream: &mut ChangeStream) -> Vec<String> {
    let changes = stream.recv().await.expect("the stream goes on").expect("the stream has no error");
    changes.iter().map(shown).collect()
}

fn shown(change: &Change) -> String {
    let value = change.value.as_ref().map_or("gone".into(), |value| String::from_utf8_lossy(value));
    format!("{}={value}@{}", String::from_utf8_lossy(&change.key), change.revision.0)
}

pub(super) async fn a_watch_tells_all_after_its_revision(store: &dyn Store) {
    let first = commit(store, put("w/a", "1")).await;
    let second = commit(store, put("w/b", "2")).await;
    let mut late = store.watch(b"w/", first);
    let mut all = store.watch(b"", Revision(0));
    let mut now = store.watch(b"w/", second);
    let third = commit(store, delete("w/a")).await;
    commit(store, put("x", "4")).await;
    let mut both = put("w/c", "5");
    both.puts.push((bytes("y"), bytes("5")));
    let fifth = commit(store, both).await;
    for (stream, skipped) in [(&mut late, 1), (&mut now, 2)] {
        let told = [
            format!("w/a=1@{}", first.0),
            format!("w/b=2@{}", second.0),
            format!("w/a=gone@{}", third.0),
            format!("w/c=5@{}", fifth.0),
        ];
        for change in told.into_iter().skip(skipped) {
            assert_eq!(next(stream).await, [change], "only what is below the prefix");
        }
    }
    for keys in [1, 1, 1, 1, 2] {
        assert_eq!(next(&mut all).await.len(), keys, "all changes of one commit come together");
    }
    assert!(late.try_recv().is_err() && all.try_recv().is_err(), "nothing comes twice");
}

/// More commits than any store remembers can't be made here; a revision before the store was opened is tested by the
/// stores that outlive their handles. What holds for all: a stream either tells everything or ends with an error.
pub(super) async fn a_watch_that_starts_in_the_dark_is_ended(store: &dyn Store) {
    const COMMITS: u64 = 6000;
    let waiting: Vec<_> = (0..COMMITS).map(|n| store.commit(put("w", &n.to_string()))).collect();
    let mut last = Revision(0);
    for commit in waiting {
        last = commit.await.expect("commit");
    }
    let mut stream = store.watch(b"", Revision(0));
    let mut told = 0;
    let ended = loop {
        match stream.recv().await {
            Some(Ok(changes)) => {
                told += 1;
                if changes.iter().any(|change| change.revision == last) {
                    break told == COMMITS;
                }
            }
            Some(Err(Error::Unavailable(_))) => break true,
            Some(Err(_)) | None => break false,
        }
    };
    assert!(ended, "told {told} of {COMMITS} commits without an error");
}

pub(super) async fn publishing_comes_first_and_in_order(store: Arc<dyn Store>) {
    let listener = Arc::new(Listener::default());
    store.publish_to(Arc::clone(&listener) as Arc<dyn Publish>);
    let writers: Vec<_> = (0..32)
        .map(|writer: u64| {
            let (store, listener) = (Arc::clone(&store), Arc::clone(&listener));
            tokio::spawn(async move {
                for n in 0..20 {
                    let batch = if n % 4 == 3 { delete("hot") } else { put("hot", &format!("{writer}.{n}")) };
                    let revision = commit(&*store, batch).await;
                    let told = listener.told().iter().any(|change| change.revision == revision);
                    assert!(told, "acknowledged before it was published");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("writer");
    }
    let told = listener.told();
    assert_eq!(told.len(), 640, "every commit is published once");
    assert!(told.is_sorted_by(|a, b| a.revision < b.revision), "in commit order");
    let record = store.get(b"hot").await.expect("get");
    assert_eq!(
        told.last().and_then(|change| change.value.clone()),
        record.map(|r| r.value),
        "the last one told is what is stored"
    );
}

pub(super) async fn a_watch_sees_what_others_commit([a, b]: [Arc<dyn Store>; 2]) {
    assert!(!a.is_sole_writer() && !b.is_sole_writer(), "neither may think it is alone");
    let listener = Arc::new(Listener::default());
    a.publish_to(Arc::clone(&listener) as Arc<dyn Publish>);
    let mut stream = a.watch(b"", Revision(0));
    let mine = commit(&*a, put("mine", "1")).await;
    let theirs = commit(&*b, put("theirs", "2")).await;
    assert_eq!(next(&mut stream).await, [format!("mine=1@{}", mine.0)]);
    assert_eq!(next(&mut stream).await, [format!("theirs=2@{}", theirs.0)]);
    let told: Vec<_> = listener.told().iter().map(shown).collect();
    assert_eq!(told, [format!("mine=1@{}", mine.0)], "a handle is told of its own commits only");
    assert_eq!(a.head().await.expect("head"), theirs, "but its head is the store's");
}
