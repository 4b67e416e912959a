//! Nothing unaudited is answered, and nothing secret is in the audit log.

use std::path::Path;

use serde_json::{Value, json};
use strongroom_core::AuditDevice;
use strongroom_testkit::{Options, TestServer};

fn device(path: &Path) -> AuditDevice {
    AuditDevice::file("file/", path.join("log/audit.log"))
}

async fn server(folder: &Path) -> TestServer {
    TestServer::start(Options { audit: vec![device(folder)], ..Options::default() }).await
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("log/audit.log")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exit_of_the_pipeline_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let token = server.token(json!({ "policies": ["default"] })).await;
    let requests = [
        ("GET secret/data/none", "root", 404),
        ("POST secret/data/a", "root", 400),
        ("GET sys/mounts", token.as_str(), 403),
        ("GET sys/mounts", "", 403),
        ("GET sys/mounts", "nosuch", 403),
        ("GET nosuch/a", "root", 404),
        ("GET sys/nosuch", "root", 404),
        ("GET secret//data/a", "root", 307),
        ("GET secret/data/%00", "root", 400),
        ("FOO secret/data/a", "root", 405),
        ("GET sys/mounts", "root", 200),
    ];
    for (what, token, status) in requests {
        let before = lines(folder.path()).len();
        assert_eq!(server.call(what, token, json!({})).await.status, status, "{what}");
        let all = lines(folder.path());
        assert!(all.len() > before, "{what} left no record");
        let last = all.last().unwrap();
        assert_eq!(last["type"], "response", "{what}");
        assert_eq!(
            status >= 300,
            last.get("error").is_some_and(|e| !e.as_str().unwrap_or_default().is_empty()),
            "{what}: {last}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_sink_takes_a_record_nothing_happens_and_nothing_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut device = device(folder.path());
    device.limits.buffer_bytes_max = 3000;
    let server = TestServer::start(Options { audit: vec![device], ..Options::default() }).await;
    // A record that is too large for the log: the request must have no effect.
    let names: Vec<String> = (0..200).map(|n| format!("name-{n}-{}", "x".repeat(20))).collect();
    let reply = server.call("POST secret/data/a", "root", json!({ "data": { "k": names } })).await;
    assert_eq!((reply.status, reply.at("/errors/0")), (500, json!("internal error")));
    assert_eq!(server.call("GET secret/data/a", "root", json!(null)).await.status, 404, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2024_8365_the_log_holds_no_secret_no_token_and_no_accessor() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let made =
        server.call("POST auth/token/create", "root", json!({ "policies": ["default"], "meta": { "team": "m-e-t-a" } })).await;
    let (token, accessor) = (made.text("/auth/client_token"), made.text("/auth/accessor"));
    let secret = json!({ "data": { "password": "s3cr3t-value", "pin": 48151623, "list": ["s3cr3t-item"], "deep": { "a": { "b": "s3cr3t-deep" } } } });
    server.call("POST secret/data/a", "root", secret).await;
    server.call("GET secret/data/a", "root", json!(null)).await;
    server.call("POST cubbyhole/a", &token, json!({ "k": "s3cr3t-cubby" })).await;
    server.call("GET cubbyhole/a", &token, json!(null)).await;
    server.call("POST auth/token/lookup", "root", json!({ "token": token })).await;
    server.call("POST auth/token/lookup-accessor", "root", json!({ "accessor": accessor })).await;
    server.call("POST auth/token/renew-self", &token, json!({})).await;
    server.call("GET auth/token/lookup-self", "s3cr3t-wrong-token", json!(null)).await;
    server.call("POST secret/data/a", "root", json!({ "data": "s3cr3t-not-an-object", "s3cr3t": 1 })).await;
    server.raw("POST secret/data/a", "root", "{\"data\": {\"k\": \"s3cr3t-broken\"").await;
    let text = std::fs::read_to_string(folder.path().join("log/audit.log")).unwrap();
    for hidden in ["s3cr3t-", "48151623", token.as_str(), accessor.as_str()] {
        assert!(!text.contains(hidden), "{hidden} is in the log");
    }
    assert!(text.contains("hmac-sha256:"));
    let hash = server.call("POST sys/audit-hash/file", "root", json!({ "input": "s3cr3t-value" })).await.text("/data/hash");
    assert!(text.contains(&hash), "the hash of a value can be looked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_cut_or_swapped_keeps_the_server_shut() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    for n in 0..20 {
        server.call(&format!("POST secret/data/{n}"), "root", json!({ "data": { "a": 1 } })).await;
    }
    assert_eq!(server.call("PUT sys/seal", "root", json!(null)).await.status, 204);
    let path = folder.path().join("log/audit.log");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let refused = server.call("PUT sys/unseal", "", json!({ "key": server.unseal_key })).await;
    assert_eq!(refused.status, 500, "{refused:?}");
    assert_eq!(server.call("GET secret/data/1", "root", json!(null)).await.status, 503, "still sealed");
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(server.call("PUT sys/unseal", "", json!({ "key": server.unseal_key })).await.at("/sealed"), json!(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_a_store_that_was_rolled_back_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| -> std::sync::Arc<dyn strongroom_storage::Store> {
        let config = strongroom_storage::embedded::Config::new(folder.path().join(name));
        std::sync::Arc::new(strongroom_storage::EmbeddedStore::open(config).unwrap())
    };
    let options = |name: &str| Options { store: Some(open(name)), audit: vec![device(folder.path())], ..Options::default() };
    let server = TestServer::start(options("data")).await;
    let key = server.unseal_key.clone();
    server.server.stop().await;
    drop(server);
    let copy = folder.path().join("old");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(folder.path().join("data/strongroom.db"), copy.join("strongroom.db")).unwrap();

    let (server, _) = TestServer::make(options("data"));
    let unseal = |server: std::sync::Arc<strongroom_core::Server>| {
        let body = json!({ "key": key }).to_string();
        async move { strongroom_testkit::request(&server, "PUT sys/unseal", "", &body, Default::default()).await }
    };
    assert_eq!(unseal(server.clone()).await.at("/sealed"), json!(false));
    for n in 0..10 {
        let body = json!({ "data": { "n": n } }).to_string();
        strongroom_testkit::request(&server, "POST secret/data/a", "root", &body, Default::default()).await;
    }
    server.stop().await;
    drop(server);

    let (server, _) = TestServer::make(options("old"));
    let refused = unseal(server).await;
    assert_eq!(refused.status, 500, "the old store must not open beside the newer log: {refused:?}");
    let (server, _) = TestServer::make(options("data"));
    assert_eq!(unseal(server).await.at("/sealed"), json!(false), "the true one does");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_hashes_to_a_huge_record_is_hashed_whole() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let many: serde_json::Map<String, Value> = (0..4_900).map(|n| (format!("{n:0150}"), json!("s3cret"))).collect();
    let many = json!({ "data": many });
    assert_eq!(server.call("POST secret/data/a", "root", many).await.status, 200);
    assert_eq!(server.call("GET secret/data/a", "root", json!({})).await.status, 200);
    let records = lines(folder.path());
    let is_whole = |data: &Value| data["hashed_whole"].as_str().is_some_and(|h| h.starts_with("hmac-sha256:"));
    assert!(records.iter().any(|r| r["type"] == "request" && is_whole(&r["request"]["data"])));
    assert!(records.last().is_some_and(|r| is_whole(&r["response"]["data"])));
    assert!(!std::fs::read_to_string(folder.path().join("log/audit.log")).unwrap().contains("s3cret"));
}
