#![allow(clippy::arithmetic_side_effects)]

use std::sync::Arc;

use bytes::Bytes;
use strongroom_storage::faulty::{Call, Fault};
use strongroom_storage::{Batch, FaultyStore, MemoryStore, Revision, SharedMemory, Store};

use super::*;
use crate::Intent;
use crate::seal::Progress;
use crate::testing::{NOW, barrier, now_or_panic, put, text, unsealed};

fn hexes(output: &InitOutput) -> Vec<String> {
    output.shares.iter().map(|s| hex::encode(s.expose())).collect()
}

async fn initialised(store: &Arc<MemoryStore>, shares: u8, threshold: u8) -> (Barrier, Vec<String>) {
    let barrier = barrier(Arc::clone(store) as Arc<dyn Store>);
    let output = barrier.initialise(shares, threshold, NOW, |_| Ok(())).await.unwrap();
    (barrier, hexes(&output))
}

fn given(state: State) -> u8 {
    match state {
        State::Sealed { progress, .. } => progress.given,
        other => panic!("not sealed: {other:?}"),
    }
}

#[tokio::test]
async fn every_threshold_of_shares_unseals_and_sealing_ends_all_access() {
    let store = Arc::new(MemoryStore::new());
    let (barrier, shares) = initialised(&store, 5, 3).await;
    let view = barrier.view();
    for set in [[0, 1, 2], [4, 2, 0], [3, 1, 4]] {
        assert!(barrier.is_sealed());
        assert!(matches!(view.get(b"k").await, Err(Error::Sealed)));
        for (n, i) in set.iter().enumerate() {
            let state = barrier.unseal_share(&shares[*i]).await.unwrap();
            assert_eq!(matches!(state, State::Unsealed { .. }), n == 2);
        }
        put(&view, "k", "v").await;
        assert_eq!(text(&view, "k").await.as_deref(), Some("v"));
        barrier.seal();
    }
    assert!(matches!(view.get(b"k").await, Err(Error::Sealed)));
    assert!(matches!(view.list(b"", None, 9).await, Err(Error::Sealed)));
    assert!(matches!(view.scan(b"", None, 9).await, Err(Error::Sealed)));
    assert!(matches!(barrier.derive("x"), Err(Error::Sealed)));
    assert!(matches!(barrier.seal_message("x", b""), Err(Error::Sealed)));
    assert!(matches!(barrier.open_message("x", b""), Err(Error::Sealed)));
    assert!(matches!(barrier.rotate(NOW).await, Err(Error::Sealed)));
    assert!(matches!(barrier.key_status(), Err(Error::Sealed)));
    let mut txn = view.txn(Intent::Write);
    txn.put(&b"k"[..], b"x".to_vec());
    assert!(matches!(txn.commit().await, Err(Error::Sealed)));
}

#[tokio::test]
async fn wrong_shares_start_progress_again_and_say_nothing_else() {
    let store = Arc::new(MemoryStore::new());
    let (barrier, shares) = initialised(&store, 3, 2).await;
    let foreign = initialised(&Arc::new(MemoryStore::new()), 3, 2).await.1;
    assert_eq!(given(barrier.unseal_share(&shares[0]).await.unwrap()), 1);
    let refused = barrier.unseal_share(&foreign[1]).await.unwrap_err();
    assert!(refused.to_string().starts_with("unable to retrieve stored keys: invalid key: "), "{refused}");
    assert!(matches!(barrier.state().await.unwrap(), State::Sealed { progress, .. } if progress == Progress::default()));
    assert_eq!(given(barrier.unseal_share(&shares[0]).await.unwrap()), 1);
    barrier.reset_unsealing();
    assert_eq!(given(barrier.unseal_share(&shares[1]).await.unwrap()), 1);
    barrier.unseal_share(&shares[2]).await.unwrap();
    assert!(!barrier.is_sealed());
    // An unsealed barrier looks at no share.
    assert!(matches!(barrier.unseal_share(&foreign[0]).await.unwrap(), State::Unsealed { .. }));
}

#[tokio::test]
async fn one_share_is_the_key_and_a_restart_needs_it_again() {
    let store = Arc::new(MemoryStore::new());
    let (barrier, share) = unsealed(Arc::clone(&store) as Arc<dyn Store>).await;
    assert_eq!(share.len(), 64);
    put(&barrier.view(), "k", "v").await;
    let key = barrier.derive("token mac").unwrap();
    let restarted = crate::testing::barrier(store);
    assert!(restarted.is_sealed());
    restarted.unseal_share(&share).await.unwrap();
    assert_eq!(text(&restarted.view(), "k").await.as_deref(), Some("v"));
    assert!(restarted.derive("token mac").unwrap().eq_constant_time(key.expose()));
}

