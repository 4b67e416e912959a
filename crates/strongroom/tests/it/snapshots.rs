//! Snapshots over the API: taken under load, restored to the same bytes, refused when anything is wrong.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use strongroom_core::AuditDevice;
use strongroom_core::wire::Headers;
use strongroom_snapshot::{Entries, Entry, Head};
use strongroom_storage::embedded::Config;
use strongroom_storage::{EmbeddedStore, MemoryStore, Store};
use strongroom_testkit::{Options, Reply, TestServer};

const SAVE: &str = "GET sys/storage/snapshot";
const RESTORE: &str = "POST sys/storage/snapshot";
const FORCE: &str = "POST sys/storage/snapshot-force";
const VERIFY: &str = "POST sys/storage/snapshot-verify";

async fn on(store: Arc<dyn Store>) -> TestServer {
    TestServer::start(Options { store: Some(store), ..Options::default() }).await
}

async fn save(server: &TestServer) -> Vec<u8> {
    let reply = server.call(SAVE, "root", json!(null)).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    reply.raw.to_vec()
}

fn entries(file: &[u8]) -> Vec<Entry> {
    let mut from = Cursor::new(file);
    let head = Head::read(&mut from).unwrap();
    Entries::new(&head, from).collect::<Result<_, _>>().unwrap()
}

/// Without the facts of this machine and of the unseal keys of today.
fn is_content(key: &[u8]) -> bool {
    ![&b"core/"[..], b"k/", b"a/"].iter().any(|area| key.starts_with(area))
}

async fn content(store: &dyn Store) -> Vec<Entry> {
    let all = store.scan(b"", None, usize::MAX).await.unwrap().into_iter();
    let all = all.map(|(key, record)| Entry { key, revision: record.revision.0, value: record.value });
    all.filter(|entry| is_content(&entry.key)).collect()
}

async fn put(server: &TestServer, name: &str, value: &str) -> Reply {
    server.call(&format!("POST secret/data/{name}"), "root", json!({ "data": { "v": value } })).await
}

