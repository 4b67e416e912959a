//! What becomes of leases whose mount goes or moves.

use std::sync::Arc;

use serde_json::json;
use strongroom_storage::MemoryStore;
use strongroom_testkit::{Options, TestServer};

use super::{accounts, configure, enable, issue, lookup, server, soon};

#[tokio::test]
async fn a_disabled_mount_serves_nobody_and_ends_its_leases() {
    let server = server().await;
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await);
    }
    assert_eq!(server.call("DELETE sys/mounts/l", "root", json!(null)).await.status, 204);
    assert_eq!(server.call("POST l/creds/r", "root", json!({})).await.status, 404);
    assert_eq!(server.call("LIST sys/leases/lookup/l", "root", json!(null)).await.status, 404);
    for id in ids {
        assert_eq!(lookup(&server, &id).await.status, 400);
    }
}

#[tokio::test]
async fn cve_2026_42186_a_mount_stays_in_removal_until_its_upstream_lets_go() {
    let store: Arc<MemoryStore> = Arc::new(MemoryStore::new());
    let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
    enable(&server, "l").await;
    configure(&server, "l", json!({ "fails": true })).await;
    for _ in 0..5 {
        issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    }
    assert_eq!(server.call("DELETE sys/mounts/l", "root", json!(null)).await.status, 204);
    let removals = async |server: &TestServer| server.call("GET sys/leases/removals", "root", json!(null)).await;
    let shown = removals(&server).await;
    assert_eq!((shown.text("/data/removals/0/path"), shown.at("/data/removals/0/leases")), ("l/".into(), json!(5)));
    // Another mount at the same path is no heir to it.
    enable(&server, "l").await;
    let own = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    // A restart goes on where it was.
    server.server.stop().await;
    let (again, clock) = TestServer::make(Options { store: Some(store), ..Options::default() });
    let again = TestServer { server: again, clock, unseal_key: server.unseal_key.clone() };
    again.clock.advance_s(400);
    assert_eq!(again.call("POST sys/unseal", "", json!({ "key": server.unseal_key })).await.at("/sealed"), json!(false));
    assert_eq!(removals(&again).await.at("/data/removals/0/leases"), json!(5));
    assert_eq!(again.call("POST sys/leases/revoke-force/l/creds", "root", json!(null)).await.status, 204);
    soon("the end of the removal", async || removals(&again).await.at("/data/removals") == json!([])).await;
    assert_eq!(lookup(&again, &own).await.status, 400);
}

#[tokio::test]
async fn moving_a_mount_ends_what_it_gave_out_under_its_old_path() {
    let server = server().await;
    let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    assert_eq!(server.call("POST sys/remount", "root", json!({ "from": "l", "to": "moved" })).await.status, 200);
    assert_eq!(lookup(&server, &id).await.status, 400);
    assert_eq!(accounts(&server, "moved").await, 0);
    let id = issue(&server, "moved/creds/r", "root", json!({ "ttl": "1h" })).await;
    assert_eq!(lookup(&server, &id).await.status, 200);
}