#[tokio::test]
async fn initialising_happens_once_with_the_callers_entries_in_the_same_commit() {
    let store = Arc::new(MemoryStore::new());
    let barrier = barrier(Arc::clone(&store) as Arc<dyn Store>);
    assert_eq!(barrier.state().await.unwrap(), State::Uninitialised);
    assert!(matches!(barrier.unseal_share(&"ab".repeat(32)).await, Err(Error::NotInitialised)));
    let mut derived = None;
    let output = barrier
        .initialise(1, 1, NOW, |sealer| {
            derived = Some(sealer.derive("token mac")?);
            sealer.put("t/root", b"secret")?;
            sealer.put_plain("core/name", "clear")
        })
        .await
        .unwrap();
    assert_eq!(store.head().await.unwrap(), output.revision);
    assert_eq!(output.revision, Revision(1));
    assert_eq!(store.get(b"core/name").await.unwrap().unwrap().value, "clear");
    assert!(barrier.is_sealed());
    barrier.unseal_share(&hexes(&output)[0]).await.unwrap();
    assert_eq!(text(&barrier.view(), "t/root").await.as_deref(), Some("secret"));
    assert!(barrier.derive("token mac").unwrap().eq_constant_time(derived.unwrap().expose()));
    assert!(matches!(barrier.initialise(1, 1, NOW, |_| Ok(())).await, Err(Error::AlreadyInitialised)));
}

#[tokio::test]
async fn a_race_to_initialise_has_one_winner() {
    let shared = SharedMemory::new();
    let (a, b) = (barrier(Arc::new(shared.handle())), barrier(Arc::new(shared.handle())));
    // Both have seen an empty store before either commits.
    let late = b.initialise(1, 1, NOW, |_| now_or_panic(a.initialise(1, 1, NOW, |_| Ok(()))).map(drop));
    assert!(matches!(late.await, Err(Error::AlreadyInitialised)));
    assert!(a.is_initialised().await.unwrap());
}

#[tokio::test]
async fn a_failed_closure_or_a_reserved_key_initialises_nothing() {
    let barrier = barrier(Arc::new(MemoryStore::new()));
    let failed = barrier.initialise(1, 1, NOW, |_| Err(Error::Conflict)).await;
    assert!(matches!(failed, Err(Error::Conflict)));
    let failed = barrier.initialise(1, 1, NOW, |sealer| sealer.put_plain(KEYRING, "mine")).await;
    assert!(matches!(failed, Err(Error::Reserved { .. })));
    assert!(!barrier.is_initialised().await.unwrap());
}

#[tokio::test]
async fn rotation_adds_a_term_and_keeps_old_values_readable() {
    let store = Arc::new(MemoryStore::new());
    let (barrier, share) = unsealed(Arc::clone(&store) as Arc<dyn Store>).await;
    let view = barrier.view();
    put(&view, "old", "1").await;
    let key = barrier.derive("p").unwrap();
    assert_eq!(barrier.key_status().unwrap().encryptions, 1);
    for term in 2..=4 {
        assert_eq!(barrier.rotate(NOW).await.unwrap(), term);
    }
    let status = barrier.key_status().unwrap();
    assert_eq!(status, KeyStatus { term: 4, installed_at: NOW, encryptions: 0, rotation_due: false });
    put(&view, "new", "2").await;
    barrier.seal();
    barrier.unseal_share(&share).await.unwrap();
    assert_eq!(text(&view, "old").await.as_deref(), Some("1"));
    assert_eq!(text(&view, "new").await.as_deref(), Some("2"));
    assert_eq!(store.get(b"new").await.unwrap().unwrap().value[4], 4);
    assert!(barrier.derive("p").unwrap().eq_constant_time(key.expose()));
}

#[tokio::test]
async fn a_rotation_never_overwrites_that_of_another_node() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (a, share) = unsealed(Arc::clone(&store)).await;
    let b = barrier(store);
    b.unseal_share(&share).await.unwrap();
    assert_eq!(a.rotate(NOW).await.unwrap(), 2);
    put(&a.view(), "k", "term 2").await;
    assert!(matches!(b.rotate(NOW).await, Err(Error::Conflict)));
    assert_eq!(b.key_status().unwrap().term, 2);
    assert_eq!(b.rotate(NOW).await.unwrap(), 3);
    assert_eq!(text(&b.view(), "k").await.as_deref(), Some("term 2"));
}

