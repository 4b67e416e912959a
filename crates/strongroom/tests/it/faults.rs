//! The n-th store call fails, for every n: nothing acknowledged is lost, nothing revoked is honoured, nothing is half done.

use std::sync::Arc;

use serde_json::json;
use strongroom_storage::faulty::Fault;
use strongroom_storage::{FaultyStore, MemoryStore};
use strongroom_testkit::{Options, Reply, TestServer};

/// What the session was told.
#[derive(Default)]
struct Told {
    written: Option<u64>,
    is_revoked: bool,
    token: String,
    child: String,
}

async fn session(server: &TestServer) -> Told {
    let mut told = Told::default();
    for n in 0..4 {
        let reply = server.call("POST secret/data/k", "root", json!({ "data": { "n": n } })).await;
        if reply.status == 200 {
            told.written = reply.at("/data/version").as_u64();
        }
    }
    let made = server.call("POST auth/token/create", "root", json!({ "policies": ["p"] })).await;
    told.token = made.text("/auth/client_token");
    if !told.token.is_empty() {
        told.child = server.call("POST auth/token/create", &told.token, json!({})).await.text("/auth/client_token");
        let revoked = server.call("POST auth/token/revoke", "root", json!({ "token": told.token })).await;
        told.is_revoked = revoked.status == 204;
    }
    told
}

async fn status(server: &TestServer, token: &str) -> u16 {
    server.call("GET auth/token/lookup-self", token, json!(null)).await.status
}

async fn check(server: &TestServer, told: &Told, what: &str) {
    let read: Reply = server.call("GET secret/data/k", "root", json!(null)).await;
    let metadata = server.call("GET secret/metadata/k", "root", json!(null)).await;
    let current = metadata.at("/data/current_version").as_u64().unwrap_or(0);
    if let Some(version) = told.written {
        assert!(current >= version, "{what}: acknowledged version {version}, found {current}");
        assert_eq!(read.status, 200, "{what}");
    }
    for version in 1..=current {
        let one = server.call(&format!("GET secret/data/k?version={version}"), "root", json!(null)).await;
        assert_eq!(one.status, 200, "{what}: version {version} of {current} is half there");
    }
    if told.is_revoked {
        for token in [&told.token, &told.child].into_iter().filter(|t| !t.is_empty()) {
            assert_eq!(status(server, token).await, 403, "{what}: a revoked token is honoured");
        }
    }
}

async fn run(fault: Fault) {
    let mut n = 0;
    loop {
        n += 1;
        let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
        let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
        server
            .call(
                "POST sys/policies/acl/p",
                "root",
                json!({ "policy": "path \"auth/token/create\" { capabilities = [\"update\"] }" }),
            )
            .await;
        store.fail_nth(None, n, fault);
        let told = session(&server).await;
        let has_failed = store.failed_total() > 0;
        store.heal();
        check(&server, &told, &format!("{fault:?} at call {n}")).await;
        if !has_failed {
            assert!(n > 10, "the session makes more store calls than that");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refused_store_call_leaves_the_promises_standing() {
    run(Fault::Refuse).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ambiguous_store_call_leaves_the_promises_standing() {
    run(Fault::ApplyThenFail).await;
}

/// Whatever fails while something is made, the server goes on, and so does the making.
#[tokio::test]
async fn cve_2023_3774_an_error_while_something_is_made_stops_nothing() {
    for (path, body) in [
        ("sys/mounts/m", json!({ "type": "kv", "options": { "version": "2" } })),
        ("sys/auth/m", json!({ "type": "userpass" })),
        ("sys/policies/acl/m", json!({ "policy": "path \"a\" { capabilities = [\"read\"] }" })),
        ("identity/entity/name/m", json!({})),
        ("auth/token/roles/m", json!({})),
    ] {
        for fault in [Fault::Refuse, Fault::ApplyThenFail] {
            for n in 1.. {
                let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
                let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
                store.fail_nth(None, n, fault);
                let made = server.call(&format!("POST {path}"), "root", body.clone()).await;
                let has_failed = store.failed_total() > 0;
                assert!(has_failed || made.status < 300, "{path}: {made:?}");
                store.heal();
                let again = server.call(&format!("POST {path}"), "root", body.clone()).await;
                let is_there = again.text("/errors/0").contains("path is already in use");
                assert!(again.status < 300 || (again.status == 400 && is_there), "{path}, {fault:?} at call {n}: {again:?}");
                assert_eq!(
                    server.call(&format!("GET {path}"), "root", json!(null)).await.status,
                    200,
                    "{path}, {fault:?} at {n}"
                );
                if !has_failed {
                    assert!(n > 1, "{path} was made without a store");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_outage_of_the_store_is_survived_without_a_restart() {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
    store.set_outage(true);
    let reply = server.call("POST secret/data/k", "root", json!({ "data": { "a": 1 } })).await;
    assert!(reply.status >= 500, "{reply:?}");
    store.set_outage(false);
    store.heal();
    assert_eq!(server.call("POST secret/data/k", "root", json!({ "data": { "a": 1 } })).await.status, 200);
}

/// Puts bytes where a record is that the barrier cannot open.
async fn damage(store: &Arc<MemoryStore>, key: String) {
    use strongroom_storage::{Batch, Store as _};
    let batch = Batch { puts: vec![(key.into(), bytes::Bytes::from_static(b"damaged"))], ..Batch::default() };
    store.commit(batch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_is_its_own_trouble_only() {
    let store = Arc::new(MemoryStore::new());
    let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
    server
        .call(
            "POST sys/policies/acl/p",
            "root",
            json!({ "policy": "path \"auth/token/create\" { capabilities = [\"update\"] }" }),
        )
        .await;
    let parent = server.token(json!({ "policies": ["p"] })).await;
    let mut children = Vec::new();
    for _ in 0..5 {
        children.push(server.call("POST auth/token/create", &parent, json!({ "ttl": "1m" })).await);
    }
    damage(&store, format!("t/{}", children[2].text("/auth/accessor"))).await;
    assert!(status(&server, &children[2].text("/auth/client_token")).await >= 403);
    assert_eq!(status(&server, &children[3].text("/auth/client_token")).await, 200);

    server.clock.advance_s(61);
    let left = || async {
        server.call("LIST auth/token/accessors", "root", json!(null)).await.at("/data/keys").as_array().unwrap().len()
    };
    for _ in 0..100 {
        if left().await == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(left().await, 2, "the damaged token did not keep its siblings in the store");

    let child = server.call("POST auth/token/create", &parent, json!({})).await;
    damage(&store, format!("t/{}", child.text("/auth/accessor"))).await;
    assert_eq!(server.call("POST auth/token/revoke", "root", json!({ "token": parent })).await.status, 204);
    assert_eq!(left().await, 1);

    server.call("POST secret/data/good", "root", json!({ "data": { "k": 1 } })).await;
    assert_eq!(server.call("GET secret/data/good", "root", json!(null)).await.status, 200);
}
