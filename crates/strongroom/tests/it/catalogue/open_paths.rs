//! What can be reached and learned without a token.

use serde_json::{Value, json};
use strongroom_testkit::{Options, TestServer};

use super::server_with;

#[tokio::test]
async fn cve_2020_25594_mounts_cannot_be_told_apart_without_the_right() {
    let (server, token) = server_with("path \"a\" { capabilities = [\"read\"] }").await;
    for token in ["", "nosuch", token.as_str()] {
        let there = server.call("GET secret/data/x/admin", token, json!(null)).await;
        let absent = server.call("GET nosuch/data/x/admin", token, json!(null)).await;
        assert_eq!((there.status, there.body), (absent.status, absent.body));
        let there = server.call("GET sys/internal/ui/mounts/secret", token, json!(null)).await;
        let absent = server.call("GET sys/internal/ui/mounts/nosuch", token, json!(null)).await;
        assert_eq!(there.status, absent.status);
    }
}

/// What serves strangers. Whatever else the server's own document lists must refuse them; a new path here is a decision.
const OPEN: [&str; 25] = [
    "POST /auth/ar/login",
    "POST /auth/up/login/{username}",
    "POST /sys/decode-token",
    "DELETE /sys/generate-root/attempt",
    "GET /sys/generate-root/attempt",
    "POST /sys/generate-root/attempt",
    "POST /sys/generate-root/update",
    "GET /sys/health",
    "GET /sys/init",
    "POST /sys/init",
    "GET /sys/internal/ui/mounts",
    "GET /sys/leader",
    "DELETE /sys/rekey/init",
    "GET /sys/rekey/init",
    "POST /sys/rekey/init",
    "POST /sys/rekey/update",
    "DELETE /sys/rekey/verify",
    "GET /sys/rekey/verify",
    "POST /sys/rekey/verify",
    "GET /sys/seal-status",
    "POST /sys/unseal",
    "GET /sys/wrapping/lookup",
    "POST /sys/wrapping/lookup",
    "POST /sys/wrapping/rewrap",
    "POST /sys/wrapping/unwrap",
];

/// Method and path of every operation, and whether the document says that it needs no token. Names are filled in.
fn operations(document: &Value) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, told) in item.as_object().unwrap().iter().filter(|(_, told)| told["operationId"].is_string()) {
            let is_list = told["parameters"]
                .as_array()
                .is_some_and(|list| list.iter().any(|p| p["name"] == "list" && p["required"] == true));
            let verb = if is_list { "LIST".to_owned() } else { method.to_uppercase() };
            all.push((format!("{verb} {path}"), told["security"] == json!([{}])));
        }
    }
    all
}

#[tokio::test]
async fn cve_2021_27668_cve_2022_36129_cve_2021_3282_the_list_of_paths_open_without_a_token_is_closed() {
    let server = TestServer::start(Options::default()).await;
    for (method, path) in [("userpass", "up"), ("approle", "ar")] {
        server.call(&format!("POST sys/auth/{path}"), "root", json!({ "type": method })).await;
    }
    let document = server.call("GET sys/internal/specs/openapi", "root", json!(null)).await.body;
    let operations = operations(&document);
    let open: Vec<&str> = operations.iter().filter(|(_, is_open)| *is_open).map(|(what, _)| what.as_str()).collect();
    assert_eq!(open, OPEN);
    for (what, _) in operations.iter().filter(|(_, is_open)| !is_open) {
        let path = what.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/");
        for token in ["", "no such token"] {
            let reply = server.call(&path.replacen(" /", " ", 1), token, json!({})).await;
            assert_eq!((reply.status, reply.at("/errors")), (403, json!(["permission denied"])), "{what}");
        }
    }
    for path in
        ["sys/storage/raft/remove-peer", "sys/storage/raft/promote", "sys/replication/dr/primary/enable", "sys/nosuch", "nosuch"]
    {
        for verb in ["GET", "POST", "DELETE"] {
            assert_eq!(server.call(&format!("{verb} {path}"), "", json!({})).await.status, 403, "{verb} {path}");
        }
    }
}
