#![allow(clippy::arithmetic_side_effects)]

use std::sync::Arc;

use strongroom_storage::{MemoryStore, Store};

use super::*;
use crate::testing::{PausableStore, memory_view, put, text, unsealed};

mod model;

async fn read(txn: &mut Txn, key: &str) -> Option<String> {
    let entry = txn.get(key.as_bytes()).await.unwrap()?;
    Some(String::from_utf8(entry.value().to_vec()).unwrap())
}

async fn list(txn: &mut Txn, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
    let names = txn.list(prefix.as_bytes(), after.map(str::as_bytes), limit).await.unwrap();
    names.into_iter().map(|n| String::from_utf8(n.to_vec()).unwrap()).collect()
}

fn is_conflict(result: Result<Revision>) -> bool {
    matches!(result, Err(Error::Conflict))
}

#[tokio::test]
async fn own_writes_are_seen_inside_and_nobody_sees_them_before_the_commit() {
    let view = memory_view().await;
    put(&view, "a", "1").await;
    let mut txn = view.txn(Intent::Write);
    assert!(!txn.has_writes());
    txn.put("b", b"2".to_vec());
    txn.delete("a");
    assert!(txn.has_writes());
    assert_eq!((read(&mut txn, "a").await, read(&mut txn, "b").await.as_deref()), (None, Some("2")));
    assert_eq!((text(&view, "a").await.as_deref(), text(&view, "b").await), (Some("1"), None));
    let revision = txn.commit().await.unwrap();
    assert_eq!((text(&view, "a").await, text(&view, "b").await.as_deref()), (None, Some("2")));
    assert_eq!(view.get(b"b").await.unwrap().unwrap().revision(), revision);
}

#[tokio::test]
async fn what_was_read_must_still_hold_at_commit() {
    for intent in [Intent::Read, Intent::Write] {
        for (change, conflict) in [("read", true), ("absent", true), ("blind", false), ("unrelated", false)] {
            let view = memory_view().await;
            put(&view, "read", "1").await;
            let mut txn = view.txn(intent);
            read(&mut txn, "read").await;
            read(&mut txn, "absent").await;
            txn.put("blind", b"x".to_vec());
            put(&view, change, "other").await;
            assert_eq!(is_conflict(txn.commit().await), conflict, "{intent:?} {change}");
            let blind = if conflict { None } else { Some("x") };
            assert_eq!(text(&view, "blind").await.as_deref(), blind);
        }
    }
}

#[tokio::test]
async fn write_skew_is_a_conflict() {
    let view = memory_view().await;
    put(&view, "a", "1").await;
    put(&view, "b", "1").await;
    let (mut x, mut y) = (view.txn(Intent::Write), view.txn(Intent::Write));
    read(&mut x, "a").await;
    read(&mut y, "b").await;
    x.put("b", b"x".to_vec());
    y.put("a", b"y".to_vec());
    x.commit().await.unwrap();
    assert!(is_conflict(y.commit().await));
}

#[tokio::test]
async fn reading_a_key_twice_gives_the_same_value_and_then_a_conflict() {
    let view = memory_view().await;
    put(&view, "k", "1").await;
    let mut txn = view.txn(Intent::Read);
    assert_eq!(read(&mut txn, "k").await.as_deref(), Some("1"));
    put(&view, "k", "2").await;
    assert_eq!(read(&mut txn, "k").await.as_deref(), Some("1"));
    txn.put("out", b"x".to_vec());
    assert!(is_conflict(txn.commit().await));
}

#[tokio::test]
async fn reading_alone_commits_nothing() {
    let view = memory_view().await;
    put(&view, "k", "1").await;
    let head = view.head().await.unwrap();
    let mut txn = view.txn(Intent::Write);
    read(&mut txn, "k").await;
    list(&mut txn, "", None, 10).await;
    assert_eq!(txn.commit().await.unwrap(), head);
    assert_eq!(view.head().await.unwrap(), head);
}

#[tokio::test]
async fn a_list_that_changed_fails_a_writing_transaction_only() {
    for (intent, key, conflict) in [
        (Intent::Write, "f/new", true),
        (Intent::Write, "f/a", true),
        (Intent::Write, "g/x", false),
        (Intent::Read, "f/new", false),
    ] {
        let view = memory_view().await;
        put(&view, "f/a", "1").await;
        let mut txn = view.txn(intent);
        assert_eq!(list(&mut txn, "f/", None, 10).await, ["a"]);
        txn.put("out", b"x".to_vec());
        put(&view, key, "2").await;
        assert_eq!(is_conflict(txn.commit().await), conflict, "{intent:?} {key}");
    }
}

