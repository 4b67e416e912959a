#![allow(clippy::arithmetic_side_effects)]

use std::sync::Arc;

use strongroom_storage::faulty::Fault;
use strongroom_storage::{FaultyStore, MemoryStore, SharedMemory, Store};

use super::*;
use crate::State;
use crate::shamir;
use crate::testing::{NOW, barrier, put, text};

type Set = Vec<String>;

fn hexes(shares: &[SecretBytes]) -> Set {
    shares.iter().map(|s| hex::encode(s.expose())).collect()
}

/// Three shares, two of which open; unsealed, with an entry.
async fn started(store: Arc<dyn Store>) -> (Barrier, Vec<SecretBytes>) {
    let barrier = barrier(store);
    let made = barrier.initialise(3, 2, NOW, |_| Ok(())).await.unwrap();
    for share in hexes(&made.shares).iter().take(2) {
        barrier.unseal_share(share).await.unwrap();
    }
    put(&barrier.view(), "k", "v").await;
    (barrier, made.shares)
}

async fn prepared(barrier: &Barrier, shares: &[SecretBytes], config: SealConfig) -> Replacement {
    let quorum = barrier.prove(shamir::combine(&shares[..2]).unwrap()).await.unwrap();
    barrier.prepare_replacement(quorum, config).unwrap()
}

/// A fresh process on the store, if this set opens it.
async fn opened(store: Arc<dyn Store>, set: &[String]) -> Option<Barrier> {
    let barrier = barrier(store);
    for share in set {
        if matches!(barrier.unseal_share(share).await, Ok(State::Unsealed { .. })) {
            return Some(barrier);
        }
    }
    None
}

/// Whether this set opens the store, and what was written can be read then.
async fn opens(store: Arc<dyn Store>, set: &[String]) -> bool {
    let Some(barrier) = opened(store, set).await else { return false };
    assert_eq!(text(&barrier.view(), "k").await.as_deref(), Some("v"));
    true
}

#[tokio::test]
async fn new_keys_replace_the_old_ones_at_once_and_for_good() {
    let store = Arc::new(MemoryStore::new());
    let (barrier, old) = started(store.clone()).await;
    let new = prepared(&barrier, &old, SealConfig::shamir(5, 3).unwrap()).await;
    barrier.replace(&new, vec![(Bytes::from_static(b"backup"), b"b".to_vec())]).await.unwrap();
    barrier.confirm(&new).await.unwrap();
    assert_eq!(barrier.seal_config().await.unwrap().unwrap().threshold, 3);
    assert_eq!(text(&barrier.view(), "backup").await.as_deref(), Some("b"));
    put(&barrier.view(), "after", "x").await;
    assert_eq!(barrier.rotate(NOW).await.unwrap(), 2);
    assert!(matches!(barrier.prove(shamir::combine(&old[..2]).unwrap()).await, Err(Error::InvalidKey)));
    barrier.seal();
    assert!(!opens(store.clone(), &hexes(&old)).await);
    assert!(opens(store, &hexes(&new.shares()[2..])).await);
}

#[tokio::test]
async fn without_proof_of_the_old_keys_there_is_no_replacement() {
    let (barrier, _) = started(Arc::new(MemoryStore::new())).await;
    assert!(matches!(barrier.prove(SecretBytes::new(vec![7; 32])).await, Err(Error::InvalidKey)));
    barrier.seal();
    assert!(matches!(barrier.prove(SecretBytes::new(vec![7; 32])).await, Err(Error::Sealed)));
}

#[tokio::test]
async fn a_proof_does_not_outlive_the_keys_that_it_is_of() {
    let (barrier, old) = started(Arc::new(MemoryStore::new())).await;
    let config = SealConfig::shamir(1, 1).unwrap();
    let slow = prepared(&barrier, &old, config.clone()).await;
    let quick = prepared(&barrier, &old, config).await;
    barrier.replace(&quick, Vec::new()).await.unwrap();
    assert!(matches!(barrier.replace(&slow, Vec::new()).await, Err(Error::Conflict)));
}

/// A crash between the replacement and its confirmation: the set that somebody has opens, and then it alone.
#[tokio::test]
async fn before_the_confirmation_whichever_set_comes_first_stays() {
    for old_first in [true, false] {
        let store = Arc::new(MemoryStore::new());
        let (barrier, old) = started(store.clone()).await;
        let new = prepared(&barrier, &old, SealConfig::shamir(2, 2).unwrap()).await;
        put(&barrier.view(), "backup", "before").await;
        barrier.replace(&new, vec![(Bytes::from_static(b"backup"), b"after".to_vec())]).await.unwrap();
        drop(barrier);
        let (old, new) = (hexes(&old), hexes(new.shares()));
        let (first, second) = if old_first { (&old, &new) } else { (&new, &old) };
        assert!(opens(store.clone(), first).await, "old first: {old_first}");
        assert!(!opens(store.clone(), second).await, "old first: {old_first}");
        assert!(opens(store.clone(), first).await);
        let again = opened(store, first).await.unwrap();
        let backup = if old_first { "before" } else { "after" };
        assert_eq!(text(&again.view(), "backup").await.as_deref(), Some(backup));
    }
}

