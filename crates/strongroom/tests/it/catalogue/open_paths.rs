//! What can be reached and learned without a token.

use serde_json::json;
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

#[tokio::test]
async fn cve_2021_27668_the_list_of_paths_open_without_a_token_is_closed() {
    let server = TestServer::start(Options::default()).await;
    let open = ["GET sys/health", "GET sys/seal-status", "GET sys/init", "GET sys/leader", "GET sys/internal/ui/mounts"];
    for request in open {
        assert_eq!(server.call(request, "", json!(null)).await.status, 200, "{request}");
    }
    let closed = [
        "GET sys/mounts",
        "POST sys/mounts/a",
        "GET sys/policy",
        "POST sys/policies/acl/a",
        "POST sys/rotate",
        "PUT sys/seal",
        "GET sys/key-status",
        "POST sys/remount",
        "POST sys/tools/random",
        "POST sys/capabilities-self",
        "GET sys/audit",
        "POST auth/token/create",
        "GET auth/token/lookup-self",
        "LIST auth/token/accessors",
        "GET secret/data/a",
        "GET cubbyhole/a",
        "GET sys/mounts?help=1",
        "POST sys/wrapping/wrap",
        "GET sys/nosuch",
    ];
    for request in closed {
        assert_eq!(server.call(request, "", json!({})).await.status, 403, "{request}");
    }
}
