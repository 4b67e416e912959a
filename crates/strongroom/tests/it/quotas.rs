//! Rate limits over the API.

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_core::wire::{Answer, Handler as _, Headers, Method, Peer, Request};
use strongroom_core::{AuditDevice, Server};
use strongroom_storage::SharedMemory;
use strongroom_testkit::{Options, TestServer, request};

/// One request from an address.
async fn from(server: &Arc<Server>, address: &str, method: Method, path: &str, content_type: &str, body: &str) -> Answer {
    let request = Request {
        method,
        path: path.to_owned(),
        query: String::new(),
        headers: Headers { token: Some("root".into()), content_type: Some(content_type.to_owned()), ..Headers::default() },
        body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        peer: Peer { address: Some(address.parse().unwrap()), ..Peer::default() },
        upload: Default::default(),
    };
    server.handle(request).await
}

/// What the answer says of the limit.
fn told(answer: &Answer, what: &str) -> u64 {
    let name = format!("X-Ratelimit-{what}");
    answer.extra.iter().find(|(n, _)| *n == name).unwrap().1.parse().unwrap()
}

async fn read(server: &TestServer, address: &str) -> u16 {
    from(&server.server, address, Method::Get, "secret/data/a", "", "").await.status
}

async fn limited(rule: Value) -> TestServer {
    let server = TestServer::start(Options::default()).await;
    assert_eq!(server.call("POST sys/quotas/rate-limit/r", "root", rule).await.status, 204);
    server
}

#[tokio::test]
async fn cve_2026_115359_cve_2025_12044_a_request_is_counted_whatever_its_body_is() {
    for (method, path, content_type, body) in [
        (Method::Write, "secret/data/a", "application/json", "{\"data\":{}}"),
        (Method::Write, "secret/data/a", "application/json", "{\"data\":"),
        (Method::Write, "secret/data/a", "application/x-www-form-urlencoded", "data=x"),
        (Method::Write, "secret/data/a", "multipart/form-data; boundary=x", "--x"),
        (Method::Write, "secret/data/a", "", "\u{0}"),
        (Method::Write, "secret%2Fdata/a", "", ""),
        (Method::Patch, "secret/data/a", "text/plain", ""),
        (Method::List, "secret/metadata", "", ""),
        (Method::Other, "secret/data/a", "", ""),
        (Method::Head, "secret/data/a", "", ""),
    ] {
        let server = limited(json!({ "rate": 2, "interval": "1m", "path": "secret" })).await;
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(from(&server.server, "10.0.0.1:1", method, path, content_type, body).await.status);
        }
        assert!(statuses[..2].iter().all(|s| *s != 429) && statuses[2..] == [429, 429], "{method:?} {path} {body}: {statuses:?}");
    }
}

#[tokio::test]
async fn a_path_that_is_none_falls_under_the_limit_of_everything() {
    let server = limited(json!({ "rate": 1, "interval": "1m" })).await;
    assert_eq!(from(&server.server, "10.0.0.1:1", Method::Get, "secret/%00", "", "").await.status, 400);
    let refused = from(&server.server, "10.0.0.1:1", Method::Get, "secret/%ff", "", "").await;
    assert_eq!((refused.status, &*refused.body), (429, &b"{\"errors\":[\"rate limit quota exceeded\"]}"[..]));
    assert_eq!(from(&server.server, "10.0.0.1:1", Method::Get, "sys/health", "", "").await.status, 200, "exempt");
    assert_eq!(from(&server.server, "10.0.0.1:1", Method::Get, "sys/init", "", "").await.status, 429, "not exempt");
}

