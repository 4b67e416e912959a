//! Policies at work in the whole server.

use serde_json::json;
use strongroom_testkit::{Options, TestServer};

#[tokio::test]
async fn a_changed_policy_counts_for_tokens_that_are_cached_already() {
    let server = TestServer::start(Options::default()).await;
    server.call("POST secret/data/a", "root", json!({ "data": { "k": 1 } })).await;
    let token = server.token(json!({ "policies": ["p"] })).await;
    for round in 0..20 {
        let capability = if round % 2 == 0 { "read" } else { "deny" };
        let policy = format!("path \"secret/data/a\" {{ capabilities = [\"{capability}\"] }}");
        assert_eq!(server.call("POST sys/policies/acl/p", "root", json!({ "policy": policy })).await.status, 204);
        let expected = if round % 2 == 0 { 200 } else { 403 };
        assert_eq!(server.call("GET secret/data/a", &token, json!(null)).await.status, expected, "round {round}");
    }
    server.call("DELETE sys/policies/acl/p", "root", json!(null)).await;
    assert_eq!(server.call("GET secret/data/a", &token, json!(null)).await.status, 403);
}

#[tokio::test]
async fn a_refused_policy_leaves_no_trace() {
    let server = TestServer::start(Options::default()).await;
    let good = "path \"a\" { capabilities = [\"read\"] }";
    server.call("POST sys/policies/acl/p", "root", json!({ "policy": good })).await;
    for bad in
        ["path \"a\" {", "nonsense", "path \"a\" { capabilities = [\"fly\"] }", "path \"a/+*\" { capabilities = [\"read\"] }"]
    {
        assert_eq!(server.call("POST sys/policies/acl/p", "root", json!({ "policy": bad })).await.status, 400, "{bad}");
        assert_eq!(server.call("GET sys/policies/acl/p", "root", json!(null)).await.at("/data/policy"), json!(good));
    }
}

#[tokio::test]
async fn a_disabled_mount_takes_its_data_with_it() {
    let server = TestServer::start(Options::default()).await;
    for _ in 0..3 {
        assert_eq!(server.call("POST sys/mounts/kv", "root", json!({ "type": "kv" })).await.status, 204);
        assert_eq!(server.call("GET kv/a", "root", json!(null)).await.status, 404);
        assert_eq!(server.call("POST kv/a", "root", json!({ "k": 1 })).await.status, 204);
        assert_eq!(server.call("DELETE sys/mounts/kv", "root", json!(null)).await.status, 204);
        assert_eq!(server.call("GET kv/a", "root", json!(null)).await.status, 404);
    }
}

#[tokio::test]
async fn mounts_neither_shadow_nor_hide_each_other() {
    let server = TestServer::start(Options::default()).await;
    assert_eq!(server.call("POST sys/mounts/a/b", "root", json!({ "type": "kv" })).await.status, 204);
    for taken in ["a/b", "a/b/c", "a", "secret/x"] {
        let reply = server.call(&format!("POST sys/mounts/{taken}"), "root", json!({ "type": "kv" })).await;
        assert_eq!(reply.status, 400, "{taken}: {reply:?}");
    }
    assert_eq!(server.call("POST sys/mounts/a/bc", "root", json!({ "type": "kv" })).await.status, 204);
}

#[tokio::test]
async fn a_sealed_server_answers_nothing_and_comes_back_whole() {
    let server = TestServer::start(Options::default()).await;
    server.call("POST secret/data/a", "root", json!({ "data": { "k": "v" } })).await;
    let token = server.token(json!({ "policies": ["default"] })).await;
    assert_eq!(server.call("PUT sys/seal", "root", json!(null)).await.status, 204);
    assert_eq!(server.call("GET secret/data/a", "root", json!(null)).await.status, 503);
    assert_eq!(server.call("GET sys/health", "", json!(null)).await.status, 503);
    let wrong = server.call("PUT sys/unseal", "", json!({ "key": "00".repeat(32) })).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    assert_eq!(server.call("GET sys/seal-status", "", json!(null)).await.at("/sealed"), json!(true));
    assert_eq!(server.call("PUT sys/unseal", "", json!({ "key": server.unseal_key })).await.at("/sealed"), json!(false));
    assert_eq!(server.call("GET secret/data/a", "root", json!(null)).await.at("/data/data/k"), json!("v"));
    assert_eq!(server.call("GET auth/token/lookup-self", &token, json!(null)).await.status, 200);
}

#[tokio::test]
async fn rotation_keeps_everything_readable() {
    let server = TestServer::start(Options::default()).await;
    for n in 1..=5 {
        server.call(&format!("POST secret/data/{n}"), "root", json!({ "data": { "n": n } })).await;
        assert_eq!(server.call("POST sys/rotate", "root", json!(null)).await.status, 204);
        assert_eq!(server.call("GET sys/key-status", "root", json!(null)).await.at("/data/term"), json!(n + 1));
    }
    server.call("PUT sys/seal", "root", json!(null)).await;
    server.call("PUT sys/unseal", "", json!({ "key": server.unseal_key })).await;
    for n in 1..=5 {
        assert_eq!(server.call(&format!("GET secret/data/{n}"), "root", json!(null)).await.at("/data/data/n"), json!(n));
    }
}

#[tokio::test]
async fn passwords_are_made_by_the_policy_that_is_written_now() {
    let server = TestServer::start(Options::default()).await;
    let rule = |set: &str, n: u32| format!("rule \"charset\" {{\n  charset = \"{set}\"\n  min-chars = {n}\n}}\n");
    let write = |text: String| server.call("POST sys/policies/password/p", "root", json!({ "policy": text }));
    assert_eq!(server.call("GET sys/policies/password/p/generate", "root", json!(null)).await.status, 404);
    assert_eq!(write(format!("length = 30\n{}{}", rule("ab", 10), rule("12", 10))).await.status, 204);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let password = server.call("GET sys/policies/password/p/generate", "root", json!(null)).await.text("/data/password");
        assert!(password.len() == 30 && password.matches(['a', 'b']).count() >= 10 && password.matches(['1', '2']).count() >= 10);
        seen.insert(password);
    }
    assert!(seen.len() > 45);
    for refused in
        ["length = 3\nrule \"charset\" { charset = \"a\" }", "length = 20", "nonsense {", "length = 20\nrule \"charset\" {}"]
    {
        assert_eq!(write(refused.to_owned()).await.status, 400, "{refused}");
    }
    assert_eq!(write(format!("length = 5\n{}", rule("x", 5))).await.status, 204);
    let made = server.call("GET sys/policies/password/p/generate", "root", json!(null)).await;
    assert_eq!(made.text("/data/password"), "xxxxx", "a refused text changes nothing, an accepted one counts at once");
    assert_eq!(server.call("POST sys/policies/password/p/generate", "root", json!({})).await.status, 405);
    assert_eq!(server.call("GET sys/policies/password/p/generate", "", json!(null)).await.status, 403);
}
