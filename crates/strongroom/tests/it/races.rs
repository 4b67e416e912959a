//! What must happen once happens once, however many try.

use std::sync::Arc;

use serde_json::json;
use strongroom_testkit::{Options, TestServer};

async fn server() -> Arc<TestServer> {
    Arc::new(TestServer::start(Options::default()).await)
}

/// Statuses of `count` requests at once.
async fn at_once(server: &Arc<TestServer>, count: usize, what: &str, token: &str, body: serde_json::Value) -> Vec<u16> {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let (server, what, token, body) = (server.clone(), what.to_owned(), token.to_owned(), body.clone());
            tokio::spawn(async move { server.call(&what, &token, body).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_limited_token_works_as_often_as_it_may_among_32() {
    let server = server().await;
    for round in 0..100 {
        let uses = [3, 5, 31][round % 3];
        let token = server.token(json!({ "policies": ["default"], "num_uses": uses })).await;
        let statuses = at_once(&server, 32, "GET auth/token/lookup-self", &token, json!(null)).await;
        assert_eq!(statuses.iter().filter(|s| **s == 200).count(), uses, "round {round}: {statuses:?}");
        assert!(statuses.iter().all(|s| matches!(s, 200 | 403)), "round {round}: {statuses:?}");
    }
    let left = server.call("LIST auth/token/accessors", "root", json!(null)).await;
    assert_eq!(left.at("/data/keys").as_array().unwrap().len(), 1, "root alone: used up tokens are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn kv_v1_a_create_only_token_never_overwrites() {
    let server = server().await;
    server.call("POST sys/mounts/kv1", "root", json!({ "type": "kv" })).await;
    let policy = json!({ "policy": "path \"secret/data/*\" { capabilities = [\"create\"] }\npath \"kv1/*\" { capabilities = [\"create\"] }" });
    server.call("POST sys/policies/acl/c", "root", policy).await;
    let token = server.token(json!({ "policies": ["c"] })).await;
    for n in 0..40 {
        let statuses = at_once(&server, 16, &format!("POST secret/data/k{n}"), &token, json!({ "data": { "a": 1 } })).await;
        assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|s| matches!(s, 200 | 403)), "{statuses:?}");
        let versions = server.call(&format!("GET secret/metadata/k{n}"), "root", json!(null)).await;
        assert_eq!(versions.at("/data/current_version"), json!(1));
        let statuses = at_once(&server, 16, &format!("POST kv1/k{n}"), &token, json!({ "a": 1 })).await;
        assert_eq!(statuses.iter().filter(|s| **s == 204).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|s| matches!(s, 204 | 403)), "{statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_one_key_lose_nothing() {
    let server = server().await;
    let statuses = at_once(&server, 200, "POST secret/data/hot", "root", json!({ "data": { "a": 1 } })).await;
    assert!(statuses.iter().all(|s| *s == 200), "{statuses:?}");
    let metadata = server.call("GET secret/metadata/hot", "root", json!(null)).await;
    assert_eq!(metadata.at("/data/current_version"), json!(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_never_made_below_a_parent_that_is_revoked_meanwhile() {
    let server = server().await;
    server
        .call(
            "POST sys/policies/acl/m",
            "root",
            json!({ "policy": "path \"auth/token/create\" { capabilities = [\"update\"] }" }),
        )
        .await;
    for _ in 0..30 {
        let parent = server.token(json!({ "policies": ["m"] })).await;
        let making: Vec<_> = (0..8)
            .map(|_| {
                let (server, parent) = (server.clone(), parent.clone());
                tokio::spawn(
                    async move { server.call("POST auth/token/create", &parent, json!({})).await.text("/auth/client_token") },
                )
            })
            .collect();
        server.call("POST auth/token/revoke", "root", json!({ "token": parent })).await;
        for task in making {
            let child = task.await.unwrap();
            if !child.is_empty() {
                assert_eq!(server.call("GET auth/token/lookup-self", &child, json!(null)).await.status, 403);
            }
        }
    }
}
