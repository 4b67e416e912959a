//! AppRole in the whole server: what only pipeline, token store, clock and store together can promise.

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_core::wire::Headers;
use strongroom_storage::{MemoryStore, SharedMemory, Store as _};
use strongroom_testkit::{Options, Reply, TestServer, request};

async fn enabled(options: Options) -> TestServer {
    let server = TestServer::start(options).await;
    assert_eq!(server.call("POST sys/auth/approle", "root", json!({ "type": "approle" })).await.status, 204);
    server
}

/// For tests that count something else than wrong guesses.
async fn without_lockout(server: &TestServer) {
    let body = json!({ "user_lockout_config": { "lockout_disable": true } });
    assert_eq!(server.call("POST sys/auth/approle/tune", "root", body).await.status, 204);
}

/// A role and its id.
async fn role(server: &TestServer, name: &str, body: Value) -> String {
    assert_eq!(server.call(&format!("POST auth/approle/role/{name}"), "root", body).await.status, 204);
    server.call(&format!("GET auth/approle/role/{name}/role-id"), "root", json!(null)).await.text("/data/role_id")
}

async fn secret(server: &TestServer, role: &str, body: Value) -> Reply {
    let made = server.call(&format!("POST auth/approle/role/{role}/secret-id"), "root", body).await;
    assert_eq!(made.status, 200, "{made:?}");
    made
}

async fn login(server: &TestServer, role_id: &str, secret_id: &str) -> Reply {
    server.call("POST auth/approle/login", "", json!({ "role_id": role_id, "secret_id": secret_id })).await
}

#[tokio::test]
async fn cve_2023_24999_who_owns_one_role_never_touches_the_secret_ids_of_another() {
    let server = enabled(Options::default()).await;
    let theirs = role(&server, "theirs", json!({})).await;
    role(&server, "mine", json!({})).await;
    let made = secret(&server, "theirs", json!({})).await;
    let (text, accessor) = (made.text("/data/secret_id"), made.text("/data/secret_id_accessor"));
    let policy = "path \"auth/approle/role/mine/*\" { capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\"] }";
    server.call("POST sys/policies/acl/mine", "root", json!({ "policy": policy })).await;
    let token = server.token(json!({ "policies": ["mine"] })).await;
    let body = json!({ "secret_id": text, "secret_id_accessor": accessor });
    for (what, status) in [
        ("POST auth/approle/role/mine/secret-id-accessor/destroy", 404),
        ("POST auth/approle/role/mine/secret-id-accessor/lookup", 204),
        ("POST auth/approle/role/mine/secret-id/destroy", 204),
        ("POST auth/approle/role/mine/secret-id/lookup", 204),
        ("LIST auth/approle/role/mine/secret-id", 404),
        ("POST auth/approle/role/theirs/secret-id-accessor/destroy", 403),
    ] {
        let reply = server.call(what, &token, if what.starts_with("LIST") { json!(null) } else { body.clone() }).await;
        assert_eq!((reply.status, reply.at("/data")), (status, Value::Null), "{what}");
    }
    assert_eq!(login(&server, &theirs, &text).await.status, 200);
}

#[tokio::test]
async fn cve_2026_115362_an_expired_secret_id_is_refused_at_use() {
    let server = enabled(Options::default()).await;
    let id = role(&server, "r", json!({ "secret_id_ttl": "1m" })).await;
    let text = secret(&server, "r", json!({})).await.text("/data/secret_id");
    server.clock.advance_s(59);
    assert_eq!(login(&server, &id, &text).await.status, 200);
    server.clock.advance_s(1);
    let late = login(&server, &id, &text).await;
    assert_eq!((late.status, late.at("/errors/0")), (400, json!("invalid role or secret ID")));
    assert_eq!(late.body, login(&server, "no such role", &text).await.body);
}

