#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "test code")]

use std::io::Cursor;
use std::sync::Arc;

use strongroom_storage::{FaultyStore, MemoryStore, Store};

use super::*;
use crate::testing::{NOW, barrier, put, text, unsealed};
use crate::{Intent, State};

const AREAS: Areas = Areas { local: &[b"a/"], of_keys: &[b"k/"] };

fn saved(barrier: &Barrier) -> Vec<u8> {
    let mut file = Vec::new();
    let mut saved = barrier.save_snapshot("0.1.0", NOW).unwrap();
    saved.file.read_to_end(&mut file).unwrap();
    assert_eq!(saved.bytes, file.len() as u64);
    file
}

fn check(barrier: &Barrier, file: &[u8], keys: Keys) -> Result<Checked> {
    barrier.check_snapshot(Box::new(Cursor::new(file.to_vec())), keys)
}

async fn dump(store: &dyn Store) -> Vec<(Bytes, Record)> {
    store.scan(b"", None, usize::MAX).await.unwrap()
}

#[tokio::test]
async fn a_snapshot_restores_to_the_same_bytes_and_the_barrier_opens_by_itself() {
    let store = Arc::new(MemoryStore::new());
    let (barrier, _) = unsealed(store.clone()).await;
    let view = barrier.view();
    for (key, value) in [("b/1", "one"), ("b/2", "two"), ("a/log", "before"), ("k/x", "before")] {
        put(&view, key, value).await;
    }
    let (before, file) = (dump(&*store).await, saved(&barrier));
    assert!(!file.windows(3).any(|w| w == b"one"), "values stay sealed");
    for (key, value) in [("b/1", "changed"), ("b/3", "added"), ("a/log", "after"), ("k/x", "after")] {
        put(&view, key, value).await;
    }
    barrier.rotate(NOW).await.unwrap();
    let mut stale = view.txn(Intent::Write);
    stale.put(&b"b/9"[..], b"from before".to_vec());

    let checked = check(&barrier, &file, Keys::Same).unwrap();
    barrier.restore(checked, AREAS).await.unwrap();
    assert!(!barrier.is_sealed());
    assert_eq!(text(&view, "b/1").await.as_deref(), Some("one"));
    assert_eq!(text(&view, "b/3").await, None);
    assert_eq!(text(&view, "a/log").await.as_deref(), Some("after"), "this machine's");
    assert_eq!(text(&view, "k/x").await.as_deref(), Some("after"), "of today's keys");
    let is_of_snapshot = |(key, _): &&(Bytes, Record)| key.starts_with(b"b/");
    let now = dump(&*store).await;
    assert!(now.iter().filter(is_of_snapshot).eq(before.iter().filter(is_of_snapshot)));
    assert!(matches!(stale.commit().await, Err(Error::Sealed)), "a transaction from before the restore changes nothing");
    put(&view, "b/4", "under the newest term").await;
    assert_eq!(text(&view, "b/4").await.as_deref(), Some("under the newest term"));
    assert!(barrier.restored().await.unwrap().is_some());
    barrier.settle_restored().await.unwrap();
    assert!(barrier.restored().await.unwrap().is_none());
}

#[tokio::test]
async fn cve_2026_105816_a_snapshot_changed_anywhere_or_cut_anywhere_is_refused_and_changes_nothing() {
    let store = Arc::new(MemoryStore::new());
    let (barrier, _) = unsealed(store.clone()).await;
    put(&barrier.view(), "b/1", "one").await;
    let (file, before) = (saved(&barrier), dump(&*store).await);
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(check(&barrier, &changed, Keys::Same).is_err(), "{at}");
        assert!(check(&barrier, &file[..at], Keys::Same).is_err(), "cut at {at}");
        assert!(check(&barrier, &file[..at], Keys::Other).is_err(), "cut at {at}");
    }
    assert!(check(&barrier, &[file.as_slice(), b"x"].concat(), Keys::Same).is_err());
    assert_eq!(dump(&*store).await, before);
    assert!(check(&barrier, &file, Keys::Same).is_ok());
}

