//! Headers as operators set them: CORS is really applied, pages carry what was stored, audited headers are in the log and
//! hashed, and all of it counts on every node at once.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_core::wire::{Answer, Handler as _, Headers, Method, Peer, RawHeaders, Request};
use strongroom_core::{AuditDevice, Server};
use strongroom_storage::SharedMemory;
use strongroom_testkit::{Options, TestServer, request};

async fn server(folder: &Path) -> TestServer {
    let device = AuditDevice::file("file/", folder.join("audit.log"));
    TestServer::start(Options { audit: vec![device], ..Options::default() }).await
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("audit.log")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// As a browser sends it for a page of this origin.
async fn from_page(server: &Arc<Server>, method: Method, path: &str, origin: &str, preflight: Option<&str>) -> Answer {
    let headers = Headers {
        token: Some("root".into()),
        origin: Some(origin.to_owned()),
        preflight_method: preflight.map(str::to_owned),
        ..Headers::default()
    };
    let (query, body, peer) = (String::new(), bytes::Bytes::new(), Peer::default());
    server.handle(Request { method, path: path.to_owned(), query, headers, body, peer, upload: Default::default() }).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.extra.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

fn raw(list: &[(&str, &str)]) -> Headers {
    let list: Vec<_> = list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Headers { raw: RawHeaders::new(list), ..Headers::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_origin_is_served_and_any_other_is_refused_before_anything_happens() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let off = from_page(&server.server, Method::Get, "sys/mounts", "https://b.test", None).await;
    assert_eq!((off.status, off.extra.len()), (200, 0), "off: served, and the browser is told nothing");
    let rules = json!({ "allowed_origins": ["https://a.test"], "allowed_headers": ["X-Mine"] });
    assert_eq!(server.call("POST sys/config/cors", "root", rules).await.status, 204);
    for path in ["sys/mounts", "sys/health"] {
        let good = from_page(&server.server, Method::Get, path, "https://a.test", None).await;
        assert_eq!((good.status, header(&good, "Access-Control-Allow-Origin")), (200, Some("https://a.test")), "{path}");
        assert_eq!((header(&good, "Vary"), header(&good, "Access-Control-Allow-Credentials")), (Some("Origin"), None));
        let bad = from_page(&server.server, Method::Get, path, "https://b.test", None).await;
        assert_eq!((bad.status, bad.extra.len()), (403, 0), "{path}");
    }
    let write = from_page(&server.server, Method::Write, "sys/seal", "https://b.test", None).await;
    assert_eq!(write.status, 403);
    assert_eq!(server.call("GET sys/mounts", "root", json!(null)).await.status, 200, "it was not sealed; no origin, no check");
    let records = lines(folder.path());
    assert!(records.iter().any(|r| r["error"] == "origin not allowed"), "refusals are recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_for_listed_origins_and_verbs_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let ask = |origin: &'static str, verb| from_page(&server.server, Method::Options, "secret/data/a", origin, verb);
    assert_eq!(ask("https://a.test", Some("POST")).await.status, 405, "off");
    let rules = json!({ "allowed_origins": "https://a.test", "allowed_headers": "X-Mine", "allow_credentials": true });
    server.call("POST sys/config/cors", "root", rules).await;
    let good = ask("https://a.test", Some("LIST")).await;
    assert_eq!((good.status, good.body.len()), (200, 0));
    assert!(header(&good, "Access-Control-Allow-Headers").unwrap().ends_with(",X-Mine"));
    assert!(header(&good, "Access-Control-Allow-Methods").unwrap().contains("LIST"));
    assert_eq!(header(&good, "Access-Control-Allow-Credentials"), Some("true"));
    assert_eq!(header(&good, "Access-Control-Max-Age"), Some("300"));
    for (origin, verb, status) in
        [("https://b.test", Some("LIST"), 403), ("https://a.test", Some("TRACE"), 405), ("https://a.test", None, 405)]
    {
        let bad = ask(origin, verb).await;
        assert_eq!((bad.status, bad.extra.len()), (status, 0), "{origin} {verb:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_would_open_too_much_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    for rules in [
        json!({}),
        json!({ "allowed_origins": ["*", "https://a.test"] }),
        json!({ "allowed_origins": ["null"] }),
        json!({ "allowed_origins": ["https://a.test/path"] }),
        json!({ "allowed_origins": "*", "allow_credentials": true }),
        json!({ "allowed_origins": "*", "allowed_headers": ["X Mine"] }),
    ] {
        let refused = server.call("POST sys/config/cors", "root", rules.clone()).await;
        assert_eq!(refused.status, 400, "{rules}: {refused:?}");
    }
    assert_eq!(server.call("GET sys/config/cors", "root", json!(null)).await.at("/data/enabled"), json!(false));
    for (name, values) in [
        ("X-Vault-Mine", json!("a")),
        ("Set-Cookie", json!("a")),
        ("Access-Control-Allow-Origin", json!("*")),
        ("Transfer-Encoding", json!("chunked")),
        ("X-Mine", json!("a\r\nSet-Cookie: b")),
        ("X-Mine", json!([])),
    ] {
        let refused = server.call(&format!("POST sys/config/ui/headers/{name}"), "root", json!({ "values": values })).await;
        assert_eq!(refused.status, 400, "{name}: {refused:?}");
        assert!(!refused.text("/errors/0").contains("chunked"), "errors quote no value");
    }
    assert!(server.server.page_headers().await.iter().all(|(name, _)| name == "Content-Security-Policy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_carry_the_stored_headers_and_the_strict_policy() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let own = json!({ "values": ["camera=(), microphone=()", "usb=()"] });
    assert_eq!(server.call("POST sys/config/ui/headers/permissions-policy", "root", own).await.status, 200);
    let sent = server.server.page_headers().await;
    let values = |name: &str| sent.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
    assert_eq!(values("Permissions-Policy"), ["camera=(), microphone=()", "usb=()"]);
    assert!(values("Content-Security-Policy")[0].starts_with("default-src 'none'"));
    let shown = server.call("GET sys/config/ui/headers/Permissions-Policy?multivalue=true", "root", json!(null)).await;
    assert_eq!(shown.at("/data/values/1"), json!("usb=()"));
    let policy = server.call("POST sys/config/ui/headers/content-security-policy", "root", json!({ "values": "x" })).await;
    assert!(policy.text("/warnings/0").contains("secure by default"));
    assert_eq!(server.server.page_headers().await[0].1, "x");
    assert_eq!(server.call("PUT sys/seal", "root", json!(null)).await.status, 204);
    let sealed = server.server.page_headers().await;
    assert!(sealed.len() == 1 && sealed[0].1.starts_with("default-src 'none'"), "{sealed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn audited_headers_are_in_the_log_in_clear_or_hashed() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    server.call("POST sys/config/auditing/request-headers/X-Trace", "root", json!({})).await;
    server.call("POST sys/config/auditing/request-headers/X-Person", "root", json!({ "hmac": true })).await;
    let sent = [("x-trace", "t-1"), ("X-TRACE", "t-2"), ("x-person", "s3cr3t-person"), ("x-other", "s3cr3t-other")];
    server.with_headers("GET sys/mounts", "root", "", raw(&sent)).await;
    let hash = server.call("POST sys/audit-hash/file", "root", json!({ "input": "s3cr3t-person" })).await.text("/data/hash");
    let expected = json!({ "x-trace": ["t-1", "t-2"], "x-person": [hash] });
    let records = lines(folder.path());
    let both: Vec<_> = records.iter().filter(|r| r["request"]["headers"] == expected).map(|r| r["type"].clone()).collect();
    assert_eq!(both, ["request", "response"]);
    assert!(!std::fs::read_to_string(folder.path().join("audit.log")).unwrap().contains("s3cr3t-"));
    server.call("DELETE sys/config/auditing/request-headers/x-trace", "root", json!(null)).await;
    let before = lines(folder.path()).len();
    server.with_headers("GET sys/mounts", "root", "", raw(&sent)).await;
    for record in &lines(folder.path())[before..] {
        assert_eq!(record["request"]["headers"], json!({ "x-person": [hash] }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2026_46358_headers_are_recorded_whoever_asks_and_however() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    server.call("POST sys/config/auditing/request-headers/x-trace", "root", json!({})).await;
    for (what, token, status) in [
        ("GET sys/mounts", "root", 200),
        ("GET sys/mounts", "", 403),
        ("GET sys/mounts", "no-such-token", 403),
        ("GET sys/internal/ui/mounts", "", 200),
        ("POST sys/decode-token", "", 400),
        ("GET nosuch/a", "root", 404),
        ("GET secret//data/a", "root", 307),
        ("GET secret/data/%00", "", 400),
        ("FOO secret/data/a", "", 405),
    ] {
        let before = lines(folder.path()).len();
        let answer = server.with_headers(what, token, "", raw(&[("x-trace", "t")])).await;
        assert_eq!(answer.status, status, "{what}");
        let records = lines(folder.path());
        assert!(records.len() > before);
        for record in &records[before..] {
            assert_eq!(record["request"]["headers"], json!({ "x-trace": ["t"] }), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credential_headers_are_never_recorded_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    for name in ["X-Vault-Token", "authorization", "COOKIE", "Proxy-Authorization", "X-Vault-MFA", "x-api-key"] {
        let path = format!("POST sys/config/auditing/request-headers/{name}");
        assert_eq!(server.call(&path, "root", json!({})).await.status, 400, "{name}");
        assert_eq!(server.call(&path, "root", json!({ "hmac": false })).await.status, 400, "{name}");
        assert_eq!(server.call(&path, "root", json!({ "hmac": true })).await.status, 204, "{name}");
    }
    let sent = [("x-vault-token", "s3cr3t-token"), ("authorization", "Bearer s3cr3t-token"), ("cookie", "s3cr3t-cookie")];
    server.with_headers("GET sys/mounts", "root", "", raw(&sent)).await;
    let text = std::fs::read_to_string(folder.path().join("audit.log")).unwrap();
    assert!(!text.contains("s3cr3t-"));
    let last = lines(folder.path()).pop().unwrap();
    assert_eq!(last["request"]["headers"].as_object().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_a_mount_shows_in_clear_are_in_the_log_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    server.call("POST sys/mounts/kv", "root", json!({ "type": "kv" })).await;
    let tuned = json!({ "audit_non_hmac_request_keys": ["plain"], "audit_non_hmac_response_keys": "plain" });
    assert_eq!(server.call("POST sys/mounts/kv/tune", "root", tuned).await.status, 204);
    server.call("POST kv/a", "root", json!({ "plain": "seen-1", "other": "hidden-1" })).await;
    server.call("GET kv/a", "root", json!(null)).await;
    let records = lines(folder.path());
    let of = |kind: &str, pointer: &str| {
        let found = records.iter().filter(|r| r["type"] == kind).filter_map(|r| r.pointer(pointer));
        found.cloned().collect::<Vec<_>>()
    };
    assert!(of("request", "/request/data/plain").contains(&json!("seen-1")));
    assert!(of("response", "/response/data/plain").contains(&json!("seen-1")));
    assert!(!std::fs::read_to_string(folder.path().join("audit.log")).unwrap().contains("hidden-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_one_node_count_on_the_other_at_once() {
    let shared = SharedMemory::new();
    let a = TestServer::start(Options { store: Some(Arc::new(shared.handle())), ..Options::default() }).await;
    let (b, _) = TestServer::make(Options { store: Some(Arc::new(shared.handle())), ..Options::default() });
    let key = json!({ "key": a.unseal_key }).to_string();
    assert_eq!(request(&b, "PUT sys/unseal", "", &key, Headers::default()).await.status, 200);
    for n in 0..20 {
        let origin = format!("https://n{n}.test");
        assert_eq!(from_page(&b, Method::Get, "sys/health", &origin, None).await.extra.len(), 0);
        a.call("POST sys/config/cors", "root", json!({ "allowed_origins": [origin] })).await;
        assert_eq!(from_page(&b, Method::Get, "sys/health", &origin, None).await.extra.len(), 2, "bare endpoints too");
        assert_eq!(from_page(&b, Method::Get, "sys/health", "https://x.test", None).await.status, 403);
        a.call("POST sys/config/ui/headers/X-N", "root", json!({ "values": origin })).await;
        assert!(b.page_headers().await.iter().any(|(name, value)| name == "X-N" && *value == origin));
        assert_eq!(a.call("DELETE sys/config/cors", "root", json!(null)).await.status, 204);
    }
}
