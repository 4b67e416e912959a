//! What is told of leases, and to whom.

use serde_json::json;

use super::{lookup, server};

#[tokio::test]
async fn a_lease_shows_in_its_answer_in_lookup_and_in_lists() {
    let server = server().await;
    let made = server.call("POST l/creds/team/r", "root", json!({ "ttl": "1h", "max_ttl": "4h" })).await;
    let id = made.text("/lease_id");
    assert!(id.starts_with("l/creds/team/r/"), "{id}");
    assert_eq!((made.at("/lease_duration"), made.at("/renewable")), (json!(3600), json!(true)));
    let seen = lookup(&server, &id).await;
    assert_eq!((seen.text("/data/path"), seen.text("/data/id")), ("l/creds/team/r".into(), id.clone()));
    assert!((3595..=3600).contains(&seen.at("/data/ttl").as_u64().unwrap()));
    assert_eq!(seen.at("/data/last_renewal"), json!(null));
    for (folder, name) in [("", "l/"), ("l", "creds/"), ("l/creds/", "team/"), ("l/creds/team", "r/")] {
        let listed = server.call(&format!("LIST sys/leases/lookup/{folder}"), "root", json!(null)).await;
        assert!(listed.at("/data/keys").as_array().unwrap().contains(&json!(name)), "{folder}: {:?}", listed.body);
    }
    let listed = server.call("LIST sys/leases/lookup/l/creds/team/r?limit=5", "root", json!(null)).await;
    assert_eq!(listed.at("/data/keys"), json!([id.rsplit_once('/').unwrap().1]));
    assert_eq!(server.call("LIST sys/leases/lookup/none", "root", json!(null)).await.status, 404);
}

#[tokio::test]
async fn tokens_are_leases_too() {
    let server = server().await;
    let made = server.call("POST auth/token/create", "root", json!({ "policies": ["default"], "ttl": "1h" })).await;
    let (token, accessor) = (made.text("/auth/client_token"), made.text("/auth/accessor"));
    for (folder, name) in [("auth", "token/"), ("auth/token", "create/"), ("auth/token/create", accessor.as_str())] {
        let listed = server.call(&format!("LIST sys/leases/lookup/{folder}"), "root", json!(null)).await;
        assert!(listed.at("/data/keys").as_array().unwrap().contains(&json!(name)), "{folder}: {:?}", listed.body);
    }
    let id = format!("auth/token/create/{accessor}");
    assert_eq!(lookup(&server, &id).await.text("/data/path"), "auth/token/create");
    let renewed = server.call("POST sys/leases/renew", "root", json!({ "lease_id": id })).await;
    assert_eq!(renewed.at("/errors"), json!(["tokens cannot be renewed through this endpoint"]));
    assert_eq!(server.call("POST sys/leases/revoke", "root", json!({ "lease_id": id })).await.status, 204);
    assert_eq!(server.call("GET auth/token/lookup-self", &token, json!(null)).await.status, 403);
    let second = server.token(json!({ "policies": ["default"] })).await;
    assert_eq!(server.call("POST sys/leases/revoke-prefix/auth/token/create", "root", json!({ "sync": true })).await.status, 204);
    assert_eq!(server.call("GET auth/token/lookup-self", &second, json!(null)).await.status, 403);
    assert_eq!(server.call("GET auth/token/lookup-self", "root", json!(null)).await.status, 200);
}

#[tokio::test]
async fn prefix_force_and_lists_need_sudo() {
    let server = server().await;
    let policy = json!({ "policy": "path \"sys/leases*\" { capabilities = [\"create\", \"read\", \"update\", \"list\"] }" });
    server.call("POST sys/policies/acl/p", "root", policy).await;
    let token = server.token(json!({ "policies": ["p"] })).await;
    for (what, status) in [
        ("POST sys/leases/revoke-prefix/l", 403),
        ("POST sys/leases/revoke-force/l", 403),
        ("LIST sys/leases/lookup/l", 403),
        ("LIST sys/leases/lookup", 403),
        ("GET sys/leases?type=irrevocable", 403),
        ("GET sys/leases/removals", 403),
        ("GET sys/leases/count?type=irrevocable", 200),
        ("POST sys/renew", 403),
        ("POST sys/leases/tidy", 202),
    ] {
        assert_eq!(server.call(what, &token, json!(null)).await.status, status, "{what}");
    }
    for gone in ["sys/renew", "sys/renew/x", "sys/revoke", "sys/revoke/x", "sys/revoke-prefix/x", "sys/revoke-force/x"] {
        assert_eq!(server.call(&format!("POST {gone}"), "root", json!({ "lease_id": "x" })).await.status, 404, "{gone}");
    }
}
