//! What was sent is told to nobody: not by a refusal, the audit log, or the server's own log at its most talkative.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use strongroom_core::AuditDevice;
use strongroom_core::wire::{Headers, RawHeaders};
use strongroom_testkit::{Options, TestServer};

const MARKER: &str = "m4rk3r-in-a-wrong-place";

/// All lines that this thread logs, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let layer = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || log.clone());
        tracing::subscriber::set_default(layer.finish())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

async fn audited(folder: &std::path::Path) -> TestServer {
    let device = AuditDevice::file("file/", folder.join("log/audit.log"));
    let server = TestServer::start(Options { audit: vec![device], ..Options::default() }).await;
    for (method, path) in [("userpass", "up"), ("approle", "ar")] {
        server.call(&format!("POST sys/auth/{path}"), "root", json!({ "type": method })).await;
    }
    server.call("POST sys/mounts/kv1", "root", json!({ "type": "kv" })).await;
    server
}

/// Each endpoint that takes a body, with names filled in, and its fields; but for those that end the server or the token.
async fn endpoints(server: &TestServer) -> Vec<(String, Vec<String>)> {
    let document = server.call("GET sys/internal/specs/openapi", "root", json!(null)).await.body;
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, told) in item.as_object().unwrap() {
            let content = told["requestBody"]["content"].as_object();
            let schema = content.and_then(|content| content.values().next()).map(|one| &one["schema"]["properties"]);
            let Some(fields) = schema.and_then(Value::as_object) else { continue };
            let path = path.trim_start_matches('/').split('/').map(|part| if part.starts_with('{') { "x" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            if !["sys/seal", "sys/step-down", "auth/token/revoke-self"].contains(&path.as_str()) {
                all.push((format!("{} {path}", method.to_uppercase()), fields.keys().cloned().collect()));
            }
        }
    }
    all
}

/// What an audit log of this folder holds of requests and refusals, besides the names of members, which it shows. An answer's
/// policies and metadata are shown too, once they are a token's.
fn recorded_values(folder: &std::path::Path) -> String {
    let audit = std::fs::read_to_string(folder.join("log/audit.log")).unwrap();
    assert!(audit.contains("hmac-sha256:"));
    let is_of_interest = |line: &&str| !line.contains("\"type\":\"response\"") || line.contains("\"error\":");
    audit.lines().filter(is_of_interest).collect::<Vec<_>>().join("\n").replace(&format!("\"{MARKER}\":"), "")
}

#[tokio::test]
async fn cve_2025_4166_cve_2025_52893_cve_2026_115358_no_field_of_any_endpoint_is_quoted_by_a_refusal_or_logged() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::default());
    let _guard = log.start();
    let server = audited(folder.path()).await;
    let endpoints = endpoints(&server).await;
    assert!(endpoints.len() > 80, "{}", endpoints.len());
    for (what, fields) in &endpoints {
        for field in fields {
            let (part, member) = (json!(format!("1{MARKER}")), json!({ MARKER: MARKER }));
            for value in [json!(MARKER), json!([MARKER]), member, json!([[{ "a": MARKER }]]), part] {
                let reply = server.call(what, "root", json!({ field: value })).await;
                assert!(reply.status < 500, "{what} {field}: {reply:?}");
                assert!(reply.status < 400 || !reply.body.to_string().contains(MARKER), "{what} {field}: {reply:?}");
            }
        }
    }
    assert!(!recorded_values(folder.path()).contains(MARKER));
    assert!(log.text().contains("unsealed") && !log.text().contains(MARKER), "{}", log.text());
}

/// Whatever form a body has: what is not listed for the log is hashed there. (Not so `true` and `false`: a hash would tell as much.)
#[tokio::test]
async fn cve_2025_62513_cve_2025_62705_values_of_every_type_are_hashed_in_the_audit_log() {
    const NUMBER: u64 = 4_815_162_342;
    let folder = tempfile::tempdir().unwrap();
    let server = audited(folder.path()).await;
    let values = json!({
        "text": MARKER, "number": NUMBER, "float": 4815162342.5, "bytes": [109, 52, 114, NUMBER], "list": [[MARKER], { "a": MARKER }],
        "deep": { "a": { "b": [NUMBER, MARKER] } },
    });
    for what in
        ["POST secret/data/x", "POST cubbyhole/x", "POST kv1/x", "POST auth/up/users/x", "POST sys/mounts/x", "POST sys/nosuch"]
    {
        server.call(what, "root", json!({ "data": values, "password": values, "unknown": values })).await;
        server.call(what, "root", values.clone()).await;
        let (form, text) = (format!("data={MARKER}&{NUMBER}=1&password={MARKER}"), format!("{MARKER} {NUMBER}"));
        for (body, content_type) in [
            (form.clone(), "application/x-www-form-urlencoded"),
            (text.clone(), "text/plain"),
            (format!("[{NUMBER},\"{MARKER}\"]"), "application/json"),
            (format!("\"{MARKER}\""), "application/octet-stream"),
            (text, "application/x-www-form-urlencoded"),
        ] {
            let headers = Headers { content_type: Some(content_type.to_owned()), ..Headers::default() };
            server.with_headers(what, "root", &body, headers).await;
        }
    }
    server.call("GET secret/data/x", "root", json!(null)).await;
    server.call("GET kv1/x", "root", json!(null)).await;
    let recorded = recorded_values(folder.path()).replace(&format!("\"{NUMBER}\":"), "");
    for hidden in [MARKER, "4815162342"] {
        let line = recorded.lines().find(|line| line.contains(hidden));
        assert!(line.is_none(), "{hidden}: {line:?}");
    }
}

/// Headers hold tokens and more: a node that serves, one that is sealed, and one that refuses show none of them.
#[tokio::test]
async fn cve_2024_2877_no_header_and_no_token_is_logged() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::default());
    let _guard = log.start();
    let server = audited(folder.path()).await;
    let ask = async |what: &str, token: &str| {
        let marked = || Some(MARKER.to_owned());
        let raw = ["x-vault-token", "authorization", "cookie", "x-forwarded-for", "x-vault-request"]
            .map(|name| (name.to_owned(), MARKER.to_owned()));
        let headers = Headers {
            namespace: (token == MARKER).then(|| MARKER.to_owned()),
            wrap_ttl: (token == MARKER).then(|| MARKER.to_owned()),
            origin: marked(),
            preflight_method: marked(),
            raw: RawHeaders::new(raw.to_vec()),
            ..Headers::default()
        };
        server.with_headers(what, token, "{}", headers).await;
    };
    for what in
        ["GET secret/data/x", "POST secret/data/x", "GET sys/health", "GET nosuch", "POST auth/up/login/x", "BREW x", "GET a//b"]
    {
        ask(what, "root").await;
        ask(what, MARKER).await;
    }
    assert_eq!(server.call("PUT sys/seal", "root", json!(null)).await.status, 204);
    for what in ["GET secret/data/x", "GET sys/health", "POST auth/up/login/x", "PUT sys/unseal"] {
        ask(what, MARKER).await;
    }
    assert!(log.text().contains("request refused while sealed") && !log.text().contains(MARKER), "{}", log.text());
    assert!(!recorded_values(folder.path()).contains(MARKER));
}
