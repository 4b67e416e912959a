//! Every call to the store fails, or is the last one: what was acknowledged comes about.

use std::sync::Arc;

use serde_json::json;
use strongroom_storage::faulty::Fault;
use strongroom_storage::{FaultyStore, MemoryStore};
use strongroom_testkit::{Options, TestServer};

use super::{accounts, enable, lookup, soon};

/// What a client was told in a session that a fault may have hit.
#[derive(Default)]
struct Told {
    revoked: Vec<String>,
    token_is_revoked: bool,
    mount_is_gone: bool,
}

async fn session(server: &TestServer) -> Told {
    let mut told = Told::default();
    let token = server.token(json!({ "policies": ["root"], "ttl": "1h" })).await;
    let mut ids = Vec::new();
    for holder in ["root", "root", token.as_str()] {
        let made = server.call("POST l/creds/r", holder, json!({ "ttl": "1h", "max_ttl": "4h" })).await;
        ids.push(made.text("/lease_id"));
    }
    server.call("POST sys/leases/renew", "root", json!({ "lease_id": ids[0] })).await;
    for (id, sync) in [(&ids[0], true), (&ids[1], false)] {
        let reply = server.call("POST sys/leases/revoke", "root", json!({ "lease_id": id, "sync": sync })).await;
        if reply.status == 204 && !id.is_empty() {
            told.revoked.push(id.clone());
        }
    }
    told.token_is_revoked = server.call("POST auth/token/revoke", "root", json!({ "token": token })).await.status == 204;
    server.call("POST l/creds/r", "root", json!({ "ttl": "1h" })).await;
    told.mount_is_gone = server.call("DELETE sys/mounts/l", "root", json!(null)).await.status == 204;
    told
}

/// How the n-th call to the store goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mishap {
    /// It fails, and the server goes on.
    Fails(Fault),
    /// It and all later ones fail, and another process goes on with what the store then holds.
    Crash,
}

/// One session with one mishap: what was acknowledged comes about, and no index entry is left over. False when the session was
/// over before the call came.
async fn one_mishap(mishap: Mishap, n: u64) -> bool {
    let inner = Arc::new(MemoryStore::new());
    let store = Arc::new(FaultyStore::new(inner.clone()));
    let mut server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
    enable(&server, "l").await;
    match mishap {
        Mishap::Fails(fault) => store.fail_nth(None, n, fault),
        Mishap::Crash => (n..n + 300).for_each(|n| store.fail_nth(None, n, Fault::Refuse)),
    }
    let told = session(&server).await;
    let has_failed = store.failed_total() > 0;
    if mishap == Mishap::Crash {
        store.set_outage(true);
        let (again, clock) = TestServer::make(Options { store: Some(inner.clone()), ..Options::default() });
        clock.advance_s(60);
        server = TestServer { server: again, clock, unseal_key: server.unseal_key };
        server.call("POST sys/unseal", "", json!({ "key": server.unseal_key })).await;
    }
    store.heal();
    for id in &told.revoked {
        soon("an acknowledged revocation", async || lookup(&server, id).await.status == 400).await;
    }
    if told.mount_is_gone {
        let removals = async || server.call("GET sys/leases/removals", "root", json!(null)).await.at("/data/removals");
        soon("the end of the removal", async || removals().await == json!([])).await;
        for area in ["v/", "b/", "z/", "l/"] {
            let left = strongroom_storage::Store::scan(&*inner, area.as_bytes(), None, 9).await.unwrap();
            assert!(left.is_empty(), "{mishap:?} at call {n}: {area} {:?}", left.first());
        }
    } else if told.token_is_revoked {
        server.call("POST sys/leases/revoke-prefix/l", "root", json!({ "sync": true })).await;
        assert_eq!(accounts(&server, "l").await, 0, "{mishap:?} at call {n}");
    }
    has_failed
}

/// Every call to the store in its turn; many sessions at once, because most of each is waiting.
async fn every_call(mishap: Mishap) {
    let mut n = 1;
    loop {
        let mut sessions = tokio::task::JoinSet::new();
        let all = tokio::task::LocalSet::new();
        (n..n + 32).for_each(|n| drop(sessions.spawn_local_on(one_mishap(mishap, n), &all)));
        n += 32;
        if !all.run_until(sessions.join_all()).await.into_iter().all(|has_failed| has_failed) {
            assert!(n > 60, "the session makes more store calls than that");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_comes_about_whichever_call_is_refused() {
    every_call(Mishap::Fails(Fault::Refuse)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_comes_about_whichever_call_has_a_doubtful_outcome() {
    every_call(Mishap::Fails(Fault::ApplyThenFail)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_comes_about_at_whichever_call_the_server_dies() {
    every_call(Mishap::Crash).await;
}
