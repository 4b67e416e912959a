//! One canonical form of every path, and decisions on that form only.

use serde_json::json;
use strongroom_core::wire::Headers;
use strongroom_testkit::{Options, TestServer};

use super::{ALL, server_with};

#[tokio::test]
async fn cve_2026_89322_no_spelling_dodges_a_deny() {
    let policy =
        format!("path \"secret/*\" {{ capabilities = {ALL} }}\npath \"secret/data/x/admin\" {{ capabilities = [\"deny\"] }}");
    let (server, token) = server_with(&policy).await;
    for spelling in [
        "secret/data/x/admin",
        "secret/data/x/%61dmin",
        "secret/data/x//admin",
        "secret/data/./x/admin",
        "secret/data/x/y/../admin",
        "secret/data/x%2fadmin",
        "secret/data/x%2Fadmin",
        "secret%2Fdata%2Fx%2Fadmin",
        "secret/data/x/%2e/admin",
        "secret/data/x/y/%2e%2e/admin",
        "secret/data/x/admin%00",
        "secret//data/x/admin",
        "secret/data/%78/admin",
    ] {
        for verb in ["GET", "POST", "PATCH", "DELETE"] {
            let reply = server.call(&format!("{verb} {spelling}"), &token, json!({ "data": { "a": "changed" } })).await;
            assert!(matches!(reply.status, 307 | 400 | 403), "{verb} {spelling}: {reply:?}");
        }
    }
    let kept = server.call("GET secret/data/x/admin", "root", json!(null)).await;
    assert_eq!((kept.at("/data/data/a"), kept.at("/data/metadata/version")), (json!("kept"), json!(1)));
}

#[tokio::test]
async fn cve_2026_3605_dot_segments_never_leave_the_prefix() {
    let policy = format!(
        "path \"secret/metadata/team/*\" {{ capabilities = {ALL} }}\npath \"secret/data/team/*\" {{ capabilities = {ALL} }}"
    );
    let (server, token) = server_with(&policy).await;
    for path in [
        "team/../x/admin",
        "team/%2e%2e/x/admin",
        "team/.%2e/x/admin",
        "team/%2e./x/admin",
        "team/..%2fx/admin",
        "team/%2e%2e%2fx%2fadmin",
    ] {
        for area in ["data", "metadata", "delete", "destroy"] {
            for verb in ["GET", "DELETE", "POST"] {
                let reply = server.call(&format!("{verb} secret/{area}/{path}"), &token, json!({ "versions": [1] })).await;
                assert!(matches!(reply.status, 307 | 400 | 403), "{verb} {area}/{path}: {reply:?}");
            }
        }
    }
    assert_eq!(server.call("GET secret/data/x/admin", "root", json!(null)).await.status, 200);
}

#[tokio::test]
async fn cve_2026_12624_lists_of_a_denied_folder_are_denied_in_every_spelling() {
    for deny in ["secret/metadata/x/*", "secret/metadata/x/", "secret/metadata/x", "secret/metadata/+/", "secret/metadata/+"] {
        let policy = format!("path \"secret/*\" {{ capabilities = {ALL} }}\npath \"{deny}\" {{ capabilities = [\"deny\"] }}");
        let (server, token) = server_with(&policy).await;
        for request in [
            "LIST secret/metadata/x",
            "LIST secret/metadata/x/",
            "GET secret/metadata/x?list=true",
            "GET secret/metadata/x?list=True",
            "GET secret/metadata/x/?list=true",
            "SCAN secret/metadata/x",
        ] {
            assert_eq!(server.call(request, &token, json!(null)).await.status, 403, "{request} with deny on {deny}");
        }
    }
}

#[tokio::test]
async fn cve_2026_105820_names_of_policies_cannot_travel() {
    let (server, _) = server_with("path \"secret/*\" { capabilities = [\"read\"] }").await;
    for name in ["../p", "/p", "root/p", "p/../p", "./p", "p/."] {
        let token = server.token(json!({ "policies": [name], "no_default_policy": true })).await;
        if !token.is_empty() {
            assert_eq!(server.call("GET secret/data/x/admin", &token, json!(null)).await.status, 403, "{name}");
        }
    }
}

#[tokio::test]
async fn unknown_namespaces_are_refused() {
    let server = TestServer::start(Options::default()).await;
    let headers = Headers { namespace: Some("team".into()), ..Headers::default() };
    let reply = server.with_headers("GET secret/data/a", "root", "", headers).await;
    assert_eq!((reply.status, reply.at("/errors/0")), (404, json!("namespace not found")));
}
