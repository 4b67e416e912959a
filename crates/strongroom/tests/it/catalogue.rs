//! Known defects of others (security.md A), as far as what is built can have them. Each test names its row.

use serde_json::json;
use strongroom_core::wire::Headers;
use strongroom_testkit::{Options, TestServer};

async fn server_with(policy: &str) -> (TestServer, String) {
    let server = TestServer::start(Options::default()).await;
    server.call("POST secret/data/x/admin", "root", json!({ "data": { "a": "kept" } })).await;
    let written = server.call("POST sys/policies/acl/p", "root", json!({ "policy": policy })).await;
    assert_eq!(written.status, 204);
    let token = server.token(json!({ "policies": ["p"], "no_default_policy": true })).await;
    (server, token)
}

const ALL: &str = "[\"create\", \"read\", \"update\", \"patch\", \"delete\", \"list\", \"scan\"]";

#[tokio::test]
async fn cve_2026_89322_no_spelling_dodges_a_deny() {
    let policy =
        format!("path \"secret/*\" {{ capabilities = {ALL} }}\npath \"secret/data/x/admin\" {{ capabilities = [\"deny\"] }}");
    let (server, token) = server_with(&policy).await;
    for spelling in [
        "secret/data/x/admin",
        "secret/data/x/%61dmin",
        "secret/data/x//admin",
        "secret/data/./x/admin",
        "secret/data/x/y/../admin",
        "secret/data/x%2fadmin",
        "secret/data/x%2Fadmin",
        "secret%2Fdata%2Fx%2Fadmin",
        "secret/data/x/%2e/admin",
        "secret/data/x/y/%2e%2e/admin",
        "secret/data/x/admin%00",
        "secret//data/x/admin",
        "secret/data/%78/admin",
    ] {
        for verb in ["GET", "POST", "PATCH", "DELETE"] {
            let reply = server.call(&format!("{verb} {spelling}"), &token, json!({ "data": { "a": "changed" } })).await;
            assert!(matches!(reply.status, 307 | 400 | 403), "{verb} {spelling}: {reply:?}");
        }
    }
    let kept = server.call("GET secret/data/x/admin", "root", json!(null)).await;
    assert_eq!((kept.at("/data/data/a"), kept.at("/data/metadata/version")), (json!("kept"), json!(1)));
}

#[tokio::test]
async fn cve_2026_3605_dot_segments_never_leave_the_prefix() {
    let policy = format!(
        "path \"secret/metadata/team/*\" {{ capabilities = {ALL} }}\npath \"secret/data/team/*\" {{ capabilities = {ALL} }}"
    );
    let (server, token) = server_with(&policy).await;
    for path in [
        "team/../x/admin",
        "team/%2e%2e/x/admin",
        "team/.%2e/x/admin",
        "team/%2e./x/admin",
        "team/..%2fx/admin",
        "team/%2e%2e%2fx%2fadmin",
    ] {
        for area in ["data", "metadata", "delete", "destroy"] {
            for verb in ["GET", "DELETE", "POST"] {
                let reply = server.call(&format!("{verb} secret/{area}/{path}"), &token, json!({ "versions": [1] })).await;
                assert!(matches!(reply.status, 307 | 400 | 403), "{verb} {area}/{path}: {reply:?}");
            }
        }
    }
    assert_eq!(server.call("GET secret/data/x/admin", "root", json!(null)).await.status, 200);
}

#[tokio::test]
async fn cve_2026_12624_lists_of_a_denied_folder_are_denied_in_every_spelling() {
    for deny in ["secret/metadata/x/*", "secret/metadata/x/", "secret/metadata/x", "secret/metadata/+/", "secret/metadata/+"] {
        let policy = format!("path \"secret/*\" {{ capabilities = {ALL} }}\npath \"{deny}\" {{ capabilities = [\"deny\"] }}");
        let (server, token) = server_with(&policy).await;
        for request in [
            "LIST secret/metadata/x",
            "LIST secret/metadata/x/",
            "GET secret/metadata/x?list=true",
            "GET secret/metadata/x/?list=true",
            "SCAN secret/metadata/x",
        ] {
            assert_eq!(server.call(request, &token, json!(null)).await.status, 403, "{request} with deny on {deny}");
        }
    }
}

#[tokio::test]
async fn cve_2020_25594_mounts_cannot_be_told_apart_without_the_right() {
    let (server, token) = server_with("path \"a\" { capabilities = [\"read\"] }").await;
    for token in ["", "nosuch", token.as_str()] {
        let there = server.call("GET secret/data/x/admin", token, json!(null)).await;
        let absent = server.call("GET nosuch/data/x/admin", token, json!(null)).await;
        assert_eq!((there.status, there.body), (absent.status, absent.body));
        let there = server.call("GET sys/internal/ui/mounts/secret", token, json!(null)).await;
        let absent = server.call("GET sys/internal/ui/mounts/nosuch", token, json!(null)).await;
        assert_eq!(there.status, absent.status);
    }
}

#[tokio::test]
async fn cve_2021_27668_the_list_of_paths_open_without_a_token_is_closed() {
    let server = TestServer::start(Options::default()).await;
    let open = ["GET sys/health", "GET sys/seal-status", "GET sys/init", "GET sys/leader", "GET sys/internal/ui/mounts"];
    for request in open {
        assert_eq!(server.call(request, "", json!(null)).await.status, 200, "{request}");
    }
    let closed = [
        "GET sys/mounts",
        "POST sys/mounts/a",
        "GET sys/policy",
        "POST sys/policies/acl/a",
        "POST sys/rotate",
        "PUT sys/seal",
        "GET sys/key-status",
        "POST sys/remount",
        "POST sys/tools/random",
        "POST sys/capabilities-self",
        "GET sys/audit",
        "POST auth/token/create",
        "GET auth/token/lookup-self",
        "LIST auth/token/accessors",
        "GET secret/data/a",
        "GET cubbyhole/a",
        "GET sys/mounts?help=1",
        "POST sys/wrapping/wrap",
        "GET sys/nosuch",
    ];
    for request in closed {
        assert_eq!(server.call(request, "", json!({})).await.status, 403, "{request}");
    }
}

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
async fn cve_2026_105820_names_of_policies_cannot_travel() {
    let (server, _) = server_with("path \"secret/*\" { capabilities = [\"read\"] }").await;
    for name in ["../p", "/p", "root/p", "p/../p", "./p", "p/."] {
        let token = server.token(json!({ "policies": [name], "no_default_policy": true })).await;
        if !token.is_empty() {
            assert_eq!(server.call("GET secret/data/x/admin", &token, json!(null)).await.status, 403, "{name}");
        }
    }
}

#[tokio::test]
async fn unknown_namespaces_are_refused() {
    let server = TestServer::start(Options::default()).await;
    let headers = Headers { namespace: Some("team".into()), ..Headers::default() };
    let reply = server.with_headers("GET secret/data/a", "root", "", headers).await;
    assert_eq!((reply.status, reply.at("/errors/0")), (404, json!("namespace not found")));
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_name_and_leaves_nothing() {
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