#[tokio::test]
async fn clients_are_counted_apart_and_told_when_to_come_back() {
    let server = limited(json!({ "rate": 3, "interval": 30, "path": "secret/" })).await;
    server.call("POST sys/quotas/config", "root", json!({ "enable_rate_limit_response_headers": true })).await;
    for n in (0..3u64).rev() {
        let answer = from(&server.server, "10.0.0.1:1", Method::Get, "secret/data/a", "", "").await;
        assert_eq!((answer.status, told(&answer, "Remaining")), (404, n));
    }
    let refused = from(&server.server, "10.0.0.1:2", Method::Get, "secret/data/a", "", "").await;
    assert_eq!((refused.status, refused.retry_after_s), (429, Some(10)));
    assert_eq!(["Limit", "Remaining", "Reset"].map(|what| told(&refused, what)), [3, 0, 30]);
    assert_eq!(&*refused.body, br#"{"errors":["request path \"secret/data/a\": rate limit quota exceeded"]}"#);
    assert_eq!(read(&server, "10.0.0.2:1").await, 404, "another client");
    assert_eq!(from(&server.server, "10.0.0.1:1", Method::Get, "sys/mounts", "", "").await.status, 200, "another mount");
    server.clock.advance_s(10);
    assert_eq!((read(&server, "10.0.0.1:1").await, read(&server, "10.0.0.1:1").await), (404, 429));
}

#[tokio::test]
async fn the_nearest_rule_counts_and_a_deleted_one_no_more() {
    let server = limited(json!({ "rate": 1, "interval": "1m", "path": "secret/data/a" })).await;
    server.call("POST sys/quotas/rate-limit/mount", "root", json!({ "rate": 2, "interval": "1m", "path": "secret/" })).await;
    assert_eq!((read(&server, "10.0.0.1:1").await, read(&server, "10.0.0.1:1").await), (404, 429));
    let other = async || from(&server.server, "10.0.0.1:1", Method::Get, "secret/data/b", "", "").await.status;
    assert_eq!((other().await, other().await, other().await), (404, 404, 429));
    assert_eq!(server.call("DELETE sys/quotas/rate-limit/r", "root", json!(null)).await.status, 204);
    assert_eq!(read(&server, "10.0.0.1:1").await, 429, "the mount's rule is used up");
    server.call("POST sys/quotas/config", "root", json!({ "rate_limit_exempt_paths": ["/secret/data/*"] })).await;
    assert_eq!(read(&server, "10.0.0.1:1").await, 404, "exempt");
}

/// A server with AppRole at `auth/approle/` and these roles, whose role ids are `id-ROLE`.
async fn with_roles(roles: &[&str]) -> TestServer {
    let server = TestServer::start(Options::default()).await;
    assert_eq!(server.call("POST sys/auth/approle", "root", json!({ "type": "approle" })).await.status, 204);
    for role in roles {
        let body = json!({ "role_id": format!("id-{role}") });
        assert_eq!(server.call(&format!("POST auth/approle/role/{role}"), "root", body).await.status, 204);
    }
    server
}

/// The limit that counted a login, zero for none.
async fn limit_of(server: &TestServer, path: &str, content_type: &str, body: &str) -> u64 {
    let answer = from(&server.server, "10.0.0.1:1", Method::Write, path, content_type, body).await;
    assert_ne!(answer.status, 429, "{path} {body}");
    answer.extra.iter().find(|(n, _)| n == "X-Ratelimit-Limit").map_or(0, |(_, limit)| limit.parse().unwrap())
}

#[tokio::test]
async fn a_limit_by_role_counts_the_logins_of_that_role_and_no_others() {
    let server = with_roles(&["one", "two"]).await;
    let rule = json!({ "rate": 2, "interval": "1m", "path": "auth/approle", "role": "One" });
    assert_eq!(server.call("POST sys/quotas/rate-limit/r", "root", rule).await.status, 204);
    let shown = server.call("GET sys/quotas/rate-limit/r", "root", json!(null)).await;
    assert_eq!((shown.text("/data/path"), shown.text("/data/role")), ("auth/approle/".into(), "one".into()));
    let login = async |address: &str, role_id: &str| {
        let body = json!({ "role_id": role_id, "secret_id": "x" }).to_string();
        from(&server.server, address, Method::Write, "auth/approle/login", "", &body).await.status
    };
    for n in 0..4 {
        assert_eq!(login("10.0.0.1:1", "id-one").await, if n < 2 { 400 } else { 429 }, "{n}");
        assert_eq!((login("10.0.0.1:1", "id-two").await, login("10.0.0.1:1", "nobody").await), (400, 400), "{n}");
    }
    assert_eq!(login("10.0.0.2:1", "id-one").await, 400, "another client");
    assert_eq!(server.call("GET auth/approle/role/one", "root", json!(null)).await.status, 200, "no login");
    assert_eq!(server.call("DELETE sys/quotas/rate-limit/r", "root", json!(null)).await.status, 204);
    assert_eq!(login("10.0.0.1:1", "id-one").await, 400, "deleted");
}

#[tokio::test]
async fn cve_2026_115359_a_login_asks_for_its_role_in_every_format() {
    let server = with_roles(&["one"]).await;
    server.call("POST sys/quotas/config", "root", json!({ "enable_rate_limit_response_headers": true })).await;
    for (name, limit, place) in [
        ("role", 1_000, json!({ "path": "auth/approle/", "role": "one" })),
        ("path", 2_000, json!({ "path": "auth/approle/login" })),
        ("mount", 3_000, json!({ "path": "auth/approle/" })),
    ] {
        let mut rule = place;
        rule["rate"] = json!(limit);
        assert_eq!(server.call(&format!("POST sys/quotas/rate-limit/{name}"), "root", rule).await.status, 204);
    }
    const FORM: &str = "application/x-www-form-urlencoded";
    for (path, content_type, body, limit) in [
        ("auth/approle/login", "application/json", r#"{"role_id":"id-one","secret_id":"x"}"#, 1_000),
        ("auth/approle/login", FORM, "role_id=id-one&secret_id=x", 1_000),
        ("auth/approle/login", FORM, r#"{"role_id":"id-one"}"#, 1_000),
        ("auth/approle/login", "text/plain", r#"{"role_id":" id-one "}"#, 1_000),
        ("auth%2Fapprole/login", "", r#"{"role_id":"id-one"}"#, 1_000),
        ("auth/approle/login", FORM, "role%5Fid=id%2Done", 1_000),
        ("auth/approle/login", "", r#"{"role_id":"id-two"}"#, 2_000),
        ("auth/approle/login", "", r#"{"role_id":["id-one"]}"#, 2_000),
        ("auth/approle/login", "", r#"{"role_id":"id-one""#, 2_000),
        ("auth/approle/role/one", "", r#"{"role_id":"id-one"}"#, 3_000),
        ("secret/data/a", "", r#"{"role_id":"id-one"}"#, 0),
    ] {
        assert_eq!(limit_of(&server, path, content_type, body).await, limit, "{path} {content_type} {body}");
    }
}

#[tokio::test]
async fn a_mount_and_a_role_have_one_rule_each() {
    let server = with_roles(&["one", "two"]).await;
    let write = async |name: &str, role: &str, rate: u32| {
        let body = json!({ "rate": rate, "path": "auth/approle/", "role": role });
        server.call(&format!("POST sys/quotas/rate-limit/{name}"), "root", body).await
    };
    assert_eq!(write("a", "one", 1).await.status, 204);
    assert_eq!(write("b", "two", 1).await.status, 204);
    assert_eq!(write("c", "", 1).await.status, 204);
    let refused = write("d", "ONE", 1).await;
    let text = "quota rule with similar properties exists under the name \"a\"";
    assert_eq!((refused.status, refused.text("/errors/0").as_str()), (400, text));
    let refused = write("d", "no role/at all", 1).await;
    assert_eq!((refused.status, refused.text("/errors/0").as_str()), (400, "role: no role can have this name"));
    // A rule that moves leaves its place to others.
    assert_eq!(write("a", "three", 2).await.status, 204);
    assert_eq!(write("d", "one", 1).await.status, 204);
    assert_eq!(server.call("DELETE sys/quotas/rate-limit/b", "root", json!(null)).await.status, 204);
    assert_eq!(write("e", "two", 1).await.status, 204);
    let names = server.call("LIST sys/quotas/rate-limit", "root", json!(null)).await.at("/data/keys");
    assert_eq!(names, json!(["a", "c", "d", "e"]));
}

#[tokio::test]
async fn rules_are_judged_before_they_are_kept() {
    let server = limited(json!({ "rate": 5, "path": "secret" })).await;
    for (body, text) in [
        (json!({}), "'rate' is invalid"),
        (json!({ "rate": 0 }), "'rate' is invalid"),
        (json!({ "rate": "inf" }), "rate"),
        (json!({ "rate": 1, "path": "hush/" }), "invalid mount path"),
        (json!({ "rate": 1, "path": "secret/*/x" }), "path"),
        (json!({ "rate": 1, "path": "secret/", "role": "hush" }), "role-based"),
        (json!({ "rate": 1, "role": "hush" }), "not a valid auth method"),
        (json!({ "rate": 1, "path": "auth/token/", "role": "hush" }), "does not support use with role-based quotas"),
        (json!({ "rate": 1, "path": "auth/token/create", "role": "hush" }), "both a path suffix and a role"),
        (json!({ "rate": 1, "path": "secret/x", "inheritable": true }), "inheritable"),
        (json!({ "rate": 1, "path": "secret/" }), "quota rule with similar properties exists under the name \"r\""),
        (json!({ "rate": 1, "interval": "hush" }), "interval"),
        (json!({ "rate": 1, "type": "hush" }), "type"),
    ] {
        let reply = server.call("POST sys/quotas/rate-limit/other", "root", body.clone()).await;
        let error = reply.text("/errors/0");
        assert!(reply.status == 400 && error.contains(text) && !error.contains("hush"), "{body}: {reply:?}");
    }
    let shown = server.call("GET sys/quotas/rate-limit/r", "root", json!(null)).await;
    let data = json!({
        "block_interval": 0, "inheritable": false, "interval": 1, "name": "r", "path": "secret/", "rate": 5.0, "role": "",
        "type": "rate-limit",
    });
    assert_eq!(shown.at("/data"), data);
    assert_eq!(server.call("LIST sys/quotas/rate-limit", "root", json!(null)).await.at("/data/keys"), json!(["r"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rules_for_one_path_cannot_be_made_at_once() {
    let server = TestServer::start(Options::default()).await;
    let make = |name: &str| {
        let (server, what) = (server.server.clone(), format!("POST sys/quotas/rate-limit/{name}"));
        let body = json!({ "rate": 100_000, "path": "secret/" }).to_string();
        tokio::spawn(async move { request(&server, &what, "root", &body, Headers::default()).await.status })
    };
    let tries: Vec<_> = (0..8).map(|n| make(&n.to_string())).collect();
    let mut made = 0;
    for one in tries {
        made += usize::from(one.await.unwrap() == 204);
    }
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_leave_one_record_a_second_and_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log/audit.log");
    let device = AuditDevice::file("file/", path.clone());
    let server = TestServer::start(Options { audit: vec![device], ..Options::default() }).await;
    server.call("POST sys/quotas/rate-limit/r", "root", json!({ "rate": 1, "interval": "1h", "path": "secret/" })).await;
    for _ in 0..300 {
        read(&server, "10.0.0.1:1").await;
        read(&server, "10.0.0.2:1").await;
    }
    server.call("POST sys/seal", "root", json!(null)).await; // writes what is left
    let text = std::fs::read_to_string(path).unwrap();
    let records: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let refused = |ip: &str| -> Vec<u64> {
        let of_source = records.iter().filter(|r| r["request"]["remote_address"] == ip);
        let counts =
            of_source.filter_map(|r| r["error"].as_str()?.strip_prefix("rate limit quota exceeded: ")?.split(' ').next());
        counts.map(|n| n.parse().unwrap()).collect()
    };
    for ip in ["10.0.0.1", "10.0.0.2"] {
        let counts = refused(ip);
        assert_eq!(counts.iter().sum::<u64>(), 299, "{counts:?}");
        assert!(counts.len() <= 5, "{counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_one_node_counts_on_the_other() {
    let shared = SharedMemory::new();
    let a = TestServer::start(Options { store: Some(Arc::new(shared.handle())), ..Options::default() }).await;
    let (b, _) = TestServer::make(Options { store: Some(Arc::new(shared.handle())), ..Options::default() });
    request(&b, "PUT sys/unseal", "", &json!({ "key": a.unseal_key }).to_string(), Headers::default()).await;
    let on_b = async || from(&b, "10.0.0.1:1", Method::Get, "secret/data/a", "", "").await.status;
    assert_eq!(on_b().await, 404);
    a.call("POST sys/quotas/rate-limit/r", "root", json!({ "rate": 1, "interval": "1h", "path": "secret/" })).await;
    for _ in 0..100 {
        if on_b().await == 429 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the other node does not know the rule");
}
