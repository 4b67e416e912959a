//! Leases over the API: what they are bounded by, how they end, and that whoever asked for an end need not ask again.

mod lifetime;
mod mishaps;
mod model;
mod mounts;
mod revocation;
mod shown;

use std::time::Duration;

use serde_json::{Value, json};
use strongroom_testkit::{Options, Reply, TestServer};

async fn server() -> TestServer {
    let server = TestServer::start(Options::default()).await;
    enable(&server, "l").await;
    server
}

async fn enable(server: &TestServer, path: &str) {
    assert_eq!(server.call(&format!("POST sys/mounts/{path}"), "root", json!({ "type": "leased" })).await.status, 204);
    configure(server, path, json!({ "keeps": true })).await;
}

async fn configure(server: &TestServer, path: &str, body: Value) {
    assert_eq!(server.call(&format!("POST {path}/config"), "root", body).await.status, 204);
}

/// The lease's id.
async fn issue(server: &TestServer, path: &str, token: &str, body: Value) -> String {
    let reply = server.call(&format!("POST {path}"), token, body).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    reply.text("/lease_id")
}

async fn lookup(server: &TestServer, id: &str) -> Reply {
    server.call("POST sys/leases/lookup", "root", json!({ "lease_id": id })).await
}

async fn accounts(server: &TestServer, path: &str) -> usize {
    let reply = server.call(&format!("LIST {path}/accounts"), "root", json!(null)).await;
    reply.at("/data/keys").as_array().map_or(0, Vec::len)
}

/// Polls until it holds; background work has some seconds.
async fn soon<F: AsyncFn() -> bool>(what: &str, holds: F) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about");
}
