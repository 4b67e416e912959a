//! Ceremonies stand in the audit log, without their secrets; an answer that can't be recorded is worth nothing to anybody.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use strongroom_core::AuditDevice;

use super::generate_root::decoded;
use super::{House, shares, unseal};

fn device(folder: &Path) -> AuditDevice {
    AuditDevice::file("file/", file(folder))
}

fn file(folder: &Path) -> PathBuf {
    folder.join("log/audit.log")
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file(folder)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_records_of_every_step_are_there_and_hold_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(None, vec![device(folder.path())]).await;
    let before = lines(folder.path()).len();
    let started = house.open("PUT sys/generate-root/attempt", json!({})).await;
    let nonce = started.text("/nonce");
    let mut secrets = vec![started.text("/otp")];
    for key in &house.keys[..2] {
        let reply = house.open("PUT sys/generate-root/update", json!({ "nonce": nonce, "key": key })).await;
        secrets.extend([key.clone(), reply.text("/encoded_token")]);
    }
    let nonce = house.open("PUT sys/rekey/init", json!({ "secret_shares": 1, "secret_threshold": 1 })).await.text("/nonce");
    for key in &house.keys[..2] {
        let reply = house.open("PUT sys/rekey/update", json!({ "nonce": nonce, "key": key })).await;
        secrets.extend(shares(&reply, "/keys").into_iter().chain(shares(&reply, "/keys_base64")));
    }
    let refused = house.test.call("PUT sys/rekey/init", "", json!({})).await;
    assert_eq!(refused.status, 405);
    let all = lines(folder.path());
    let kinds: Vec<_> = all[before..]
        .iter()
        .filter(|line| {
            line["request"]["path"].as_str().is_some_and(|p| p.starts_with("sys/generate-root") || p.starts_with("sys/rekey"))
        })
        .map(|line| line["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "request").count(), 6);
    assert_eq!(kinds.iter().filter(|kind| *kind == "response").count(), 7, "the refusal at a closed listener too");
    let text = std::fs::read_to_string(file(folder.path())).unwrap();
    for secret in secrets.iter().filter(|s| !s.is_empty()) {
        assert!(!text.contains(secret.as_str()), "a secret is in the audit log");
    }
}

/// Fields that make the records of a request longer.
fn padded(body: Value, count: usize) -> Value {
    let mut body = body;
    for n in 0..count {
        body[format!("padding-{n:02}")] = json!(n);
    }
    body
}

/// A log that takes records of this length at most.
async fn with_short_records(folder: &Path) -> House {
    let mut device = device(folder);
    device.limits.buffer_bytes_max = 4000;
    House::new(None, vec![device]).await
}

/// Whether the last step has its request in the log and not its answer. A checkpoint may come after it at any moment.
fn is_answer_missing(folder: &Path, path: &str) -> bool {
    let lines = lines(folder);
    let mut steps = lines.iter().rev().filter(|line| line["type"] == "request" || line["type"] == "response");
    steps.next().is_some_and(|line| line["type"] == "request" && line["request"]["path"] == path)
}

/// CVE-2026-115357: where the answer of a generation can't be recorded, there is no token.
#[tokio::test(flavor = "multi_thread")]
async fn cve_2026_115357_no_root_token_without_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let house = with_short_records(folder.path()).await;
    let mut missing = 0;
    for count in 0..60 {
        let nonce = house.open("PUT sys/generate-root/attempt", json!({})).await.text("/nonce");
        house.open("PUT sys/generate-root/update", json!({ "nonce": nonce, "key": house.keys[0] })).await;
        let body = padded(json!({ "nonce": nonce, "key": house.keys[1] }), count);
        let last = house.open("PUT sys/generate-root/update", body).await;
        if last.status == 200 {
            continue;
        }
        assert_eq!(last.body, json!({ "errors": ["internal error"] }));
        if !is_answer_missing(folder.path(), "sys/generate-root/update") {
            break;
        }
        missing += 1;
        let accessors = house.root("LIST auth/token/accessors", json!(null)).await.at("/data/keys");
        assert_eq!(accessors.as_array().unwrap().len(), count + 2 - missing, "the token of an unrecorded answer lives");
    }
    assert!(missing > 0, "no answer was longer than its request");
}

/// CVE-2026-115357: where the answer with new keys can't be recorded, the old ones stay in force.
#[tokio::test(flavor = "multi_thread")]
async fn cve_2026_115357_no_new_keys_without_their_record() {
    let mut missing = 0;
    for verify in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let house = with_short_records(folder.path()).await;
        let body = json!({ "secret_shares": 100, "secret_threshold": 2, "require_verification": verify });
        let nonce = house.open("PUT sys/rekey/init", body).await.text("/nonce");
        house.open("PUT sys/rekey/update", json!({ "nonce": nonce, "key": house.keys[0] })).await;
        let last = house.open("PUT sys/rekey/update", json!({ "nonce": nonce, "key": house.keys[1] })).await;
        assert_eq!((last.status, last.body), (500, json!({ "errors": ["internal error"] })));
        missing += usize::from(is_answer_missing(folder.path(), "sys/rekey/update"));
        assert_eq!(house.open("GET sys/rekey/init", json!(null)).await.at("/started"), false);
        house.seal().await;
        assert!(unseal(&house.test.server, &house.keys[..2]).await, "the keys that the holders know");
        let read = house.root("GET kv/k", json!(null)).await;
        assert_eq!(read.at("/data/v"), 1, "{read:?}");
    }
    assert_eq!(missing, 2);
}