async fn read(server: &TestServer, name: &str) -> Value {
    server.call(&format!("GET secret/data/{name}"), "root", json!(null)).await.at("/data/data/v")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_taken_under_write_load_restores_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(Config::new(folder.path())).unwrap());
    let server = Arc::new(on(store.clone()).await);
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|w| {
            let (server, stop) = (server.clone(), stop.clone());
            tokio::spawn(async move {
                let mut written = 0u32;
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(put(&server, &format!("w{w}/{}", written % 50), &written.to_string()).await.status, 200);
                    written += 1;
                }
                written
            })
        })
        .collect();
    let mut file = Vec::new();
    for _ in 0..5 {
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        file = save(&server).await;
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
    let taken: Vec<Entry> = entries(&file).into_iter().filter(|entry| is_content(&entry.key)).collect();
    assert!(taken.len() > 50);
    put(&server, "after", "the snapshot").await;

    let reply = server.upload(RESTORE, "root", &file).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert!(content(&*store).await == taken, "key by key, revision by revision, byte by byte");
    assert_eq!(read(&server, "after").await, Value::Null);
    assert_eq!(put(&server, "goes", "on").await.status, 200);
    assert_eq!(read(&server, "goes").await, "on");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_policies_and_mounts_are_those_of_the_snapshot() {
    let server = on(Arc::new(MemoryStore::new())).await;
    let revoked_later = server.token(json!({ "policies": ["default"] })).await;
    put(&server, "a", "old").await;
    let file = save(&server).await;
    let made_later = server.token(json!({ "policies": ["default"] })).await;
    server.call("POST auth/token/revoke", "root", json!({ "token": revoked_later })).await;
    server.call("POST sys/mounts/later", "root", json!({ "type": "kv" })).await;
    server.call("POST sys/policies/acl/later", "root", json!({ "policy": "path \"x\" {}" })).await;
    put(&server, "a", "new").await;
    assert_eq!(read(&server, "a").await, "new");

    assert_eq!(server.upload(RESTORE, "root", &file).await.status, 200);
    let alive = async |token: &str| server.call("GET auth/token/lookup-self", token, json!(null)).await.status;
    assert_eq!((alive(&revoked_later).await, alive(&made_later).await), (200, 403));
    assert_eq!(read(&server, "a").await, "old");
    assert_eq!(server.call("GET sys/policies/acl/later", "root", json!(null)).await.status, 404);
    assert_eq!(server.call("LIST later/", "root", json!(null)).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2026_105816_a_snapshot_that_is_not_whole_and_ours_is_refused_and_nothing_changes() {
    let store = Arc::new(MemoryStore::new());
    let server = on(store.clone()).await;
    let file = save(&server).await;
    let foreign = save(&on(Arc::new(MemoryStore::new())).await).await;
    let before = content(&*store).await;
    let mut refused = vec![foreign.clone(), Vec::new(), b"SGRMSNAP".to_vec(), [file.as_slice(), b"x"].concat()];
    for at in (0..file.len()).step_by(97) {
        let mut changed = file.clone();
        changed[at] ^= 1;
        refused.extend([changed, file[..at].to_vec()]);
    }
    for (n, bad) in refused.iter().enumerate() {
        for what in [RESTORE, VERIFY] {
            let reply = server.upload(what, "root", bad).await;
            assert_eq!((reply.status, reply.at("/errors/0").is_string()), (400, true), "{n} {what}");
        }
    }
    assert!(content(&*store).await == before);
    assert_eq!(server.upload(VERIFY, "root", &file).await.status, 200);
    assert_eq!(server.call(RESTORE, "root", json!({})).await.status, 400, "a body that is no file");
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_need_sudo() {
    let server = on(Arc::new(MemoryStore::new())).await;
    let all = "path \"*\" { capabilities = [\"create\", \"read\", \"update\"] }";
    server.call("POST sys/policies/acl/all", "root", json!({ "policy": all })).await;
    let token = server.token(json!({ "policies": ["all"] })).await;
    for path in ["storage/snapshot", "storage/raft/snapshot"] {
        assert_eq!(server.call(&format!("GET sys/{path}"), &token, json!(null)).await.status, 403);
        assert_eq!(server.upload(&format!("POST sys/{path}"), &token, b"x").await.status, 403);
        assert_eq!(server.upload(&format!("POST sys/{path}-force"), &token, b"x").await.status, 403);
    }
    assert_eq!(server.upload(VERIFY, &token, b"x").await.status, 403);
}

fn device(path: &Path) -> AuditDevice {
    AuditDevice::file("file/", path.join("log/audit.log"))
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("log/audit.log")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_goes_on_over_a_restore_and_names_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(Options { audit: vec![device(folder.path())], ..Options::default() }).await;
    let file = save(&server).await;
    let digest = Head::read(&mut file.as_slice()).unwrap().header.sha256;
    assert_eq!(server.upload(RESTORE, "root", &file).await.status, 200);
    assert_eq!(put(&server, "a", "1").await.status, 200);
    let all = lines(folder.path());
    let told = |operation: &str| {
        all.iter().any(|line| {
            line["type"] == "response"
                && line["request"]["path"] == "sys/storage/snapshot"
                && line["request"]["operation"] == operation
                && line["response"]["data"]["sha256"] == digest
        })
    };
    assert!(told("read") && told("update"), "{all:?}");
    assert!(all.iter().enumerate().all(|(n, line)| line["seq"] == n), "no record is missing");
    assert!(all.last().unwrap()["request"]["path"] == "secret/data/a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_cannot_be_recorded_does_not_happen() {
    let (store, mut without_answer) = (Arc::new(MemoryStore::new()), 0);
    let first = on(store.clone()).await;
    put(&first, "a", "old").await;
    let file = save(&first).await;
    put(&first, "a", "new").await;
    let before = content(&*store).await;
    // Audit devices with less and less room: at some size the request's record fits and the answer's does not.
    for bytes in (400..1800).step_by(100).rev() {
        let folder = tempfile::tempdir().unwrap();
        let mut device = AuditDevice::file(&format!("file{bytes}/"), folder.path().join("log/audit.log"));
        device.limits.buffer_bytes_max = bytes;
        let (server, _) = TestServer::make(Options { store: Some(store.clone()), audit: vec![device], ..Options::default() });
        let unseal = json!({ "key": first.unseal_key }).to_string();
        strongroom_testkit::request(&server, "POST sys/unseal", "", &unseal, Headers::default()).await;
        let node = TestServer { server, clock: first.clock.clone(), unseal_key: first.unseal_key.clone() };
        let reply = node.upload(RESTORE, "root", &file).await;
        if reply.status == 200 {
            assert_eq!(read(&first, "a").await, "old", "{bytes}");
            put(&first, "a", "new").await;
            continue;
        }
        assert_eq!(reply.status, 500, "{bytes}: {:?}", reply.body);
        assert_eq!(read(&first, "a").await, "new", "{bytes}");
        without_answer += usize::from(lines(folder.path()).iter().any(|line| line["type"] == "request"));
    }
    assert!(without_answer > 0, "the answer's record alone never failed");
    assert!(!before.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_snapshot_of_another_installation_seals_and_opens_with_its_keys_and_a_log_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = on(Arc::new(MemoryStore::new())).await;
    put(&theirs, "a", "theirs").await;
    let file = save(&theirs).await;
    let server = TestServer::start(Options { audit: vec![device(folder.path())], ..Options::default() }).await;
    put(&server, "a", "ours").await;
    assert_eq!(server.upload(RESTORE, "root", &file).await.status, 400, "not without force");
    let reply = server.upload(FORCE, "root", &file).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(server.call("GET secret/data/a", "root", json!(null)).await.status, 503, "sealed");
    let refused = server.call("POST sys/unseal", "", json!({ "key": server.unseal_key })).await;
    assert_eq!(refused.status, 400, "the keys of before open nothing");
    let opened = server.call("POST sys/unseal", "", json!({ "key": theirs.unseal_key })).await;
    assert_eq!(opened.at("/sealed"), false, "{:?}", opened.body);
    assert_eq!(read(&server, "a").await, "theirs");
    let first = lines(folder.path()).remove(0);
    assert_eq!(first["seq"], 0, "a log of its own");
    let aside: Vec<_> = std::fs::read_dir(folder.path().join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("audit.log.of-"))
        .collect();
    assert_eq!(aside.len(), 1, "the other one stands beside it");
    assert!(aside[0].join("audit.log").exists() && aside[0].join("audit.log.tree/key").exists());
    // Sealed and unsealed once more, nothing is special any longer.
    assert_eq!(server.call("POST sys/seal", "root", json!({})).await.status, 204);
    let opened = server.call("POST sys/unseal", "", json!({ "key": theirs.unseal_key })).await;
    assert_eq!(opened.at("/sealed"), false);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_unseal_keys_were_replaced_an_older_snapshot_restores_and_todays_keys_open_it() {
    let store = Arc::new(MemoryStore::new());
    let server = on(store.clone()).await;
    put(&server, "a", "old").await;
    let file = save(&server).await;
    server.call("POST sys/rotate", "root", json!({})).await;
    put(&server, "a", "new").await;
    assert_eq!(server.upload(RESTORE, "root", &file).await.status, 200);
    assert_eq!(read(&server, "a").await, "old");
    assert_eq!(server.call("POST sys/seal", "root", json!({})).await.status, 204);
    server.call("POST sys/unseal", "", json!({ "key": server.unseal_key })).await;
    assert_eq!(read(&server, "a").await, "old");
    assert_eq!(put(&server, "a", "newest").await.status, 200);
}
