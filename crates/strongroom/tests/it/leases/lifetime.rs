//! How long leases live: no longer than their token, their mount and their engine say.

use serde_json::json;
use strongroom_core::wire::Headers;

use super::{accounts, configure, issue, lookup, server, soon};

#[tokio::test]
async fn a_wrapped_answer_carries_its_lease() {
    let server = server().await;
    let headers = Headers { wrap_ttl: Some("60s".into()), ..Headers::default() };
    let wrapped = server.with_headers("POST l/creds/r", "root", r#"{"ttl":"1h"}"#, headers).await;
    assert_eq!(wrapped.text("/lease_id"), "");
    let opened = server.call("POST sys/wrapping/unwrap", &wrapped.text("/wrap_info/token"), json!(null)).await;
    assert_eq!(opened.at("/lease_duration"), json!(3600));
    assert_eq!(lookup(&server, &opened.text("/lease_id")).await.status, 200);
}

#[tokio::test]
async fn cve_2021_32923_no_renewal_gives_a_lease_without_an_end() {
    let server = server().await;
    let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h", "max_ttl": "2h" })).await;
    for (age_s, increment, least, most) in [(1_800, "1h", 3_590, 3_600), (1_800, "9h", 3_590, 3_600), (3_590, "9h", 1, 10)] {
        server.clock.advance_s(age_s);
        let renewed = server.call("POST sys/leases/renew", "root", json!({ "lease_id": id, "increment": increment })).await;
        let ttl = renewed.at("/lease_duration").as_u64().unwrap_or(0);
        assert!((least..=most).contains(&ttl), "{ttl} after {age_s}: {:?}", renewed.body);
        assert_eq!(renewed.at("/warnings").is_array(), increment == "9h");
        assert_eq!(renewed.text("/lease_id"), id);
    }
    server.clock.advance_s(11);
    soon("the end at the maximum", async || lookup(&server, &id).await.status == 400).await;
    assert_eq!(accounts(&server, "l").await, 0);
}

#[tokio::test]
async fn cve_2020_25816_a_lease_never_outlives_its_token() {
    let server = server().await;
    let policy = json!({ "policy": "path \"l/*\" { capabilities = [\"create\", \"update\", \"read\"] }" });
    server.call("POST sys/policies/acl/l", "root", policy).await;
    let batch = server.token(json!({ "type": "batch", "policies": ["l"], "ttl": "10m", "no_parent": true })).await;
    let fixed = server.token(json!({ "policies": ["l"], "ttl": "10m", "renewable": false })).await;
    for token in [&batch, &fixed] {
        let made = server.call("POST l/creds/r", token, json!({ "ttl": "5h" })).await;
        let ttl = made.at("/lease_duration").as_u64().unwrap();
        assert!((595..=600).contains(&ttl), "{ttl}");
    }
    // A renewable token can still grow; its lease ends with it.
    let token = server.token(json!({ "policies": ["l"], "ttl": "10m" })).await;
    let id = issue(&server, "l/creds/r", &token, json!({ "ttl": "5h" })).await;
    server.clock.advance_s(601);
    soon("the end of all three", async || accounts(&server, "l").await == 0).await;
    assert_eq!(lookup(&server, &id).await.status, 400);
}

#[tokio::test]
async fn a_batch_tokens_leases_end_with_its_parent() {
    let server = server().await;
    let parent = server.token(json!({ "policies": ["root"], "ttl": "1h" })).await;
    let policy = json!({ "policy": "path \"l/*\" { capabilities = [\"create\", \"update\"] }" });
    server.call("POST sys/policies/acl/l", "root", policy).await;
    let body = json!({ "type": "batch", "policies": ["l"], "ttl": "10m" });
    let batch = server.call("POST auth/token/create", &parent, body).await.text("/auth/client_token");
    issue(&server, "l/creds/r", &batch, json!({ "ttl": "5m" })).await;
    server.call("POST auth/token/revoke", "root", json!({ "token": parent })).await;
    soon("the end of the lease", async || accounts(&server, "l").await == 0).await;
}

#[tokio::test]
async fn revoking_a_token_ends_the_leases_of_its_whole_tree() {
    let server = server().await;
    let parent = server.token(json!({ "policies": ["root"], "ttl": "1h" })).await;
    let child = server.call("POST auth/token/create", &parent, json!({ "ttl": "1h" })).await.text("/auth/client_token");
    for token in [&parent, &child] {
        for _ in 0..300 {
            issue(&server, "l/creds/r", token, json!({ "ttl": "1h" })).await;
        }
    }
    let other = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    assert_eq!(server.call("POST auth/token/revoke", "root", json!({ "token": parent })).await.status, 204);
    soon("the end of 600 leases", async || accounts(&server, "l").await == 1).await;
    assert_eq!(lookup(&server, &other).await.status, 200);
}

#[tokio::test]
async fn the_last_use_of_a_token_gives_out_no_lease() {
    let server = server().await;
    let token = server.token(json!({ "policies": ["root"], "num_uses": 2 })).await;
    issue(&server, "l/creds/r", &token, json!({ "ttl": "1h" })).await;
    let last = server.call("POST l/creds/r", &token, json!({ "ttl": "1h" })).await;
    assert_eq!((last.status, last.text("/errors/0").contains("one use left")), (400, true));
    soon("the end of the first lease", async || accounts(&server, "l").await == 0).await;
}

#[tokio::test]
async fn renewing_refuses_what_cannot_be_renewed() {
    let server = server().await;
    let fixed = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h", "fixed": true })).await;
    let queued = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    configure(&server, "l", json!({ "fails": true, "keeps": true })).await;
    server.call("POST sys/leases/revoke", "root", json!({ "lease_id": queued })).await;
    for (id, text) in [
        (fixed.as_str(), "lease is not renewable"),
        (queued.as_str(), "lease expired"),
        ("l/creds/r/none", "lease not found"),
        ("", "lease_id must be specified"),
    ] {
        let reply = server.call("POST sys/leases/renew", "root", json!({ "lease_id": id })).await;
        assert_eq!((reply.status, reply.at("/errors")), (400, json!([text])), "{id}");
    }
}

/// The lifetime that was set is the one that is told, and the one that it has.
#[tokio::test]
async fn cve_2020_12757_a_lease_lives_as_long_as_was_set() {
    let server = server().await;
    server.call("POST sys/mounts/l/tune", "root", json!({ "default_lease_ttl": "90s", "max_lease_ttl": "3h" })).await;
    for (asked, told_s) in [("10s", 10), ("2h", 7_200), ("3h", 10_800), ("5h", 10_800), ("0", 90)] {
        let made = server.call("POST l/creds/r", "root", json!({ "ttl": asked })).await;
        assert_eq!(made.at("/lease_duration"), json!(told_s), "{asked}");
        let id = made.text("/lease_id");
        server.clock.advance_s(told_s - 1);
        assert_eq!(lookup(&server, &id).await.status, 200, "{asked}: a second before its end");
        server.clock.advance_s(2);
        soon("the end", async || lookup(&server, &id).await.status == 400).await;
    }
    soon("the end of all accounts", async || accounts(&server, "l").await == 0).await;
}
