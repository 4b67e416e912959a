//! Every store call of a ceremony fails in turn, refused or carried out all the same; then the process is gone. Whoever holds
//! keys that the server acknowledged opens the store, alone, and everything is there.

use std::sync::Arc;

use serde_json::json;
use strongroom_core::wire::Headers;
use strongroom_storage::faulty::{Call, Fault};
use strongroom_storage::{FaultyStore, MemoryStore};
use strongroom_testkit::{Options, TestServer, request};

use super::generate_root::decoded;
use super::{House, Set, shares, unseal};

struct Outcome {
    /// The keys that the holders have to believe in.
    believed: Set,
    /// The other set, when the holders know one.
    other: Set,
}

async fn outcome_of(house: &House, verify: bool) -> Outcome {
    let body = json!({ "secret_shares": 2, "secret_threshold": 2, "require_verification": verify });
    let nonce = house.root("POST sys/rotate/root/init", body).await.text("/data/nonce");
    let done = house.give(&nonce, &house.keys[..2]).await;
    let new = shares(&done, "/data/keys");
    let mut is_done = done.at("/data/complete") == true;
    if verify && is_done {
        let verification = done.text("/data/verification_nonce");
        let mut last = None;
        for key in &new {
            last = Some(house.root("POST sys/rotate/root/verify", json!({ "nonce": verification, "key": key })).await);
        }
        is_done = last.unwrap().at("/data/complete") == true;
    }
    match is_done {
        true => Outcome { believed: new, other: house.keys.clone() },
        false => Outcome { believed: house.keys.clone(), other: new },
    }
}

/// A new process on what the store holds.
async fn check(memory: &Arc<MemoryStore>, house: &House, outcome: &Outcome, what: &str) {
    let fresh = || TestServer::make(Options { store: Some(memory.clone()), ..Options::default() }).0;
    let server = fresh();
    assert!(unseal(&server, &outcome.believed).await, "{what}: acknowledged keys do not open");
    let read = request(&server, "GET kv/k", &house.root, "", Headers::default()).await;
    assert_eq!(read.at("/data/v"), 1, "{what}: {read:?}");
    let rotated = request(&server, "POST sys/rotate", &house.root, "{}", Headers::default()).await;
    assert_eq!(rotated.status, 204, "{what}: {rotated:?}");
    drop(server);
    assert!(!unseal(&fresh(), &outcome.other).await, "{what}: two sets of keys open");
    assert!(unseal(&fresh(), &outcome.believed).await, "{what}: not for good");
}

