//! Policies at work in the whole server.

use serde_json::json;
use strongroom_core::wire::Headers;
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

/// The reference's root-protected paths, as far as they are served.
#[tokio::test]
async fn root_protected_paths_need_sudo_besides_the_plain_capability() {
    let server = TestServer::start(Options::default()).await;
    let all = r#""create", "read", "update", "delete", "list""#;
    for (name, more) in [("plain", ""), ("sudo", r#", "sudo""#)] {
        let policy = format!("path \"*\" {{ capabilities = [{all}{more}] }}");
        server.call(&format!("POST sys/policies/acl/{name}"), "root", json!({ "policy": policy })).await;
    }
    let plain = server.token(json!({ "policies": ["plain"] })).await;
    let sudo = server.token(json!({ "policies": ["sudo"] })).await;
    for what in [
        "LIST auth/token/accessors",
        "POST auth/token/create-orphan",
        "POST auth/token/revoke-orphan",
        "GET sys/audit",
        "GET sys/auth/token",
        "POST sys/auth/none",
        "DELETE sys/auth/none",
        "GET sys/auth/token/tune",
        "POST sys/auth/token/tune",
        "POST sys/remount",
        "POST sys/rotate",
        "POST sys/rotate/keyring",
        "POST sys/seal",
    ] {
        assert_eq!(server.call(what, &plain, json!({})).await.status, 403, "{what} without sudo");
        if what != "POST sys/seal" {
            assert_ne!(server.call(what, &sudo, json!({})).await.status, 403, "{what} with sudo");
        }
    }
}

#[tokio::test]
async fn a_policy_may_ask_for_wrapped_answers_and_bound_their_life() {
    let server = TestServer::start(Options::default()).await;
    server.call("POST secret/data/w", "root", json!({ "data": { "k": "v" } })).await;
    let policy =
        "path \"secret/data/w\" {\n capabilities = [\"read\"]\n min_wrapping_ttl = \"30s\"\n max_wrapping_ttl = \"90s\"\n}";
    assert_eq!(server.call("POST sys/policies/acl/w", "root", json!({ "policy": policy })).await.status, 204);
    let token = server.token(json!({ "policies": ["w"] })).await;
    for (ttl, status) in [(None, 403), (Some("29"), 403), (Some("30s"), 200), (Some("90"), 200), (Some("2m"), 403)] {
        let headers = Headers { wrap_ttl: ttl.map(Into::into), ..Headers::default() };
        let reply = server.with_headers("GET secret/data/w", &token, "", headers).await;
        assert_eq!(reply.status, status, "{ttl:?} {reply:?}");
    }
}

#[tokio::test]
async fn capabilities_of_several_paths_agree_however_one_asks() {
    let server = TestServer::start(Options::default()).await;
    let policy = "path \"a/*\" { capabilities = [\"read\", \"list\"] }\npath \"a/no\" { capabilities = [\"deny\"] }";
    server.call("POST sys/policies/acl/c", "root", json!({ "policy": policy })).await;
    let made = server.call("POST auth/token/create", "root", json!({ "policies": ["c"] })).await;
    let (token, accessor) = (made.text("/auth/client_token"), made.text("/auth/accessor"));
    let paths = json!(["a/x", "a/no", "b"]);
    for (what, by, body) in [
        ("POST sys/capabilities", "root", json!({ "paths": paths, "token": token })),
        ("POST sys/capabilities-self", token.as_str(), json!({ "paths": paths })),
        ("POST sys/capabilities-accessor", "root", json!({ "paths": paths, "accessor": accessor })),
    ] {
        let told = server.call(what, by, body).await;
        let of = |path: &str| told.at("/data")[path].clone();
        assert_eq!(
            (of("a/x"), of("a/no"), of("b")),
            (json!(["list", "read"]), json!(["deny"]), json!(["deny"])),
            "{what} {told:?}"
        );
    }
}
