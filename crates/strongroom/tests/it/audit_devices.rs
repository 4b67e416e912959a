//! Audit devices of every kind, from the configuration and from the API: what counts as recorded, and what an operator with
//! rights to `sys/audit` can't do.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use strongroom_audit::{Target, Transport};
use strongroom_core::wire::Headers;
use strongroom_core::{AuditDevice, AuditKind};
use strongroom_storage::SharedMemory;
use strongroom_testkit::{Options, Reply, TestServer, request};

async fn server(folder: &Path, audit: Vec<AuditDevice>) -> TestServer {
    TestServer::start(Options { audit, audit_api_folder: Some(folder.to_owned()), ..Options::default() }).await
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Paths of the requests in a log.
fn paths(path: &Path) -> Vec<String> {
    lines(path).iter().filter_map(|line| line["request"]["path"].as_str().map(str::to_owned)).collect()
}

fn file(path: &str) -> Value {
    json!({ "type": "file", "options": { "file_path": path } })
}

async fn enable(server: &TestServer, name: &str, body: Value) -> Reply {
    server.call(&format!("PUT sys/audit/{name}"), "root", body).await
}

async fn listed(server: &TestServer) -> Vec<String> {
    let reply = server.call("GET sys/audit", "root", json!(null)).await;
    reply.at("/data").as_object().unwrap().keys().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_enables_nothing_unless_the_configuration_allows_it() {
    let server = TestServer::start(Options::default()).await;
    let refused = enable(&server, "a", file("a.log")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text("/errors/0").starts_with("cannot enable audit device via API; "), "{refused:?}");
    assert_eq!(server.call("DELETE sys/audit/a", "root", json!(null)).await.status, 204, "there is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_the_api_records_from_its_own_request_on_until_it_is_disabled() {
    let folder = tempfile::tempdir().unwrap();
    let (server, path) = (server(folder.path(), Vec::new()).await, folder.path().join("a.log"));
    assert_eq!(enable(&server, "a", file("a.log")).await.status, 204);
    assert_eq!(paths(&path), ["sys/audit/test", "sys/audit/a"], "a test, then the answer of the request that enabled it");
    assert_eq!(enable(&server, "a", file("b.log")).await.text("/errors/0"), "path already in use");
    let taken = enable(&server, "b", file(path.to_str().unwrap())).await;
    assert_eq!((taken.status, taken.text("/errors/0").contains("another audit device")), (400, true), "{taken:?}");
    assert_eq!(listed(&server).await, ["a/"]);
    server.call("POST secret/data/x", "root", json!({ "data": { "k": "hidden-value" } })).await;
    let hash = server.call("POST sys/audit-hash/a", "root", json!({ "input": "hidden-value" })).await.text("/data/hash");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(&hash) && !text.contains("hidden-value"));

    // It is opened again at unseal.
    assert_eq!(server.call("PUT sys/seal", "root", json!(null)).await.status, 204);
    assert_eq!(server.call("PUT sys/unseal", "", json!({ "key": server.unseal_key })).await.at("/sealed"), json!(false));
    server.call("GET secret/data/after-unseal", "root", json!(null)).await;
    assert_eq!(paths(&path).last().unwrap(), "secret/data/after-unseal");

    assert_eq!(server.call("DELETE sys/audit/a", "root", json!(null)).await.status, 204);
    let after = paths(&path);
    server.call("GET secret/data/x", "root", json!(null)).await;
    assert_eq!(paths(&path), after, "nothing is recorded any more");
    assert!(listed(&server).await.is_empty());
    // Another device goes on with that file.
    assert_eq!(enable(&server, "c", file("a.log")).await.status, 204);
    assert_eq!(paths(&path).len(), after.len() + 2);
    let numbers: Vec<u64> = lines(&path).iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "one log without gaps");
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2025_6000_no_file_outside_of_the_folder_none_that_can_run_and_no_chosen_content() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("audit");
    std::fs::create_dir(&folder).unwrap();
    let server = server(&folder, Vec::new()).await;
    let outside = outer.path().join("plugin");
    let through = folder.join("../plugin");
    for path in ["../plugin", "/plugin", outside.to_str().unwrap(), through.to_str().unwrap(), "sub/plugin", ".hidden", "stdout"]
    {
        assert_eq!(enable(&server, "a", file(path)).await.status, 400, "{path}");
    }
    std::os::unix::fs::symlink(&outside, folder.join("link")).unwrap();
    assert_eq!(enable(&server, "a", file("link")).await.status, 400, "a link is not followed");
    assert!(!outside.exists());
    for (name, value) in [("mode", "0755"), ("hmac_accessor", "false"), ("log_raw", "maybe")] {
        let body = json!({ "type": "file", "options": { "file_path": "a.log", name: value } });
        assert_eq!(enable(&server, "a", body).await.status, 400, "{name}");
    }
    assert!(!folder.join("a.log").exists(), "a refused request leaves nothing");
    std::fs::write(folder.join("old.log"), "").unwrap();
    std::fs::set_permissions(folder.join("old.log"), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(enable(&server, "a", file("old.log")).await.status, 204);
    assert_eq!(std::fs::metadata(folder.join("old.log")).unwrap().permissions().mode() & 0o7777, 0o600);
    let token = server.token(json!({ "policies": ["default"] })).await;
    let refused = server.call("PUT sys/audit/b", &token, file("b.log")).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2024_0831_every_device_has_its_own_hashes_and_none_is_raw() {
    let folder = tempfile::tempdir().unwrap();
    let main = AuditDevice::file("main/", folder.path().join("main.log"));
    let server = server(&folder.path().join("api"), vec![main]).await;
    assert_eq!(enable(&server, "second", file("second.log")).await.status, 204);
    let raw = json!({ "type": "file", "options": { "file_path": "raw.log", "log_raw": "true", "prefix": "#!/bin/sh\n" } });
    assert_eq!(enable(&server, "raw", raw).await.status, 204);
    server.call("POST secret/data/x", "root", json!({ "data": { "k": "s3cr3t" } })).await;
    let mut hashes = Vec::new();
    for (name, path) in [("main", "main.log"), ("second", "api/second.log"), ("raw", "api/raw.log")] {
        let hash =
            server.call(&format!("POST sys/audit-hash/{name}"), "root", json!({ "input": "s3cr3t" })).await.text("/data/hash");
        let mut text = String::new();
        // Devices behind the gate may lag, by a tick.
        for _ in 0..100 {
            text = std::fs::read_to_string(folder.path().join(path)).unwrap();
            if text.contains(&hash) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(text.contains(&hash) && !text.contains("s3cr3t") && !text.contains("\n#!") && text.starts_with('{'), "{name}");
        hashes.push(hash);
    }
    assert_ne!(hashes[0], hashes[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_enabled_on_one_node_records_on_every_node_at_once() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let shared = SharedMemory::new();
    let options = |folder: &Path| Options {
        store: Some(Arc::new(shared.handle())),
        audit_api_folder: Some(folder.to_owned()),
        ..Options::default()
    };
    let a = TestServer::start(options(first.path())).await;
    let (b, _) = TestServer::make(options(second.path()));
    let key = json!({ "key": a.unseal_key }).to_string();
    assert_eq!(request(&b, "PUT sys/unseal", "", &key, Headers::default()).await.at("/sealed"), json!(false));
    assert_eq!(enable(&a, "a", file("a.log")).await.status, 204);
    for n in 0..5 {
        request(&b, &format!("GET secret/data/{n}"), "root", "", Headers::default()).await;
    }
    let there = paths(&second.path().join("a.log"));
    assert_eq!(there.len(), 10, "both records of each request: {there:?}");
    assert_eq!(a.call("DELETE sys/audit/a", "root", json!(null)).await.status, 204);
    request(&b, "GET secret/data/6", "root", "", Headers::default()).await;
    assert_eq!(paths(&second.path().join("a.log")).len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_declares_stays_and_discard_never_stands_in_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut main = AuditDevice::file("main/", folder.path().join("main.log"));
    main.limits.buffer_bytes_max = 4000;
    let server = server(folder.path(), vec![main]).await;
    let refused = server.call("DELETE sys/audit/main", "root", json!(null)).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert_eq!(enable(&server, "main", file("other.log")).await.text("/errors/0"), "path already in use");
    assert_eq!(enable(&server, "none", file("discard")).await.status, 204);
    // Too large for the one device that counts: nothing happens.
    let names: Vec<String> = (0..200).map(|n| format!("name-{n}-{}", "x".repeat(20))).collect();
    assert_eq!(server.call("POST secret/data/a", "root", json!({ "data": { "k": names } })).await.status, 500);
    assert_eq!(server.call("GET secret/data/a", "root", json!(null)).await.status, 404);
    assert_eq!(server.call("DELETE sys/audit/none", "root", json!(null)).await.status, 204);
}

fn socket(address: &str) -> AuditDevice {
    let target = Target::new(Transport::Tcp, address).unwrap();
    AuditDevice::new("socket/", AuditKind::Socket { target, write_timeout: Duration::from_millis(500) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_beside_a_file_gets_every_record_and_its_loss_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let main = AuditDevice::file("main/", folder.path().join("main.log"));
    let server = server(folder.path(), vec![socket(&address), main]).await;
    let (stream, _) = listener.accept().unwrap();
    let reader = std::thread::spawn(move || {
        let mut seen: Vec<Value> = Vec::new();
        for line in BufReader::new(stream).lines() {
            seen.push(serde_json::from_str(&line.unwrap()).unwrap());
            if seen.last().unwrap()["request"]["path"] == "secret/data/last" {
                break;
            }
        }
        seen
    });
    for name in ["a", "b", "last"] {
        server.call(&format!("GET secret/data/{name}"), "root", json!(null)).await;
    }
    let seen = reader.join().unwrap();
    let numbers: Vec<u64> = seen.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
    assert!(seen.iter().any(|line| line["type"] == "checkpoint"));
    drop(listener);
    for _ in 0..20 {
        assert_eq!(server.call("GET sys/mounts", "root", json!(null)).await.status, 200, "the file has it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_alone_whose_peer_is_gone_stops_every_request() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = server(folder.path(), vec![socket(&listener.local_addr().unwrap().to_string())]).await;
    let (stream, _) = listener.accept().unwrap();
    assert_eq!(server.call("POST secret/data/a", "root", json!({ "data": { "n": 1 } })).await.status, 200);
    drop((stream, listener));
    let refused = server.call("POST secret/data/a", "root", json!({ "data": { "n": 2 } })).await;
    assert_eq!((refused.status, refused.text("/errors/0")), (500, "internal error".to_owned()));
    let (bad, gone) = ("127.0.0.1:1", json!({ "type": "socket", "options": { "address": "127.0.0.1:1" } }));
    let enabled = enable(&server, "other", gone).await;
    assert!(enabled.status >= 400, "{bad}: {enabled:?}");
}