/// Old keys of which more are needed than of the new ones, and the other way round.
#[tokio::test]
async fn both_sets_may_need_different_numbers_of_shares() {
    for (shares, threshold) in [(1, 1), (5, 4)] {
        let store = Arc::new(MemoryStore::new());
        let (barrier, old) = started(store.clone()).await;
        let new = prepared(&barrier, &old, SealConfig::shamir(shares, threshold).unwrap()).await;
        barrier.replace(&new, Vec::new()).await.unwrap();
        drop(barrier);
        assert!(opens(store.clone(), &hexes(&old)).await, "{shares}/{threshold}");
        assert!(!opens(store, &hexes(new.shares())).await, "{shares}/{threshold}");
    }
}

#[tokio::test]
async fn a_replacement_that_was_taken_back_leaves_the_old_keys() {
    let store = Arc::new(MemoryStore::new());
    let (barrier, old) = started(store.clone()).await;
    let new = prepared(&barrier, &old, SealConfig::shamir(1, 1).unwrap()).await;
    barrier.replace(&new, vec![(Bytes::from_static(b"backup"), b"b".to_vec())]).await.unwrap();
    barrier.take_back(&new).await.unwrap();
    assert_eq!(barrier.seal_config().await.unwrap().unwrap().threshold, 2);
    assert_eq!(text(&barrier.view(), "backup").await, None);
    assert_eq!(barrier.rotate(NOW).await.unwrap(), 2);
    let next = prepared(&barrier, &old, SealConfig::shamir(1, 1).unwrap()).await;
    drop((barrier, next));
    assert!(!opens(store.clone(), &hexes(new.shares())).await);
    assert!(opens(store, &hexes(&old)).await);
}

/// Every store call of a replacement fails in turn. Whoever was told of a failure still has keys that open; whoever has
/// new keys confirmed has those alone.
#[tokio::test]
async fn a_replacement_that_fails_at_any_call_leaves_a_set_that_opens() {
    for fault in [Fault::Refuse, Fault::ApplyThenFail] {
        for takes_back in [true, false] {
            let mut n = 0;
            loop {
                n += 1;
                let memory = Arc::new(MemoryStore::new());
                let store = Arc::new(FaultyStore::new(memory.clone()));
                let (barrier, old) = started(store.clone()).await;
                let new = prepared(&barrier, &old, SealConfig::shamir(2, 2).unwrap()).await;
                store.fail_nth(None, n, fault);
                let replaced = barrier.replace(&new, Vec::new()).await;
                let confirmed = replaced.is_ok() && barrier.confirm(&new).await.is_ok();
                let has_failed = store.failed_total() > 0;
                store.heal();
                let what = format!("{fault:?} at call {n}, takes back: {takes_back}");
                if replaced.is_err() && takes_back {
                    barrier.take_back(&new).await.unwrap();
                    assert!(!opens(memory.clone(), &hexes(new.shares())).await, "{what}");
                }
                put(&barrier.view(), "k", "v").await;
                drop(barrier);
                let (known, other) =
                    if replaced.is_ok() { (hexes(new.shares()), hexes(&old)) } else { (hexes(&old), hexes(new.shares())) };
                assert!(opens(memory.clone(), &known).await, "{what}");
                assert!(!opens(memory.clone(), &other).await, "{what}");
                if !has_failed {
                    assert!(confirmed && n > 3, "{what}");
                    break;
                }
            }
        }
    }
}

/// `take_back` itself fails at every call, and is tried again.
#[tokio::test]
async fn taking_back_may_be_tried_until_it_succeeds() {
    for fault in [Fault::Refuse, Fault::ApplyThenFail] {
        for n in 1..8 {
            let memory = Arc::new(MemoryStore::new());
            let store = Arc::new(FaultyStore::new(memory.clone()));
            let (barrier, old) = started(store.clone()).await;
            let new = prepared(&barrier, &old, SealConfig::shamir(2, 2).unwrap()).await;
            barrier.replace(&new, Vec::new()).await.unwrap();
            store.fail_nth(None, n, fault);
            let _ = barrier.take_back(&new).await;
            store.heal();
            barrier.take_back(&new).await.unwrap();
            put(&barrier.view(), "k", "v").await;
            drop(barrier);
            assert!(!opens(memory.clone(), &hexes(new.shares())).await, "{fault:?} {n}");
            assert!(opens(memory, &hexes(&old)).await, "{fault:?} {n}");
        }
    }
}

/// A node that did not replace the keys goes on working, with what the other one left for it.
#[tokio::test]
async fn another_node_takes_the_new_root_key_over() {
    let shared = SharedMemory::new();
    let (one, old) = started(Arc::new(shared.handle())).await;
    let two = barrier(Arc::new(shared.handle()));
    for share in hexes(&old).iter().take(2) {
        two.unseal_share(share).await.unwrap();
    }
    let new = prepared(&one, &old, SealConfig::shamir(2, 2).unwrap()).await;
    one.replace(&new, Vec::new()).await.unwrap();
    two.view().catch_up().await.unwrap();
    one.confirm(&new).await.unwrap();
    one.rotate(NOW).await.unwrap();
    put(&one.view(), "under-term-two", "x").await;
    two.view().catch_up().await.unwrap();
    assert_eq!(text(&two.view(), "under-term-two").await.as_deref(), Some("x"));
    assert_eq!(two.seal_config().await.unwrap().unwrap().threshold, 2);
    assert_eq!(two.rotate(NOW).await.unwrap(), 3);
    assert!(!opens(Arc::new(shared.handle()), &hexes(&old)).await);
    assert!(opens(Arc::new(shared.handle()), &hexes(new.shares())).await);
}
