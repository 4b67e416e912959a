//! Refusals name the rule and never the value.

use serde_json::json;
use strongroom_testkit::{Options, TestServer};

#[tokio::test]
async fn cve_2025_4166_no_answer_quotes_what_was_sent_in_a_wrong_field() {
    const MARKER: &str = "m4rk3r-in-a-wrong-place";
    let server = TestServer::start(Options::default()).await;
    let endpoints = [
        "POST secret/data/a",
        "PATCH secret/data/a",
        "POST secret/metadata/a",
        "POST secret/delete/a",
        "POST secret/config",
        "POST sys/mounts/q",
        "POST sys/mounts/secret/tune",
        "POST sys/policies/acl/q",
        "POST auth/token/create",
        "POST auth/token/renew-self",
        "POST auth/token/revoke",
        "POST sys/tools/random",
        "POST sys/tools/hash",
        "POST sys/capabilities-self",
        "POST sys/wrapping/unwrap",
        "POST sys/remount",
        "PUT sys/unseal",
    ];
    let fields = [
        "data",
        "options",
        "cas",
        "versions",
        "custom_metadata",
        "max_versions",
        "delete_version_after",
        "cas_required",
        "config",
        "type",
        "default_lease_ttl",
        "listing_visibility",
        "policy",
        "ttl",
        "period",
        "num_uses",
        "meta",
        "policies",
        "renewable",
        "increment",
        "token",
        "bytes",
        "format",
        "input",
        "algorithm",
        "paths",
        "from",
        "to",
        "key",
        "id",
        "explicit_max_ttl",
        "display_name",
        "description",
    ];
    server.call("POST secret/data/a", "root", json!({ "data": { "a": 1 } })).await;
    for endpoint in endpoints {
        for field in fields {
            for value in [json!(MARKER), json!([MARKER]), json!({ MARKER: MARKER }), json!([[{ "a": MARKER }]])] {
                let reply = server.call(endpoint, "root", json!({ field: value })).await;
                let is_echo_of_a_name =
                    field == "paths" || field == "policies" || field == "to" || field == "from" || reply.status < 400;
                assert!(is_echo_of_a_name || !reply.body.to_string().contains(MARKER), "{endpoint} {field}: {reply:?}");
                assert!(reply.status < 500, "{endpoint} {field}: {reply:?}");
            }
        }
    }
    for body in [
        format!("{{\"data\": {MARKER}"),
        format!("\"{MARKER}\""),
        format!("[\"{MARKER}\"]"),
        format!("{{\"a\":1}}{MARKER}"),
        format!("{{{MARKER}"),
    ] {
        let reply = server.raw("POST secret/data/a", "root", &body).await;
        assert_eq!(reply.status, 400);
        assert!(!reply.body.to_string().contains(MARKER), "{reply:?}");
    }
}

#[tokio::test]
async fn cve_2021_45042_what_is_too_large_is_refused_by_name_and_leaves_nothing() {
    let server = TestServer::start(Options::default()).await;
    let big = "x".repeat(1_100_000);
    let many: Vec<String> = (0..300).map(|n| format!("p{n}")).collect();
    for (what, body) in [
        ("POST secret/data/big", json!({ "data": { "k": big } })),
        ("POST cubbyhole/big", json!({ "k": big })),
        ("POST sys/policies/acl/big", json!({ "policy": format!("# {big}") })),
        ("POST sys/mounts/big", json!({ "type": "kv", "description": big })),
        ("POST auth/token/create", json!({ "policies": many })),
        ("POST auth/token/create", json!({ "meta": { "k": "x".repeat(600) } })),
        ("POST auth/token/create", json!({ "policies": ["x".repeat(200)] })),
    ] {
        let reply = server.call(what, "root", body).await;
        assert_eq!(reply.status, 400, "{what}: {}", reply.at("/errors"));
        assert!(!reply.at("/errors/0").as_str().unwrap_or_default().is_empty(), "{what}");
    }
    assert_eq!(server.call("GET secret/data/big", "root", json!(null)).await.status, 404);
    assert_eq!(server.call("GET sys/mounts/big", "root", json!(null)).await.status, 400);
}
