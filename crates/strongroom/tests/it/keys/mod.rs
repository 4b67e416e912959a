//! Key ceremonies: who may begin them, what they leave behind, and what an interruption at any moment leaves.

mod audited;
mod crashes;
mod generate_root;
mod pgp;
mod replace;
mod rotation;

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_core::wire::Headers;
use strongroom_core::{AuditDevice, Server};
use strongroom_storage::Store;
use strongroom_testkit::{Options, Reply, TestServer, request};

pub type Set = Vec<String>;

/// Shares of an answer, in hex.
pub fn shares(reply: &Reply, pointer: &str) -> Set {
    reply.at(pointer).as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A server with three shares, two of which open.
pub struct House {
    pub test: TestServer,
    pub root: String,
    pub keys: Set,
}

impl House {
    pub async fn new(store: Option<Arc<dyn Store>>, audit: Vec<AuditDevice>) -> Self {
        let (server, clock) = TestServer::make(Options { store, audit, ..Options::default() });
        let test = TestServer { server, clock, unseal_key: String::new() };
        let made = test.call("PUT sys/init", "", json!({ "secret_shares": 3, "secret_threshold": 2 })).await;
        let house = Self { root: made.text("/root_token"), keys: shares(&made, "/keys"), test };
        assert!(unseal(&house.test.server, &house.keys[..2]).await);
        house.root("POST sys/mounts/kv", json!({ "type": "kv" })).await;
        assert_eq!(house.root("POST kv/k", json!({ "v": 1 })).await.status, 204);
        house
    }

    pub async fn root(&self, what: &str, body: Value) -> Reply {
        self.test.call(what, &self.root, body).await
    }

    pub async fn open(&self, what: &str, body: Value) -> Reply {
        self.test.at_open_listener(what, "", body).await
    }

    /// Starts a replacement; its nonce.
    pub async fn start(&self, body: Value) -> String {
        let started = self.root("POST sys/rotate/root/init", body).await;
        assert_eq!(started.status, 200, "{started:?}");
        started.text("/data/nonce")
    }

    /// Gives today's keys; the last answer.
    pub async fn give(&self, nonce: &str, keys: &[String]) -> Reply {
        let mut last = None;
        for key in keys {
            last = Some(self.root("POST sys/rotate/root/update", json!({ "nonce": nonce, "key": key })).await);
        }
        last.unwrap()
    }

    pub async fn seal(&self) {
        assert_eq!(self.root("PUT sys/seal", json!({})).await.status, 204);
    }

    /// Seals, then whether these keys unseal and everything is there.
    pub async fn reopens_with(&self, keys: &[String]) -> bool {
        self.seal().await;
        unseal(&self.test.server, keys).await && self.root("GET kv/k", json!(null)).await.at("/data/v") == 1
    }
}

pub async fn unseal(server: &Arc<Server>, keys: &[String]) -> bool {
    request(server, "PUT sys/unseal", "", "{\"reset\":true}", Headers::default()).await;
    for key in keys {
        let body = json!({ "key": key }).to_string();
        let reply = request(server, "PUT sys/unseal", "", &body, Headers::default()).await;
        if reply.at("/sealed") == false {
            return true;
        }
    }
    false
}