#[tokio::test]
async fn a_snapshot_of_other_keys_is_refused_unless_it_is_forced_and_then_needs_its_own() {
    let store = Arc::new(MemoryStore::new());
    let (theirs, their_share) = unsealed(Arc::new(MemoryStore::new())).await;
    let (ours, our_share) = unsealed(store.clone()).await;
    put(&theirs.view(), "b/1", "theirs").await;
    put(&theirs.view(), "a/log", "theirs").await;
    put(&ours.view(), "b/1", "ours").await;
    put(&ours.view(), "a/log", "ours").await;
    let file = saved(&theirs);
    assert!(matches!(check(&ours, &file, Keys::Same), Err(Error::ForeignSnapshot)));
    let checked = check(&ours, &file, Keys::Other).unwrap();
    ours.restore(checked, AREAS).await.unwrap();
    assert!(ours.is_sealed());
    assert!(matches!(ours.unseal_share(&our_share).await, Err(Error::InvalidKey)));
    assert!(matches!(ours.unseal_share(&their_share).await.unwrap(), State::Unsealed { .. }));
    assert_eq!(text(&ours.view(), "b/1").await.as_deref(), Some("theirs"));
    assert_eq!(text(&ours.view(), "a/log").await, None, "facts of a machine are of neither");
}

#[tokio::test]
async fn a_forced_snapshot_that_was_changed_never_opens() {
    let (theirs, their_share) = unsealed(Arc::new(MemoryStore::new())).await;
    put(&theirs.view(), "b/1", "theirs").await;
    put(&theirs.view(), "b/2", "theirs").await;
    // Leaves a record out, with a sound digest: only the signature can tell.
    let file = saved(&theirs);
    let mut from = Cursor::new(file.as_slice());
    let head = Head::read(&mut from).unwrap();
    let mut writer = Writer::new(Vec::new());
    for entry in Entries::new(&head, from).map(|e| e.unwrap()).filter(|e| e.key != b"b/2".as_slice()) {
        writer.write(&entry.key, entry.revision, &entry.value).unwrap();
    }
    let (content, tally) = writer.finish().unwrap();
    let header = Header {
        entry_count: tally.entry_count,
        content_bytes: tally.content_bytes,
        sha256: tally.sha256,
        ..head.header.clone()
    };
    let forged = [Head::new(header, |_| *head.mac()).unwrap().to_bytes(), content].concat();

    let (ours, _) = unsealed(Arc::new(MemoryStore::new())).await;
    assert!(matches!(check(&ours, &forged, Keys::Same), Err(Error::ForeignSnapshot)));
    let checked = check(&ours, &forged, Keys::Other).unwrap();
    ours.restore(checked, AREAS).await.unwrap();
    assert!(matches!(ours.unseal_share(&their_share).await, Err(Error::ForeignSnapshot)));
    assert!(ours.is_sealed());
}

#[tokio::test]
async fn a_copy_that_went_its_own_way_is_told_from_the_store() {
    let first = Arc::new(MemoryStore::new());
    let (ours, share) = unsealed(first.clone()).await;
    put(&ours.view(), "b/1", "shared past").await;
    // The same store on another machine, with a term of its own.
    let second = Arc::new(MemoryStore::new());
    let contents = dump(&*first).await.into_iter().map(Ok);
    let with = Replacement { contents: Box::new(contents), revision: Revision(9), keeps: Vec::new(), puts: Vec::new() };
    second.whole().unwrap().replace_all(with).await.unwrap();
    let twin = barrier(second);
    twin.unseal_share(&share).await.unwrap();
    twin.rotate(NOW).await.unwrap();
    put(&twin.view(), "b/2", "under the twin's term").await;
    assert!(matches!(check(&ours, &saved(&twin), Keys::Same), Err(Error::ForeignSnapshot)));
}

#[tokio::test]
async fn a_store_that_fails_while_it_is_replaced_stays_and_opens_again() {
    let inner = Arc::new(MemoryStore::new());
    let faulty = Arc::new(FaultyStore::new(inner.clone()));
    let (barrier, _) = unsealed(faulty).await;
    put(&barrier.view(), "b/1", "one").await;
    let file = saved(&barrier);
    let mut checked = check(&barrier, &file, Keys::Same).unwrap();
    // As if the disk gave other bytes the second time.
    let mut changed = file.clone();
    *changed.last_mut().unwrap() ^= 1;
    checked.file = Box::new(Cursor::new(changed));
    let before = dump(&*inner).await;
    assert!(barrier.restore(checked, AREAS).await.is_err());
    assert_eq!(dump(&*inner).await, before);
    assert_eq!(text(&barrier.view(), "b/1").await.as_deref(), Some("one"));
}
