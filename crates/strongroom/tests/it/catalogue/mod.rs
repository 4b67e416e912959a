//! Known defects of others (security.md A), as far as what is built can have them. Each test names its row.

mod errors;
mod leaks;
mod names;
mod open_paths;
mod paths;
mod rights;
mod strangers;

use serde_json::json;
use strongroom_testkit::{Options, TestServer};

async fn server_with(policy: &str) -> (TestServer, String) {
    let server = TestServer::start(Options::default()).await;
    server.call("POST secret/data/x/admin", "root", json!({ "data": { "a": "kept" } })).await;
    let written = server.call("POST sys/policies/acl/p", "root", json!({ "policy": policy })).await;
    assert_eq!(written.status, 204);
    let token = server.token(json!({ "policies": ["p"], "no_default_policy": true })).await;
    (server, token)
}

const ALL: &str = "[\"create\", \"read\", \"update\", \"patch\", \"delete\", \"list\", \"scan\"]";
