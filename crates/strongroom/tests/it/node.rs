//! What a node says about itself, and who may ask.

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_testkit::{Options, TestServer};

async fn server() -> TestServer {
    TestServer::start(Options::default()).await
}

/// All paths, everything but sudo.
const ALL_BUT_SUDO: &str =
    "path \"*\" { capabilities = [\"create\", \"read\", \"update\", \"patch\", \"delete\", \"list\", \"scan\"] }";

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_the_server_for_all_needs_sudo() {
    let server = server().await;
    server.call("POST sys/policies/acl/all", "root", json!({ "policy": ALL_BUT_SUDO })).await;
    let token = server.token(json!({ "policies": ["all"] })).await;
    for what in [
        "GET sys/config/cors",
        "POST sys/config/cors",
        "DELETE sys/config/cors",
        "LIST sys/config/ui/headers",
        "GET sys/config/ui/headers/X-A",
        "POST sys/config/ui/headers/X-A",
        "DELETE sys/config/ui/headers/X-A",
        "GET sys/config/auditing/request-headers",
        "GET sys/config/auditing/request-headers/a",
        "POST sys/config/auditing/request-headers/a",
        "DELETE sys/config/auditing/request-headers/a",
        "LIST sys/plugins/catalog/auth",
        "GET sys/plugins/catalog/secret/kv",
        "POST sys/plugins/catalog/secret/x",
        "DELETE sys/plugins/catalog/secret/x",
    ] {
        assert_eq!(server.call(what, &token, json!({})).await.status, 403, "{what}");
    }
    for what in ["GET sys/host-info", "GET sys/in-flight-req", "GET sys/ha-status", "GET sys/loggers", "GET sys/plugins/catalog"]
    {
        assert_eq!(server.call(what, &token, json!(null)).await.status, 200, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2021_27668_and_cve_2020_25594_the_paths_open_without_a_token_are_few_and_tell_no_mount() {
    let server = server().await;
    server.call("POST sys/mounts/there", "root", json!({ "type": "kv" })).await;
    for path in [
        "sys/config/cors",
        "sys/config/ui/headers/X-A",
        "sys/config/auditing/request-headers",
        "sys/config/state/sanitized",
        "sys/loggers",
        "sys/host-info",
        "sys/ha-status",
        "sys/in-flight-req",
        "sys/internal/counters/entities",
        "sys/internal/counters/tokens",
        "sys/plugins/catalog",
        "sys/version-history",
        "sys/license/status",
        "sys/mounts",
        "sys/internal/ui/mounts/there",
        "sys/internal/ui/mounts/none",
        "there/a",
        "none/a",
    ] {
        for verb in ["GET", "LIST", "POST", "DELETE"] {
            for token in ["", "no-such-token"] {
                let answer = server.call(&format!("{verb} {path}"), token, json!({})).await;
                assert_eq!((answer.status, answer.text("/errors/0").as_str()), (403, "permission denied"), "{verb} {path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_are_seen_and_gone_again() {
    let server = Arc::new(server().await);
    let seen = server.call("GET sys/in-flight-req?x=s3cr3t", "root", json!(null)).await;
    let flights = seen.body.as_object().unwrap();
    assert_eq!(flights.len(), 1, "itself alone: the earlier ones have ended");
    let own = flights.values().next().unwrap();
    assert_eq!((&own["request_path"], &own["request_method"]), (&json!("/v1/sys/in-flight-req"), &json!("GET")));
    assert!(!seen.body.to_string().contains("s3cr3t"), "queries are not shown");
    for status in [404, 307, 400] {
        let path = match status {
            404 => "nosuch/a",
            307 => "a//b",
            _ => "secret/%00",
        };
        assert_eq!(server.call(&format!("GET {path}"), "root", json!(null)).await.status, status);
    }
    assert_eq!(server.call("GET sys/in-flight-req", "root", json!(null)).await.body.as_object().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted() {
    let server = server().await;
    let count = || async { server.call("GET sys/internal/counters/tokens", "root", json!(null)).await };
    let total = |reply: strongroom_testkit::Reply| reply.at("/data/counters/service_tokens/total").as_u64().unwrap();
    let before = total(count().await);
    let token = server.token(json!({ "policies": ["default"] })).await;
    server.token(json!({ "policies": ["default"], "type": "batch" })).await;
    assert_eq!(total(count().await), before + 1, "batch tokens are not stored");
    server.call("POST auth/token/revoke", "root", json!({ "token": token })).await;
    assert_eq!(total(count().await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_are_counted() {
    let server = server().await;
    let total = || async {
        let reply = server.call("GET sys/internal/counters/entities", "root", json!(null)).await;
        reply.at("/data/counters/entities/total").as_u64().unwrap()
    };
    assert_eq!(total().await, 0);
    for name in ["a", "b", "a"] {
        server.call(&format!("POST identity/entity/name/{name}"), "root", json!({})).await;
    }
    assert_eq!(total().await, 2);
    server.call("DELETE identity/entity/name/a", "root", json!(null)).await;
    assert_eq!(total().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_history_outlives_a_seal_and_lists_a_version_once() {
    let server = server().await;
    let history = || async { server.call("LIST sys/version-history", "root", json!(null)).await };
    let first = history().await;
    assert_eq!(first.at("/data/keys"), json!([env!("CARGO_PKG_VERSION")]));
    server.clock.advance_s(3600);
    assert_eq!(server.call("PUT sys/seal", "root", json!(null)).await.status, 204);
    server.call("PUT sys/unseal", "", json!({ "key": server.unseal_key })).await;
    assert_eq!(history().await.at("/data"), first.at("/data"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsealed_server_takes_no_share_and_forgets_none() {
    let server = server().await;
    let unseal = |body: Value| async { server.call("PUT sys/unseal", "", body).await };
    let good = unseal(json!({ "key": server.unseal_key })).await;
    assert_eq!((good.status, good.at("/sealed"), good.at("/progress")), (200, json!(false), json!(0)));
    let wrong = unseal(json!({ "key": "00".repeat(32) })).await;
    assert_eq!((wrong.status, wrong.at("/sealed"), wrong.at("/progress")), (200, json!(false), json!(0)));
    assert_eq!(unseal(json!({ "reset": true })).await.text("/errors/0"), "vault is unsealed");
    assert!(unseal(json!({})).await.text("/errors/0").starts_with("'key' must be specified"));
    assert!(unseal(json!({ "key": "zz" })).await.text("/errors/0").contains("hex or base64"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_token_is_opened_with_its_password() {
    let server = server().await;
    // "abc" xor "123".
    let body = json!({ "encoded_token": "UFBQ", "otp": "123" });
    let opened = server.call("POST sys/decode-token", "", body).await;
    assert_eq!((opened.status, opened.text("/data/token")), (200, "abc".to_owned()));
    for (body, text) in [
        (json!({}), "provided 'encoded_token' or 'otp' is empty"),
        (json!({ "encoded_token": "***", "otp": "abc" }), "error decoding base64'd token"),
        (json!({ "encoded_token": "UFBQ", "otp": "1" }), "error xoring token"),
        (json!({ "encoded_token": "//79", "otp": "123" }), "was not made with this 'otp'"),
    ] {
        let refused = server.call("POST sys/decode-token", "", body).await;
        assert!(refused.status == 400 && refused.text("/errors/0").contains(text), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2026_39396_plugins_are_built_in_and_can_only_be_made_anew() {
    let server = server().await;
    let kv = server.call("GET sys/plugins/catalog/secret/kv", "root", json!(null)).await;
    assert_eq!((kv.at("/data/builtin"), kv.text("/data/name")), (json!(true), "kv".to_owned()));
    assert!(
        server.call("LIST sys/plugins/catalog/secret", "root", json!(null)).await.at("/data/keys").to_string().contains("kv")
    );
    assert_eq!(server.call("GET sys/plugins/catalog/secret/system", "root", json!(null)).await.status, 404);
    let register = json!({ "sha256": "00".repeat(32), "command": "evil" });
    let refused = server.call("POST sys/plugins/catalog/secret/evil", "root", register).await;
    assert!(refused.status == 400 && refused.text("/errors/0").contains("built in"), "{refused:?}");
    let reload = |body: Value| async { server.call("PUT sys/plugins/reload/backend", "root", body).await };
    assert_eq!(reload(json!({})).await.status, 400);
    assert_eq!(reload(json!({ "plugin": "kv", "mounts": ["secret/"] })).await.status, 400);
    assert_eq!(reload(json!({ "plugin": "nosuch" })).await.status, 400);
    assert_eq!(reload(json!({ "mounts": ["nosuch/"] })).await.status, 400);
    assert!(!reload(json!({ "mounts": ["secret"] })).await.text("/data/reload_id").is_empty());
    let stored = server.call("POST secret/data/a", "root", json!({ "data": { "k": 1 } })).await;
    assert_eq!(stored.status, 200, "mounts go on serving");
}
