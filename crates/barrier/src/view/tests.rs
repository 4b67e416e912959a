#![allow(clippy::arithmetic_side_effects)]

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use strongroom_storage::{Batch, FaultyStore, MemoryStore, SharedMemory, Store};

use super::*;
use crate::testing::{NOW, PausableStore, TestRng, barrier, memory_view, put, text, unsealed};
use crate::{Barrier, Changed, Config};

async fn delete(view: &View, key: &'static str) {
    let mut txn = view.txn(Intent::Write);
    txn.delete(key);
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn a_hit_reads_no_store_be_it_that_there_is_nothing() {
    let faulty = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let view = unsealed(Arc::clone(&faulty) as Arc<dyn Store>).await.0.view();
    put(&view, "k", "v").await;
    assert_eq!(text(&view, "k").await.as_deref(), Some("v"));
    assert_eq!(text(&view, "absent").await, None);
    faulty.set_outage(true);
    assert_eq!(text(&view, "k").await.as_deref(), Some("v"));
    assert_eq!(text(&view, "absent").await, None);
    assert!(view.holds(b"k") && view.holds(b"absent") && !view.holds(b"never asked for"));
    assert!(matches!(view.get(b"never asked for").await, Err(Error::Storage(_))));
    assert!(matches!(view.ask_in_vain(b"k").await, Err(Error::Storage(_))));
    faulty.set_outage(false);
    put(&view, "absent", "here").await;
    assert_eq!(text(&view, "absent").await.as_deref(), Some("here"));
    delete(&view, "absent").await;
    assert_eq!(text(&view, "absent").await, None);
}

#[tokio::test]
async fn a_wanted_entry_is_at_hand_with_its_commit_and_gone_with_the_next() {
    let faulty = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let view = unsealed(Arc::clone(&faulty) as Arc<dyn Store>).await.0.view();
    let mut txn = view.txn(Intent::Write);
    assert!(txn.get(b"w").await.unwrap().is_none());
    txn.put_wanted("w", b"1".to_vec());
    let revision = txn.commit().await.unwrap();
    faulty.set_outage(true);
    let entry = view.get(b"w").await.unwrap().unwrap();
    assert_eq!((entry.value(), entry.revision()), (&b"1"[..], revision));
    faulty.set_outage(false);
    put(&view, "w", "2").await;
    assert!(!view.holds(b"w"));
    assert_eq!(text(&view, "w").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_wanted_entry_whose_commit_fails_leaves_nothing() {
    let faulty = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let view = unsealed(Arc::clone(&faulty) as Arc<dyn Store>).await.0.view();
    let mut txn = view.txn(Intent::Write);
    txn.put_wanted("w", b"1".to_vec());
    faulty.set_outage(true);
    txn.commit().await.unwrap_err();
    faulty.set_outage(false);
    assert!(view.inner().session().unwrap().fresh.is_empty());
    assert!(!view.holds(b"w"));
    assert_eq!(text(&view, "w").await, None);
}

#[tokio::test]
async fn an_acknowledged_write_is_what_the_next_read_sees() {
    let view = memory_view().await;
    for round in 0..50 {
        put(&view, "k", &round.to_string()).await;
        let entry = view.get(b"k").await.unwrap().unwrap();
        assert_eq!(entry.value(), round.to_string().as_bytes());
        assert_eq!(entry.revision(), view.head().await.unwrap());
        assert_eq!(entry.key(), "k");
    }
    delete(&view, "k").await;
    assert_eq!(text(&view, "k").await, None);
}

#[tokio::test]
async fn a_read_that_began_before_a_commit_can_not_bring_the_old_value_back() {
    let store = PausableStore::new(Arc::new(MemoryStore::new()));
    let (barrier, share) = unsealed(Arc::clone(&store) as Arc<dyn Store>).await;
    let view = barrier.view();
    put(&view, "k", "old").await;
    barrier.seal();
    barrier.unseal_share(&share).await.unwrap();
    store.gets.send_replace(false);
    let slow = tokio::spawn({
        let view = view.clone();
        async move { text(&view, "k").await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    put(&view, "k", "new").await;
    store.gets.send_replace(true);
    // It overlaps the commit, so either is right; the cache must not keep the old one.
    assert_eq!(slow.await.unwrap().as_deref(), Some("old"));
    assert_eq!(text(&view, "k").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_read_that_found_nothing_before_a_commit_can_not_hide_what_it_put() {
    let store = PausableStore::new(Arc::new(MemoryStore::new()));
    let view = unsealed(Arc::clone(&store) as Arc<dyn Store>).await.0.view();
    store.gets.send_replace(false);
    let slow = tokio::spawn({
        let view = view.clone();
        async move { text(&view, "k").await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    put(&view, "k", "new").await;
    store.gets.send_replace(true);
    assert_eq!(slow.await.unwrap(), None, "it began before the commit");
    assert_eq!(text(&view, "k").await.as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_never_see_less_than_what_was_acknowledged() {
    let view = memory_view().await;
    put(&view, "n", "0").await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (view, acknowledged) = (view.clone(), Arc::clone(&acknowledged));
        tasks.push(tokio::spawn(async move {
            loop {
                let least = acknowledged.load(SeqCst);
                let seen: u64 = text(&view, "n").await.unwrap().parse().unwrap();
                assert!(seen >= least, "saw {seen} after {least} was acknowledged");
                if seen == 2_000 {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }));
    }
    for n in 1..=2_000u64 {
        put(&view, "n", &n.to_string()).await;
        acknowledged.store(n, SeqCst);
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn s1_swapped_and_damaged_records_are_corrupt_and_the_others_are_fine() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let view = unsealed(Arc::clone(&store)).await.0.view();
    for key in ["d/a", "d/b", "d/c", "d/d"] {
        put(&view, key, key).await;
    }
    let raw = |key: &'static [u8]| async { store.get(key).await.unwrap().unwrap().value };
    let mut unknown_term = raw(b"d/c").await.to_vec();
    unknown_term[3] = 9;
    let puts = vec![
        (Bytes::from("d/a"), raw(b"d/b").await),
        (Bytes::from("d/b"), raw(b"d/a").await),
        (Bytes::from("d/c"), Bytes::from(unknown_term)),
    ];
    store.commit(Batch { puts, ..Batch::default() }).await.unwrap();
    for key in ["d/a", "d/b", "d/c"] {
        let error = view.get(key.as_bytes()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("record `{key}` is damaged"));
    }
    let scanned = view.scan(b"d/", None, 10).await.unwrap();
    let fine: Vec<_> = scanned.iter().filter(|(_, entry)| entry.is_ok()).map(|(key, _)| key.clone()).collect();
    assert_eq!((scanned.len(), fine), (4, vec![Bytes::from("d/d")]));
    assert_eq!(text(&view, "d/d").await.as_deref(), Some("d/d"));
}

#[tokio::test]
async fn the_barriers_own_records_are_out_of_reach() {
    let view = memory_view().await;
    for key in ["core/keyring", "core/root-key", "core/seal-config"] {
        assert!(matches!(view.get(key.as_bytes()).await, Err(Error::Reserved { .. })));
        let mut txn = view.txn(Intent::Write);
        txn.delete(key);
        assert!(matches!(txn.commit().await, Err(Error::Reserved { .. })));
    }
    put(&view, "core/mounts", "m").await;
    let scanned = view.scan(b"core/", None, 10).await.unwrap();
    assert_eq!(scanned.len(), 1);
}

#[tokio::test]
async fn the_cache_stays_within_its_bytes() {
    const BYTES_MAX: u64 = 64 * 1024;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (_, share) = unsealed(Arc::clone(&store)).await;
    let barrier = Barrier::new(store, Arc::new(TestRng::new(77)), Config { cache_bytes_max: BYTES_MAX });
    barrier.unseal_share(&share).await.unwrap();
    let view = barrier.view();
    for i in 0..500 {
        let key = format!("d/{i}");
        let mut txn = view.txn(Intent::Write);
        txn.put(key.clone(), vec![7; i * 4]);
        txn.commit().await.unwrap();
        view.get(key.as_bytes()).await.unwrap().unwrap();
    }
    let session = view.inner().session().unwrap();
    assert!(session.cache.weight_bytes() <= BYTES_MAX);
    assert!(session.cache.weight_bytes() > BYTES_MAX / 2);
    barrier.seal();
    assert_eq!(session.cache.weight_bytes(), 0);
}

#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Listener for Log {
    fn changed(&self, changed: Changed<'_>) {
        let keys: Vec<_> = changed.keys().map(|k| k.escape_ascii().to_string()).collect();
        self.0.lock().unwrap().push(format!("{} at {}", keys.join(","), changed.revision().0));
    }

    fn lost(&self) {
        self.0.lock().unwrap().push("lost".into());
    }
}

#[tokio::test]
async fn listeners_hear_of_a_commit_before_it_is_acknowledged_and_of_sealing() {
    let (barrier, _) = unsealed(Arc::new(MemoryStore::new())).await;
    let (view, log) = (barrier.view(), Arc::new(Log::default()));
    view.on_change(Arc::clone(&log) as Arc<dyn Listener>);
    let mut txn = view.txn(Intent::Write);
    txn.put("a", b"1".to_vec());
    txn.delete("b");
    let revision = txn.commit().await.unwrap();
    assert_eq!(log.take(), [format!("a,b at {}", revision.0)]);
    barrier.seal();
    assert_eq!(log.take(), ["lost"]);
}

/// Two nodes on one store; the second through a store that can be held up.
async fn two_nodes() -> (Barrier, Barrier, Arc<PausableStore>) {
    let shared = SharedMemory::new();
    let (a, share) = unsealed(Arc::new(shared.handle())).await;
    let store = PausableStore::new(Arc::new(shared.handle()));
    let b = barrier(Arc::clone(&store) as Arc<dyn Store>);
    b.unseal_share(&share).await.unwrap();
    (a, b, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_on_one_node_is_seen_by_every_request_of_the_other() {
    let (a, b, _) = two_nodes().await;
    let (a, b) = (a.view(), b.view());
    for _ in 0..300 {
        put(&a, "t/token", "live").await;
        b.catch_up().await.unwrap();
        assert_eq!(text(&b, "t/token").await.as_deref(), Some("live"));
        delete(&a, "t/token").await;
        b.catch_up().await.unwrap();
        assert_eq!(text(&b, "t/token").await, None);
    }
}

#[tokio::test]
async fn catching_up_is_free_for_a_sole_writer() {
    let store = PausableStore::new(Arc::new(MemoryStore::new()));
    let view = unsealed(Arc::clone(&store) as Arc<dyn Store>).await.0.view();
    store.heads.send_replace(false);
    crate::testing::now_or_panic(view.catch_up()).unwrap();
    assert_eq!(store.head_calls.load(SeqCst), 0);
}

#[tokio::test]
async fn waiting_requests_share_one_head_call_but_never_one_under_way() {
    let (a, b, store) = two_nodes().await;
    let view = b.view();
    put(&a.view(), "k", "old").await;
    view.catch_up().await.unwrap();
    assert_eq!(text(&view, "k").await.as_deref(), Some("old"));

    let before = store.head_calls.load(SeqCst);
    store.heads.send_replace(false);
    let spawn = || {
        let view = view.clone();
        tokio::spawn(async move {
            view.catch_up().await.unwrap();
            text(&view, "k").await
        })
    };
    let first = spawn();
    while store.head_calls.load(SeqCst) == before {
        tokio::task::yield_now().await;
    }
    // The call under way has read its answer. These ask after the commit, so they need another one.
    put(&a.view(), "k", "new").await;
    let later: Vec<_> = (0..100).map(|_| spawn()).collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    store.heads.send_replace(true);
    first.await.unwrap();
    for request in later {
        assert_eq!(request.await.unwrap().as_deref(), Some("new"));
    }
    assert_eq!(store.head_calls.load(SeqCst) - before, 2);
}

#[tokio::test]
async fn an_interrupted_feed_drops_everything_and_starts_again() {
    let (a, b, store) = two_nodes().await;
    let (view, log) = (b.view(), Arc::new(Log::default()));
    put(&a.view(), "k", "old").await;
    view.catch_up().await.unwrap();
    assert_eq!(text(&view, "k").await.as_deref(), Some("old"));
    view.on_change(Arc::clone(&log) as Arc<dyn Listener>);
    store.cut_feeds().await;
    put(&a.view(), "k", "new").await;
    view.catch_up().await.unwrap();
    assert_eq!(text(&view, "k").await.as_deref(), Some("new"));
    assert!(log.take().contains(&"lost".to_owned()));
    put(&a.view(), "k", "newest").await;
    view.catch_up().await.unwrap();
    assert_eq!(text(&view, "k").await.as_deref(), Some("newest"));
    assert!(log.take().iter().any(|line| line.starts_with("k at ")));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_can_not_reach_the_store_refuses() {
    let (_, b, store) = two_nodes().await;
    let view = b.view();
    view.catch_up().await.unwrap();
    store.heads.send_replace(false);
    assert!(matches!(view.catch_up().await, Err(Error::Behind)));
    store.heads.send_replace(true);
    view.catch_up().await.unwrap();
    b.seal();
    assert!(matches!(view.catch_up().await, Err(Error::Sealed)));
}

#[tokio::test]
async fn sealing_wakes_who_waits_to_catch_up() {
    let (_, b, store) = two_nodes().await;
    let view = b.view();
    view.catch_up().await.unwrap();
    store.heads.send_replace(false);
    let waiting = tokio::spawn(async move { view.catch_up().await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    b.seal();
    assert!(matches!(waiting.await.unwrap(), Err(Error::Sealed)));
}

#[tokio::test]
async fn sealing_wakes_who_waits_for_the_feed() {
    let (_, b, store) = two_nodes().await;
    let (view, log) = (b.view(), Arc::new(Log::default()));
    view.catch_up().await.unwrap();
    view.on_change(Arc::clone(&log) as Arc<dyn Listener>);
    store.cut_feeds().await;
    while log.take().is_empty() {
        tokio::task::yield_now().await;
    }
    let waiting = tokio::spawn(async move { view.catch_up().await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(!waiting.is_finished());
    b.seal();
    assert!(matches!(waiting.await.unwrap(), Err(Error::Sealed)));
}

#[tokio::test]
async fn a_rotation_reaches_the_other_node() {
    let (a, b, _) = two_nodes().await;
    assert_eq!(a.rotate(NOW).await.unwrap(), 2);
    put(&a.view(), "k", "new term").await;
    // Even a node that has not caught up reads it.
    assert_eq!(text(&b.view(), "k").await.as_deref(), Some("new term"));
    assert_eq!(b.key_status().unwrap().term, 2);
    assert_eq!(b.rotate(NOW).await.unwrap(), 3);
    a.view().catch_up().await.unwrap();
    put(&b.view(), "k", "newer").await;
    assert_eq!(text(&a.view(), "k").await.as_deref(), Some("newer"));
}

#[tokio::test]
async fn a_message_of_a_new_term_opens_on_a_node_that_has_caught_up() {
    let (a, b, _) = two_nodes().await;
    b.view().catch_up().await.unwrap();
    a.rotate(NOW).await.unwrap();
    let message = a.seal_message("batch token", b"m").unwrap();
    b.view().catch_up().await.unwrap();
    assert_eq!(b.open_message("batch token", &message).unwrap().expose(), b"m");
}

#[tokio::test]
async fn sealing_frees_the_session_also_on_a_shared_store() {
    let (_, b, _) = two_nodes().await;
    b.view().catch_up().await.unwrap();
    let session = Arc::downgrade(&b.view().inner().session().unwrap());
    b.seal();
    tokio::task::yield_now().await;
    assert!(session.upgrade().is_none());
}
