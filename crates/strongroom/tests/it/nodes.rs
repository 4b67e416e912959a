//! Two nodes on one store: nothing above the store assumes that it is alone.

use serde_json::json;
use std::sync::Arc;
use strongroom_core::Server;
use strongroom_core::wire::Headers;
use strongroom_storage::SharedMemory;
use strongroom_testkit::{Options, Reply, TestServer, request};

struct Two {
    a: TestServer,
    b: Arc<Server>,
}

impl Two {
    async fn start() -> Self {
        let shared = SharedMemory::new();
        let a = TestServer::start(Options { store: Some(Arc::new(shared.handle())), ..Options::default() }).await;
        let (b, _) = TestServer::make(Options { store: Some(Arc::new(shared.handle())), ..Options::default() });
        let unsealed = request(&b, "PUT sys/unseal", "", &json!({ "key": a.unseal_key }).to_string(), Headers::default()).await;
        assert_eq!((unsealed.status, unsealed.at("/sealed")), (200, json!(false)));
        Self { a, b }
    }

    async fn on_b(&self, what: &str, token: &str, body: serde_json::Value) -> Reply {
        request(&self.b, what, token, &body.to_string(), Headers::default()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_on_one_node_is_dead_on_the_other_at_once() {
    let two = Two::start().await;
    for _ in 0..50 {
        let token = two.a.token(json!({ "policies": ["default"] })).await;
        assert_eq!(two.on_b("GET auth/token/lookup-self", &token, json!({})).await.status, 200, "b knows and caches it");
        assert_eq!(two.a.call("POST auth/token/revoke", "root", json!({ "token": token })).await.status, 204);
        assert_eq!(two.on_b("GET auth/token/lookup-self", &token, json!({})).await.status, 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_on_one_node_is_read_on_the_other_at_once() {
    let two = Two::start().await;
    for n in 0..50 {
        let written = two.a.call("POST secret/data/k", "root", json!({ "data": { "n": n } })).await;
        assert_eq!(written.at("/data/version"), json!(n + 1));
        assert_eq!(two.on_b("GET secret/data/k", "root", json!({})).await.at("/data/data/n"), json!(n));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_and_mounts_of_one_node_count_on_the_other_at_once() {
    let two = Two::start().await;
    two.a
        .call(
            "POST sys/policies/acl/p",
            "root",
            json!({ "policy": "path \"kv/*\" { capabilities = [\"read\", \"create\", \"update\"] }" }),
        )
        .await;
    let token = two.a.token(json!({ "policies": ["p"] })).await;
    assert_eq!(two.on_b("POST kv/a", &token, json!({ "v": 1 })).await.status, 404, "not mounted yet");
    assert_eq!(two.a.call("POST sys/mounts/kv", "root", json!({ "type": "kv" })).await.status, 204);
    assert_eq!(two.on_b("POST kv/a", &token, json!({ "v": 1 })).await.status, 204);
    assert_eq!(two.a.call("GET kv/a", &token, json!({})).await.at("/data/v"), json!(1));
    two.on_b("POST sys/policies/acl/p", "root", json!({ "policy": "path \"kv/*\" { capabilities = [\"deny\"] }" })).await;
    assert_eq!(two.a.call("GET kv/a", &token, json!({})).await.status, 403);
    assert_eq!(two.on_b("DELETE sys/mounts/kv", "root", json!({})).await.status, 204);
    assert_eq!(two.a.call("GET kv/a", "root", json!({})).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_set_holds_across_nodes() {
    let two = Arc::new(Two::start().await);
    let mut tasks = Vec::new();
    for n in 0..20 {
        let two = two.clone();
        tasks.push(tokio::spawn(async move {
            let body = json!({ "data": { "n": n }, "options": { "cas": 0 } });
            if n % 2 == 0 {
                two.a.call("POST secret/data/cas", "root", body).await
            } else {
                two.on_b("POST secret/data/cas", "root", body).await
            }
        }));
    }
    let mut won = 0;
    for task in tasks {
        let reply = task.await.unwrap();
        assert!(matches!(reply.status, 200 | 400), "{reply:?}");
        won += i32::from(reply.status == 200);
    }
    assert_eq!(won, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_path_is_mounted_once_across_nodes() {
    let two = Arc::new(Two::start().await);
    for round in 0..10 {
        let path = format!("POST sys/mounts/m{round}");
        let (x, y) =
            tokio::join!(two.a.call(&path, "root", json!({ "type": "kv" })), two.on_b(&path, "root", json!({ "type": "kv" })));
        let mut statuses = [x.status, y.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 400], "round {round}");
    }
}