/// The seam of single use: 1,000 secret ids, 32 logins at once with each, on two nodes of one store.
#[tokio::test(flavor = "multi_thread")]
async fn d3_a_single_use_secret_id_logs_in_once_among_32() {
    let shared = SharedMemory::new();
    let a = enabled(Options { store: Some(Arc::new(shared.handle())), ..Options::default() }).await;
    let (b, _) = TestServer::make(Options { store: Some(Arc::new(shared.handle())), ..Options::default() });
    let unseal = json!({ "key": a.unseal_key }).to_string();
    assert_eq!(request(&b, "PUT sys/unseal", "", &unseal, Headers::default()).await.status, 200);
    without_lockout(&a).await;
    let id = role(&a, "r", json!({ "secret_id_num_uses": 1, "token_type": "batch" })).await;
    for _ in 0..1000 {
        let text = secret(&a, "r", json!({})).await.text("/data/secret_id");
        let body = json!({ "role_id": id, "secret_id": text }).to_string();
        let racers: Vec<_> = (0..32)
            .map(|n| {
                let (server, body) = (if n % 2 == 0 { a.server.clone() } else { b.clone() }, body.clone());
                let asked =
                    async move { request(&server, "POST auth/approle/login", "", &body, Headers::default()).await.status };
                tokio::spawn(asked)
            })
            .collect();
        let mut statuses = Vec::new();
        for racer in racers {
            statuses.push(racer.await.unwrap());
        }
        assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|s| matches!(s, 200 | 400)), "{statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_uses_are_counted_among_many_at_once() {
    let server = Arc::new(enabled(Options::default()).await);
    let id = role(&server, "r", json!({ "secret_id_num_uses": 7 })).await;
    let text = secret(&server, "r", json!({})).await.text("/data/secret_id");
    let racers: Vec<_> = (0..32)
        .map(|_| {
            let (server, id, text) = (server.clone(), id.clone(), text.clone());
            tokio::spawn(async move { login(&server, &id, &text).await.status })
        })
        .collect();
    let mut good = 0;
    for racer in racers {
        good += usize::from(racer.await.unwrap() == 200);
    }
    assert_eq!(good, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_role_leaves_nothing_in_the_store() {
    let store = Arc::new(MemoryStore::new());
    let server = enabled(Options { store: Some(store.clone()), ..Options::default() }).await;
    without_lockout(&server).await;
    let entries = || async { store.scan(b"d/", None, 10_000).await.unwrap().len() };
    let before = entries().await;
    let id = role(&server, "r", json!({ "secret_id_ttl": "1h" })).await;
    let mut texts = Vec::new();
    for _ in 0..100 {
        texts.push(secret(&server, "r", json!({})).await.text("/data/secret_id"));
    }
    assert!(entries().await > before + 200);
    assert_eq!(server.call("DELETE auth/approle/role/r", "root", json!(null)).await.status, 204);
    assert_eq!(login(&server, &id, &texts[0]).await.status, 400, "dead at once");
    for _ in 0..150 {
        if entries().await == before {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(entries().await, before, "wiped in the background");
}

#[tokio::test]
async fn a_login_token_is_renewed_by_the_role_of_today() {
    let server = enabled(Options::default()).await;
    let id = role(&server, "r", json!({ "token_ttl": "1m", "token_policies": ["p"] })).await;
    let text = secret(&server, "r", json!({})).await.text("/data/secret_id");
    let auth = login(&server, &id, &text).await;
    assert_eq!((auth.at("/auth/lease_duration"), auth.at("/auth/policies")), (json!(60), json!(["default", "p"])));
    let token = auth.text("/auth/client_token");
    server.call("POST auth/approle/role/r", "root", json!({ "token_ttl": "2m" })).await;
    let renewed = server.call("POST auth/token/renew-self", &token, json!({})).await;
    assert_eq!(renewed.at("/auth/lease_duration"), json!(120));
    server.call("DELETE auth/approle/role/r", "root", json!(null)).await;
    role(&server, "r", json!({ "token_ttl": "1h", "role_id": id })).await;
    server.clock.advance_s(60);
    server.call("POST auth/token/renew-self", &token, json!({})).await;
    server.clock.advance_s(61);
    assert_eq!(server.call("GET auth/token/lookup-self", &token, json!(null)).await.status, 403, "its role is gone");
}

/// The usual way of handing over: whoever makes the secret id never sees it.
#[tokio::test]
async fn a_wrapped_secret_id_comes_out_once() {
    let server = enabled(Options::default()).await;
    let id = role(&server, "r", json!({ "secret_id_num_uses": 1 })).await;
    let headers = Headers { wrap_ttl: Some("60s".into()), ..Headers::default() };
    let wrapped = server.with_headers("POST auth/approle/role/r/secret-id", "root", "{}", headers).await;
    assert_eq!(wrapped.at("/data"), Value::Null);
    let wrapping = wrapped.text("/wrap_info/token");
    let text = server.call("POST sys/wrapping/unwrap", &wrapping, json!(null)).await.text("/data/secret_id");
    assert_eq!(login(&server, &id, &text).await.status, 200);
    assert_eq!(server.call("POST sys/wrapping/unwrap", &wrapping, json!(null)).await.status, 400);
}

#[tokio::test]
async fn the_mount_decides_about_batch_tokens_and_disabling_ends_the_logins() {
    let server = enabled(Options::default()).await;
    server.call("POST sys/auth/approle/tune", "root", json!({ "token_type": "batch" })).await;
    let id = role(&server, "r", json!({ "bind_secret_id": false, "token_bound_cidrs": "0.0.0.0/0" })).await;
    let unknown_address = login(&server, &id, "").await;
    assert_eq!(unknown_address.status, 400, "an unknown address fits no network");
    let id = role(&server, "s", json!({})).await;
    let text = secret(&server, "s", json!({})).await.text("/data/secret_id");
    assert_eq!(login(&server, &id, &text).await.at("/auth/token_type"), json!("batch"));
    assert_eq!(server.call("DELETE sys/auth/approle", "root", json!(null)).await.status, 204);
    assert_eq!(login(&server, &id, &text).await.status, 403);
}