/// The disk is full: an operator with shares and without a token gets one, and only that.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_a_way_in_for_an_operator_with_shares() {
    let folder = tempfile::tempdir().unwrap();
    // A folder where the reserve should be: as if there had been no room for it.
    let reserve = folder.path().join("log/audit.log.tree/reserve");
    std::fs::create_dir_all(&reserve).unwrap();
    let house = House::new(None, vec![device(folder.path())]).await;
    let user = house.root("POST auth/token/create", json!({ "policies": ["default"], "no_parent": true })).await;
    let user = user.text("/auth/client_token");
    let lookup = |token: String| {
        let house = &house;
        async move { house.test.call("GET auth/token/lookup-self", &token, json!(null)).await.status }
    };
    assert_eq!(lookup(user.clone()).await, 503, "others wait");
    assert_eq!(house.test.call("GET sys/health", "", json!(null)).await.status, 200);
    assert_eq!(house.test.call("GET sys/seal-status", "", json!(null)).await.status, 200);
    assert_eq!(house.root("POST auth/token/revoke-self", json!({})).await.status, 204);

    let started = house.open("PUT sys/generate-root/attempt", json!({})).await;
    assert_eq!(started.status, 200, "{started:?}");
    let mut last = started.clone();
    for key in &house.keys[..2] {
        last = house.open("PUT sys/generate-root/update", json!({ "nonce": started.text("/nonce"), "key": key })).await;
    }
    let root = decoded(&last.text("/encoded_token"), &started.text("/otp"));
    assert_eq!(lookup(root.clone()).await, 200);
    assert_eq!(house.open("PUT sys/rekey/init", json!({})).await.status, 503, "nothing else is served without root");

    // Whoever can reach the listener can't use up what is left for root.
    let mut statuses = Vec::new();
    for _ in 0..120 {
        statuses.push(house.open("GET sys/generate-root/attempt", json!(null)).await.status);
    }
    assert_eq!(statuses.iter().filter(|s| **s == 503).count(), 120 - (100 - 3));
    assert_eq!(lookup(root).await, 200);

    std::fs::remove_dir(&reserve).unwrap();
    for _ in 0..50 {
        if lookup(user.clone()).await == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(lookup(user).await, 200, "with room everybody is served again");
    assert_eq!(house.open("GET sys/generate-root/attempt", json!(null)).await.status, 200);
}
