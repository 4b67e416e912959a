//! The OpenAPI document and `?help=1`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use strongroom_testkit::{Options, TestServer};

async fn document(server: &TestServer, token: &str, query: &str) -> Value {
    let reply = server.call(&format!("GET sys/internal/specs/openapi?{query}"), token, json!(null)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

/// Path, method and operation.
fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |(method, told)| (path, method, told)));
    all.filter(|(_, method, _)| ["get", "post", "patch", "delete"].contains(&method.as_str())).collect()
}

#[tokio::test]
async fn the_document_is_well_formed() {
    let server = TestServer::start(Options::default()).await;
    for query in ["", "generic_mount_paths=true", "context=shop"] {
        let document = document(&server, "root", query).await;
        assert_eq!(document["openapi"], "3.0.2");
        let all = operations(&document);
        assert!(all.len() > 80, "{}", all.len());
        let ids: BTreeSet<_> = all.iter().map(|(_, _, told)| told["operationId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), all.len(), "every operation has an id of its own");
        for (path, method, told) in all {
            let item = &document["paths"][path];
            let declared = |list: &Value| list.as_array().cloned().unwrap_or_default();
            let parameters = [declared(&item["parameters"]), declared(&told["parameters"])].concat();
            let in_path: BTreeSet<String> =
                parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap().to_owned()).collect();
            let in_text: BTreeSet<String> = path.split('{').skip(1).map(|p| p.split('}').next().unwrap().to_owned()).collect();
            assert_eq!(in_path, in_text, "{method} {path}");
            assert!(told["responses"].as_object().is_some_and(|r| !r.is_empty()), "{method} {path}");
        }
        // Every reference leads somewhere.
        let text = document.to_string();
        for reference in text.split("\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}

#[tokio::test]
async fn it_tells_what_routes_take_and_answer() {
    let server = TestServer::start(Options::default()).await;
    let whole = document(&server, "root", "").await;
    let write = &whole["paths"]["/sys/quotas/rate-limit/{name}"]["post"];
    let schema = &write["requestBody"]["content"]["application/json"]["schema"]["properties"];
    assert_eq!((&schema["rate"]["type"], &schema["path"]["type"]), (&json!("number"), &json!("string")));
    for status in ["200", "204", "307", "400", "403", "404", "405", "429", "503"] {
        assert!(write["responses"][status].is_object(), "{status}");
    }
    let patch = &whole["paths"]["/secret/data/{path}"]["patch"];
    assert!(patch["requestBody"]["content"]["application/merge-patch+json"].is_object() && patch["responses"]["415"].is_object());
    assert_eq!(whole["paths"]["/secret/metadata/{path}/"]["get"]["parameters"][0]["name"], "list");
    assert_eq!(whole["paths"]["/sys/audit"]["x-vault-sudo"], true);
    assert_eq!(whole["paths"]["/sys/unseal"]["post"]["security"], json!([{}]));
    let generic = document(&server, "root", "generic_mount_paths=true&context=shop").await;
    assert_eq!(generic["paths"]["/{kv_mount_path}/data/{path}"]["get"]["operationId"], "kv-read-data-path-shop");
    assert!(generic["paths"]["/secret/data/{path}"].is_null() && generic["paths"]["/sys/mounts"].is_object());
    for context in ["a%20b", &"x".repeat(65)] {
        let refused = server.call(&format!("GET sys/internal/specs/openapi?context={context}"), "root", json!(null)).await;
        assert_eq!(refused.status, 400);
    }
}

#[tokio::test]
async fn it_shows_the_mounts_that_the_caller_can_reach() {
    let server = TestServer::start(Options::default()).await;
    server.call("POST sys/mounts/hidden", "root", json!({ "type": "kv" })).await;
    let policy = json!({ "policy": "path \"secret/data/x\" { capabilities = [\"read\"] }" });
    server.call("POST sys/policies/acl/p", "root", policy).await;
    let token = server.token(json!({ "policies": ["p"], "no_default_policy": true })).await;
    let seen = document(&server, &token, "").await.to_string();
    assert!(seen.contains("/secret/data/{path}") && seen.contains("/sys/mounts") && !seen.contains("/hidden/"));
    assert!(document(&server, "root", "").await.to_string().contains("/hidden/"));
    assert_eq!(server.call("GET sys/internal/specs/openapi", "", json!(null)).await.status, 403);
}

#[tokio::test]
async fn every_path_and_the_root_of_every_mount_has_help() {
    let server = TestServer::start(Options::default()).await;
    for (path, word) in [
        ("sys/mounts", "Lists the secrets engines"),
        ("sys/mounts/x", "secrets engine"),
        ("sys/quotas/rate-limit/x", "rate (number)"),
        ("secret/data/x", "data"),
        ("secret/", "data/{path..}"),
        ("secret", "data/{path..}"),
        ("sys/", "quotas/config"),
        ("auth/token/", "create-orphan"),
        ("auth/token/create", "policies"),
        ("cubbyhole/", "{path..}"),
    ] {
        let reply = server.call(&format!("GET {path}?help=1"), "root", json!(null)).await;
        assert!(reply.status == 200 && reply.text("/help").contains(word), "{path}: {reply:?}");
        assert!(!operations(&reply.at("/openapi")).is_empty(), "{path}");
    }
    assert_eq!(server.call("GET sys/nosuch?help=1", "root", json!(null)).await.status, 404);
    assert_eq!(server.call("GET sys/mounts?help=1", "", json!(null)).await.status, 403);
}