#[tokio::test]
async fn messages_open_for_their_purpose_only_also_after_rotation_and_restart() {
    let store = Arc::new(MemoryStore::new());
    let (barrier, share) = unsealed(store).await;
    let message = barrier.seal_message("batch token", b"facts").unwrap();
    barrier.rotate(NOW).await.unwrap();
    barrier.seal();
    barrier.unseal_share(&share).await.unwrap();
    assert_eq!(barrier.open_message("batch token", &message).unwrap().expose(), b"facts");
    assert!(matches!(barrier.open_message("other", &message), Err(Error::InvalidMessage)));
    for at in 0..message.len() {
        let mut changed = message.clone();
        changed[at] ^= 0x40;
        assert!(matches!(barrier.open_message("batch token", &changed), Err(Error::InvalidMessage)), "{at}");
        assert!(matches!(barrier.open_message("batch token", &message[..at]), Err(Error::InvalidMessage)), "{at}");
    }
}

#[tokio::test]
async fn damaged_barrier_records_are_named_and_keep_it_sealed() {
    for key in [SEAL_CONFIG, ROOT_KEY, KEYRING] {
        let store = Arc::new(MemoryStore::new());
        let (_, shares) = initialised(&store, 1, 1).await;
        let puts = vec![(Bytes::from_static(key), Bytes::from_static(b"\x01 not what was written here"))];
        store.commit(Batch { puts, ..Batch::default() }).await.unwrap();
        let restarted = barrier(store as Arc<dyn Store>);
        let refused = restarted.unseal_share(&shares[0]).await.unwrap_err();
        match refused {
            Error::InvalidKey => assert_eq!(key, ROOT_KEY),
            Error::Corrupt { key: named } => assert_eq!(named, key),
            other => panic!("{other}"),
        }
        assert!(restarted.is_sealed());
    }
}

/// Fails every single store call of the life of a barrier, then checks that a retry or a restart comes to the same end.
#[tokio::test]
async fn any_failing_store_call_leaves_a_usable_barrier() {
    for fault in [Fault::Refuse, Fault::ApplyThenFail] {
        for n in 1..=12 {
            let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
            let (setup, share) = unsealed(Arc::clone(&memory)).await;
            put(&setup.view(), "k", "v").await;
            let faulty = Arc::new(FaultyStore::new(Arc::clone(&memory)));
            let tried = barrier(Arc::clone(&faulty) as Arc<dyn Store>);
            faulty.fail_nth(None, n, fault);
            let failed = life(&tried, &share).await.is_err();
            assert!(failed || faulty.calls_total() < n, "call {n} failed and nobody heard");
            faulty.heal();
            life(&tried, &share).await.unwrap();
            let restarted = barrier(memory);
            life(&restarted, &share).await.unwrap();
            assert_eq!(text(&restarted.view(), "k").await.as_deref(), Some("v"));
        }
    }
}

async fn life(barrier: &Barrier, share: &str) -> Result<()> {
    barrier.unseal_share(share).await?;
    let view = barrier.view();
    view.get(b"k").await?.expect("it was written before");
    // A conflict means that an earlier try got through after all.
    match barrier.rotate(NOW).await {
        Ok(_) | Err(Error::Conflict) => {}
        Err(other) => return Err(other),
    }
    let mut txn = view.txn(Intent::Write);
    let read = txn.get(b"again").await?.map(|e| e.value().to_vec()).unwrap_or_default();
    txn.put("again", [read, b"x".to_vec()].concat());
    txn.list(b"", None, 10).await?;
    txn.commit().await?;
    view.scan(b"", None, 10).await?.into_iter().try_for_each(|(_, entry)| entry.map(drop))
}

#[tokio::test]
async fn a_failed_initialisation_can_be_repeated() {
    let faulty = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let barrier = barrier(Arc::clone(&faulty) as Arc<dyn Store>);
    faulty.fail_nth(Call::Commit, 1, Fault::Refuse);
    assert!(barrier.initialise(3, 2, NOW, |_| Ok(())).await.is_err());
    assert_eq!(barrier.state().await.unwrap(), State::Uninitialised);
    let shares = hexes(&barrier.initialise(3, 2, NOW, |_| Ok(())).await.unwrap());
    barrier.unseal_share(&shares[2]).await.unwrap();
    barrier.unseal_share(&shares[0]).await.unwrap();
    assert!(!barrier.is_sealed());
}
