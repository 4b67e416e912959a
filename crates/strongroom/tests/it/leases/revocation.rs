//! How leases end: also when their upstream refuses or is slow.

use std::sync::Arc;

use serde_json::json;

use super::{accounts, configure, enable, issue, lookup, server, soon};

#[tokio::test]
async fn a_refused_revocation_says_why_and_is_tried_again_until_it_goes_well() {
    let server = server().await;
    configure(&server, "l", json!({ "fails": true, "keeps": true })).await;
    let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    let sync = server.call("POST sys/leases/revoke", "root", json!({ "lease_id": id, "sync": true })).await;
    assert_eq!((sync.status, sync.text("/errors/0")), (400, "failed to revoke entry: the upstream refuses".into()));
    assert_eq!(server.call("POST sys/leases/revoke", "root", json!({ "lease_id": id })).await.status, 204);
    let attempts = async || lookup(&server, &id).await.at("/data/revocation_attempts").as_u64().unwrap_or(0);
    for n in 1..=6 {
        soon("the next attempt", async || attempts().await == n).await;
        server.clock.advance_s(400);
    }
    let counted = server.call("GET sys/leases/count?type=irrevocable", "root", json!(null)).await;
    assert_eq!(counted.at("/data/lease_count"), json!(1));
    let shown = server.call("GET sys/leases?type=irrevocable", "root", json!(null)).await;
    assert_eq!(
        (shown.text("/data/leases/0/lease_id"), shown.text("/data/leases/0/error")),
        (id.clone(), "the upstream refuses".into())
    );
    // Rarely, but not never.
    configure(&server, "l", json!({ "keeps": true })).await;
    server.clock.advance_s(8 * 3600);
    soon("the late success", async || lookup(&server, &id).await.status == 400).await;
    assert_eq!(accounts(&server, "l").await, 0);
    let counted = server.call("GET sys/leases/count?type=irrevocable", "root", json!(null)).await;
    assert_eq!(counted.at("/data"), json!({ "lease_count": 0, "counts": {} }));
}

#[tokio::test]
async fn force_removes_leases_whatever_the_upstream_says() {
    let server = server().await;
    configure(&server, "l", json!({ "fails": true })).await;
    for _ in 0..40 {
        issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    }
    let sync = server.call("POST sys/leases/revoke-prefix/l", "root", json!({ "sync": true })).await;
    assert!(sync.status == 400 && sync.text("/errors/0").contains("39 more"), "{:?}", sync.body);
    assert_eq!(server.call("POST sys/leases/revoke-force/l/creds", "root", json!(null)).await.status, 204);
    assert_eq!(server.call("LIST sys/leases/lookup/l", "root", json!(null)).await.status, 404);
}

#[tokio::test]
async fn a_prefix_is_a_folder_and_never_part_of_a_name() {
    let server = server().await;
    let inside = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    let beside = issue(&server, "l/creds/rr", "root", json!({ "ttl": "1h" })).await;
    assert_eq!(server.call("POST sys/leases/revoke-prefix/l/creds/r", "root", json!(null)).await.status, 204);
    assert_eq!((lookup(&server, &inside).await.status, lookup(&server, &beside).await.status), (400, 200));
}

#[tokio::test]
async fn a_slow_upstream_holds_up_no_other_mount() {
    let server = server().await;
    enable(&server, "slow").await;
    configure(&server, "slow", json!({ "delay_ms": 20_000, "keeps": true })).await;
    for _ in 0..40 {
        issue(&server, "slow/creds/r", "root", json!({ "ttl": "60s" })).await;
        issue(&server, "l/creds/r", "root", json!({ "ttl": "60s" })).await;
    }
    server.clock.advance_s(61);
    soon("the end of the other mount's leases", async || accounts(&server, "l").await == 0).await;
    assert_eq!(accounts(&server, "slow").await, 40);
    // Neither does a revocation of its own, in the background.
    server.call("POST sys/leases/revoke-prefix/slow", "root", json!(null)).await;
    let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "60s" })).await;
    server.call("POST sys/leases/revoke-prefix/l", "root", json!(null)).await;
    soon("the end of the new lease", async || lookup(&server, &id).await.status == 400).await;
}

#[tokio::test]
async fn renewing_expiring_and_revoking_at_once_end_as_one_of_them() {
    let server = Arc::new(server().await);
    for round in 0..20 {
        let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "60s", "max_ttl": "10h" })).await;
        server.clock.advance_s(59);
        let tasks: Vec<_> = (0..12)
            .map(|n| {
                let (server, id) = (server.clone(), id.clone());
                tokio::spawn(async move {
                    if n == 6 {
                        server.clock.advance_s(2);
                    }
                    let path = if n % 3 == round % 3 { "POST sys/leases/revoke" } else { "POST sys/leases/renew" };
                    server.call(path, "root", json!({ "lease_id": id, "sync": n % 2 == 0, "increment": "2h" })).await.status
                })
            })
            .collect();
        for task in tasks {
            assert!(matches!(task.await.unwrap(), 200 | 204 | 400));
        }
        soon("the end of the lease", async || lookup(&server, &id).await.status == 400).await;
        assert_eq!(accounts(&server, "l").await, 0, "round {round}");
    }
}
