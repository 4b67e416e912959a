//! Tidying finds what dangles, and takes nothing away that belongs to a living token.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use strongroom_storage::{Batch, MemoryStore, Store};
use strongroom_testkit::{Options, TestServer};

async fn keys(store: &MemoryStore, area: &[u8]) -> Vec<Bytes> {
    store.scan(area, None, 10_000).await.unwrap().into_iter().map(|(key, _)| key).collect()
}

/// Every key of the token areas.
async fn all_keys(store: &MemoryStore) -> Vec<Bytes> {
    let mut all = Vec::new();
    for area in [&b"t/"[..], b"p/", b"x/", b"n/", b"c/", b"i/"] {
        all.extend(keys(store, area).await);
    }
    all
}

async fn key_with(store: &MemoryStore, area: &[u8], family: &str) -> Bytes {
    let found = keys(store, area).await.into_iter().find(|key| key.ends_with(family.as_bytes()));
    found.unwrap_or_else(|| panic!("no key of {family}"))
}

/// Changes the store behind the server's back.
async fn behind_its_back(server: &TestServer, store: &MemoryStore, batch: Batch) {
    assert_eq!(server.call("PUT sys/seal", "root", json!(null)).await.status, 204);
    store.commit(batch).await.unwrap();
    let unsealed = server.call("PUT sys/unseal", "", json!({ "key": server.unseal_key })).await;
    assert_eq!(unsealed.at("/sealed"), json!(false), "{unsealed:?}");
}

async fn tidy(server: &TestServer, store: &MemoryStore) {
    assert_eq!(server.call("POST auth/token/tidy", "root", json!(null)).await.status, 202);
    for _ in 0..200 {
        if keys(store, b"i/").await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("tidying does not end");
}

struct Made {
    token: String,
    family: String,
}

async fn make(server: &TestServer, parent: &str, body: serde_json::Value) -> Made {
    let made = server.call("POST auth/token/create", parent, body).await;
    assert_eq!(made.status, 200, "{made:?}");
    Made { token: made.text("/auth/client_token"), family: made.text("/auth/accessor") }
}

async fn is_live(server: &TestServer, token: &str) -> bool {
    server.call("GET auth/token/lookup-self", token, json!(null)).await.status == 200
}

async fn start() -> (TestServer, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
    let policy = "path \"auth/token/create\" { capabilities = [\"update\"] }";
    server.call("POST sys/policies/acl/maker", "root", json!({ "policy": policy })).await;
    (server, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tidy_store_stays_as_it_is() {
    let (server, store) = start().await;
    let parent = make(&server, "root", json!({ "policies": ["maker"], "id": "chosen", "ttl": "1h" })).await;
    let child = make(&server, &parent.token, json!({})).await;
    server.call("POST auth/token/renew-self", &child.token, json!({})).await;
    server.call("POST cubbyhole/a/b", &child.token, json!({ "k": "v" })).await;
    let before = all_keys(&store).await;
    tidy(&server, &store).await;
    assert_eq!(all_keys(&store).await, before);
    assert!(is_live(&server, &parent.token).await && is_live(&server, &child.token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_record_leaves_is_taken_away() {
    let (server, store) = start().await;
    let empty = all_keys(&store).await;
    let parent = make(&server, "root", json!({ "policies": ["maker"], "id": "chosen", "ttl": "1h" })).await;
    let child = make(&server, &parent.token, json!({})).await;
    let grandchild = make(&server, &child.token, json!({})).await;
    for token in [&parent.token, &child.token] {
        server.call("POST cubbyhole/a/b", token, json!({ "k": "v" })).await;
    }
    let kept = make(&server, "root", json!({ "policies": ["default"] })).await;
    // The parent's record is lost, the child's is damaged.
    let batch = Batch {
        deletes: vec![key_with(&store, b"t/", &parent.family).await],
        puts: vec![(key_with(&store, b"t/", &child.family).await, Bytes::from_static(b"damaged"))],
        ..Batch::default()
    };
    behind_its_back(&server, &store, batch).await;
    tidy(&server, &store).await;
    for gone in [&parent, &child, &grandchild] {
        assert!(!is_live(&server, &gone.token).await);
    }
    assert!(is_live(&server, &kept.token).await);
    server.call("POST auth/token/revoke", "root", json!({ "token": kept.token })).await;
    // What the damaged record alone named goes once the record is gone.
    tidy(&server, &store).await;
    assert_eq!(all_keys(&store).await, empty);
    // Its text can be chosen again.
    assert_eq!(make(&server, "root", json!({ "policies": ["default"], "id": "chosen" })).await.token, "chosen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_gets_back_the_index_entries_that_it_lacks() {
    let (server, store) = start().await;
    let parent = make(&server, "root", json!({ "policies": ["maker"] })).await;
    let child = make(&server, &parent.token, json!({ "ttl": "1h" })).await;
    let before = all_keys(&store).await;
    let deletes = vec![key_with(&store, b"x/", &child.family).await, key_with(&store, b"p/", &child.family).await];
    behind_its_back(&server, &store, Batch { deletes, ..Batch::default() }).await;
    assert!(is_live(&server, &child.token).await);
    tidy(&server, &store).await;
    assert_eq!(all_keys(&store).await, before);
    server.call("POST auth/token/revoke", "root", json!({ "token": parent.token })).await;
    assert!(!is_live(&server, &child.token).await, "it ends with its parent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn tidying_goes_on_after_a_restart_and_is_asked_for_once() {
    let (server, store) = start().await;
    let lost = make(&server, "root", json!({ "policies": ["default"], "ttl": "1h" })).await;
    let deletes = vec![key_with(&store, b"t/", &lost.family).await];
    behind_its_back(&server, &store, Batch { deletes, ..Batch::default() }).await;
    let first = server.call("POST auth/token/tidy", "root", json!(null)).await;
    assert!(first.text("/warnings/0").contains("successfully started"), "{first:?}");
    behind_its_back(&server, &store, Batch { deletes: vec![Bytes::from_static(b"none")], ..Batch::default() }).await;
    for _ in 0..200 {
        if keys(&store, b"i/").await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((keys(&store, b"i/").await, keys(&store, b"x/").await), (vec![], vec![]));
}