async fn run(fault: Fault, verify: bool, on: Option<Call>) {
    let mut n = 0;
    loop {
        n += 1;
        let memory = Arc::new(MemoryStore::new());
        let store = Arc::new(FaultyStore::new(memory.clone()));
        let house = House::new(Some(store.clone()), Vec::new()).await;
        store.fail_nth(on, n, fault);
        let outcome = outcome_of(&house, verify).await;
        let has_failed = store.failed_total() > 0;
        // The process ends without sealing: nothing more is written.
        store.set_outage(true);
        check(&memory, &house, &outcome, &format!("{fault:?} at call {n} of {on:?}, verify: {verify}")).await;
        if !has_failed || n > 40 {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_replacement_interrupted_at_any_write_leaves_one_set_that_opens() {
    for verify in [false, true] {
        run(Fault::Refuse, verify, Some(Call::Commit)).await;
        run(Fault::ApplyThenFail, verify, Some(Call::Commit)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_replacement_interrupted_at_any_read_leaves_one_set_that_opens() {
    run(Fault::Refuse, false, Some(Call::Get)).await;
}

/// The store goes away in the middle and does not come back before the process ends.
#[tokio::test(flavor = "multi_thread")]
async fn d8_an_outage_after_an_unknown_outcome_leaves_the_old_keys() {
    let memory = Arc::new(MemoryStore::new());
    let store = Arc::new(FaultyStore::new(memory.clone()));
    let house = House::new(Some(store.clone()), Vec::new()).await;
    let nonce = house.start(json!({ "secret_shares": 1, "secret_threshold": 1 })).await;
    house.give(&nonce, &house.keys[..1]).await;
    store.fail_nth(Call::Commit, 1, Fault::ApplyThenFail);
    for n in 1..40 {
        store.fail_nth(Call::Commit, n + 1, Fault::Refuse);
    }
    let failed = house.give(&nonce, &house.keys[1..2]).await;
    assert!(failed.status >= 500, "{failed:?}");
    store.set_outage(true);
    let outcome = Outcome { believed: house.keys.clone(), other: Vec::new() };
    check(&memory, &house, &outcome, "outage").await;
}

/// The same, but the server lives on: it settles the matter as soon as the store is back.
#[tokio::test(flavor = "multi_thread")]
async fn d8_an_unknown_outcome_is_settled_when_the_store_is_back() {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let house = House::new(Some(store.clone()), Vec::new()).await;
    let nonce = house.start(json!({ "secret_shares": 1, "secret_threshold": 1 })).await;
    house.give(&nonce, &house.keys[..1]).await;
    store.fail_nth(Call::Commit, 1, Fault::ApplyThenFail);
    store.fail_nth(Call::Commit, 2, Fault::Refuse);
    store.fail_nth(Call::Commit, 3, Fault::Refuse);
    assert!(house.give(&nonce, &house.keys[1..2]).await.status >= 500);
    store.heal();
    let nonce = house.root("GET sys/rotate/root/init", json!(null)).await.text("/data/nonce");
    let mut done = house.give(&nonce, &house.keys[..2]).await;
    for _ in 0..50 {
        if done.at("/data/complete") == true {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        done = house.give(&nonce, &house.keys[..2]).await;
    }
    let new = shares(&done, "/data/keys");
    assert_eq!(new.len(), 1, "{done:?}");
    assert!(house.reopens_with(&new).await);
}

/// Rotation of the keyring, failed at every write.
#[tokio::test(flavor = "multi_thread")]
async fn d8_a_rotation_interrupted_at_any_write_leaves_everything_readable() {
    for fault in [Fault::Refuse, Fault::ApplyThenFail] {
        for n in 1..4 {
            let memory = Arc::new(MemoryStore::new());
            let store = Arc::new(FaultyStore::new(memory.clone()));
            let house = House::new(Some(store.clone()), Vec::new()).await;
            store.fail_nth(Call::Commit, n, fault);
            house.root("POST sys/rotate", json!({})).await;
            house.root("POST kv/after", json!({ "v": 2 })).await;
            store.heal();
            store.set_outage(true);
            let outcome = Outcome { believed: house.keys.clone(), other: Vec::new() };
            check(&memory, &house, &outcome, &format!("{fault:?} at write {n}")).await;
        }
    }
}

/// A root token from shares, failed at every write: one that was handed out works in a new process, and there is no other.
#[tokio::test(flavor = "multi_thread")]
async fn d8_a_root_token_interrupted_at_any_write_is_there_when_it_was_handed_out() {
    for fault in [Fault::Refuse, Fault::ApplyThenFail] {
        for n in 1.. {
            let memory = Arc::new(MemoryStore::new());
            let store = Arc::new(FaultyStore::new(memory.clone()));
            let house = House::new(Some(store.clone()), Vec::new()).await;
            store.fail_nth(Call::Commit, n, fault);
            let started = house.root("POST sys/generate-root-token/attempt", json!({})).await;
            let mut last = started.clone();
            for key in &house.keys[..2] {
                let given = json!({ "nonce": started.text("/data/nonce"), "key": key });
                last = house.root("POST sys/generate-root-token/update", given).await;
            }
            let has_failed = store.failed_total() > 0;
            store.set_outage(true);
            let server = TestServer::make(Options { store: Some(memory.clone()), ..Options::default() }).0;
            assert!(unseal(&server, &house.keys[..2]).await);
            let accessors = request(&server, "LIST auth/token/accessors", &house.root, "", Headers::default()).await;
            let count = accessors.at("/data/keys").as_array().unwrap().len();
            if last.at("/data/complete") == true {
                let token = decoded(&last.text("/data/encoded_token"), &started.text("/data/otp"));
                let own = request(&server, "GET auth/token/lookup-self", &token, "", Headers::default()).await;
                assert_eq!((own.status, count), (200, 2), "{fault:?} at write {n}: {own:?}");
            } else {
                // Where the outcome was not known there may be one whose text never left the process.
                let most = if fault == Fault::ApplyThenFail { 2 } else { 1 };
                assert!(last.text("/data/encoded_token").is_empty() && count <= most, "{fault:?} at write {n}: {last:?}");
            }
            if !has_failed {
                assert!(n > 1, "it writes");
                break;
            }
        }
    }
}