#[tokio::test]
async fn a_list_shows_own_writes_in_order_and_within_the_limit() {
    let view = memory_view().await;
    for key in ["f/a", "f/b/1", "f/b/2", "f/c/1", "f/e", "f/g"] {
        put(&view, key, "x").await;
    }
    let mut txn = view.txn(Intent::Write);
    txn.put("f/d/new", vec![]);
    txn.put("f/aa", vec![]);
    for key in ["f/a", "f/b/1", "f/c/1", "f/never", "f/z/never"] {
        txn.delete(key);
    }
    assert_eq!(list(&mut txn, "f/", None, 10).await, ["aa", "b/", "d/", "e", "g"]);
    assert_eq!(list(&mut txn, "f/", None, 3).await, ["aa", "b/", "d/"]);
    assert_eq!(list(&mut txn, "f/", Some("b/"), 2).await, ["d/", "e"]);
    assert_eq!(list(&mut txn, "f/c/", None, 10).await, [""; 0]);
    assert_eq!(list(&mut txn, "f/b/", None, 10).await, ["2"]);
    assert_eq!(list(&mut txn, "", None, 1).await, ["core/"]);
}

#[tokio::test]
async fn a_batch_beyond_the_limits_writes_nothing() {
    let view = memory_view().await;
    let head = view.head().await.unwrap();
    let check = |txn: Txn| async {
        let error = txn.commit().await.unwrap_err();
        assert!(matches!(error, Error::Storage(strongroom_storage::Error::TooLarge(_))), "{error}");
    };
    let mut txn = view.txn(Intent::Write);
    (0..101).for_each(|i| txn.put(format!("k{i}"), vec![]));
    check(txn).await;
    let mut txn = view.txn(Intent::Write);
    txn.put("k", vec![0; 1024 * 1024]);
    check(txn).await;
    let mut txn = view.txn(Intent::Write);
    txn.put("", vec![]);
    check(txn).await;
    assert_eq!(view.head().await.unwrap(), head);
}

#[tokio::test]
async fn s4_the_store_holds_no_plaintext() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let view = unsealed(Arc::clone(&store)).await.0.view();
    put(&view, "k", "canary-value").await;
    let records = store.scan(b"", None, 100).await.unwrap();
    assert_eq!(records.len(), 4);
    for (_, record) in records {
        assert!(!record.value.windows(12).any(|w| w == b"canary-value"));
    }
}

/// Adds one to a counter as a handler would; the commit is under way when this returns.
async fn increment(view: &View, store: &PausableStore) -> tokio::task::JoinHandle<Result<Revision>> {
    let mut txn = view.txn(Intent::Write);
    let n: u64 = read(&mut txn, "n").await.map_or(0, |n| n.parse().unwrap());
    txn.put("n", (n + 1).to_string().into_bytes());
    let held = store.held_commits();
    let commit = tokio::spawn(txn.commit());
    while store.held_commits() == held {
        tokio::task::yield_now().await;
    }
    commit
}

#[tokio::test]
async fn writers_build_on_the_queue_and_readers_do_not() {
    let store = PausableStore::new(Arc::new(MemoryStore::new()));
    let view = unsealed(Arc::clone(&store) as Arc<dyn Store>).await.0.view();
    put(&view, "n", "0").await;
    store.hold_commits();
    let mut commits = Vec::new();
    for _ in 0..20 {
        commits.push(increment(&view, &store).await);
    }
    assert_eq!(text(&view, "n").await.as_deref(), Some("0"));
    assert_eq!(read(&mut view.txn(Intent::Read), "n").await.as_deref(), Some("0"));
    assert_eq!(read(&mut view.txn(Intent::Write), "n").await.as_deref(), Some("20"));
    store.release_commits().await;
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    assert_eq!(text(&view, "n").await.as_deref(), Some("20"));
}

#[tokio::test]
async fn a_queued_delete_is_absent_for_writers() {
    let store = PausableStore::new(Arc::new(MemoryStore::new()));
    let view = unsealed(Arc::clone(&store) as Arc<dyn Store>).await.0.view();
    put(&view, "n", "7").await;
    store.hold_commits();
    let mut txn = view.txn(Intent::Write);
    txn.delete("n");
    let deleted = tokio::spawn(txn.commit());
    while store.held_commits() == 0 {
        tokio::task::yield_now().await;
    }
    let incremented = increment(&view, &store).await;
    store.release_commits().await;
    deleted.await.unwrap().unwrap();
    incremented.await.unwrap().unwrap();
    assert_eq!(text(&view, "n").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_failed_predecessor_in_the_queue_fails_what_built_on_it() {
    let store = PausableStore::new(Arc::new(MemoryStore::new()));
    let view = unsealed(Arc::clone(&store) as Arc<dyn Store>).await.0.view();
    put(&view, "n", "0").await;
    put(&view, "guard", "0").await;
    let mut doomed = view.txn(Intent::Write);
    read(&mut doomed, "guard").await;
    doomed.put("n", b"100".to_vec());
    put(&view, "guard", "1").await;
    store.hold_commits();
    let doomed = tokio::spawn(doomed.commit());
    while store.held_commits() == 0 {
        tokio::task::yield_now().await;
    }
    let built_on_it = increment(&view, &store).await;
    store.release_commits().await;
    assert!(is_conflict(doomed.await.unwrap()));
    assert!(is_conflict(built_on_it.await.unwrap()));
    assert_eq!(text(&view, "n").await.as_deref(), Some("0"));
}

/// A transaction that reads one key and deletes some.
async fn dropping(view: &View, read: &str, drop: &[&str]) -> Txn {
    let mut txn = view.txn(Intent::Write);
    txn.get(read.as_bytes()).await.unwrap();
    drop.iter().for_each(|key| txn.delete(key.as_bytes().to_vec()));
    txn
}

#[tokio::test]
async fn two_transactions_that_do_not_touch_become_one_commit() {
    let view = memory_view().await;
    for key in ["a", "b"] {
        put(&view, key, "1").await;
    }
    let mut both = dropping(&view, "a", &["a"]).await;
    assert!(both.absorb(dropping(&view, "b", &["b"]).await).is_ok());
    both.commit().await.unwrap();
    assert_eq!((text(&view, "a").await, text(&view, "b").await), (None, None));
}

#[tokio::test]
async fn what_an_absorbed_transaction_read_still_guards_the_commit() {
    let view = memory_view().await;
    for key in ["a", "b"] {
        put(&view, key, "1").await;
    }
    let mut both = dropping(&view, "a", &["a"]).await;
    assert!(both.absorb(dropping(&view, "b", &["b"]).await).is_ok());
    put(&view, "b", "2").await;
    assert!(is_conflict(both.commit().await));
    assert_eq!(text(&view, "a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn transactions_that_touch_or_exceed_a_batch_stay_apart() {
    let view = memory_view().await;
    put(&view, "a", "1").await;
    let mut one = dropping(&view, "a", &["a"]).await;
    assert!(one.absorb(dropping(&view, "x", &["a"]).await).is_err(), "same write");
    assert!(one.absorb(dropping(&view, "a", &["y"]).await).is_err(), "reads what the other writes");
    let mut reader = dropping(&view, "a", &["y"]).await;
    put(&view, "a", "2").await;
    assert!(reader.absorb(dropping(&view, "a", &["z"]).await).is_err(), "read another revision");
    let many: Vec<String> = (0..100).map(|n| format!("k{n}")).collect();
    let full = dropping(&view, "m", &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(one.absorb(full).is_err(), "101 operations");
    let mut lister = view.txn(Intent::Write);
    list(&mut lister, "l/", None, 10).await;
    assert!(one.absorb(lister).is_err(), "a list rests on a whole prefix");
}

#[tokio::test]
async fn resting_on_an_entry_in_hand_is_as_good_as_reading_it() {
    let view = memory_view().await;
    put(&view, "a", "1").await;
    let entry = view.get_once(b"a").await.unwrap().unwrap();
    put(&view, "a", "2").await;
    let mut txn = view.txn(Intent::Write);
    txn.rest_on(entry);
    txn.delete("a");
    assert!(is_conflict(txn.commit().await));
    assert_eq!(view.keys(b"a", None, 9).await.unwrap(), ["a"]);
}
