//! The server's figures: who may read them, what they count, and what they never show.

use serde_json::json;
use strongroom_core::wire::{Handler as _, Headers, Method, Opens, Peer, Request};
use strongroom_testkit::{Options, TestServer};

async fn page(server: &TestServer) -> String {
    let reply = server.call("GET sys/metrics?format=prometheus", "root", json!(null)).await;
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.raw.to_vec()).unwrap()
}

fn figure(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in:\n{page}")).parse().unwrap()
}

#[tokio::test]
async fn reading_takes_the_right_to_read_that_path() {
    let server = TestServer::start(Options::default()).await;
    let policy = json!({ "policy": "path \"sys/metrics\" { capabilities = [\"read\"] }" });
    server.call("POST sys/policies/acl/watch", "root", policy).await;
    let (weak, watch) =
        (server.token(json!({ "policies": ["default"] })).await, server.token(json!({ "policies": ["watch"] })).await);
    for (token, status) in [("", 403), (weak.as_str(), 403), (watch.as_str(), 200), ("root", 200)] {
        assert_eq!(server.call("GET sys/metrics", token, json!(null)).await.status, status);
    }
    let shown = server.call("GET sys/metrics", &watch, json!(null)).await;
    assert!(shown.at("/Gauges").is_array() && shown.at("/Counters").is_array() && shown.at("/Samples").is_array());
}

#[tokio::test]
async fn an_unknown_format_is_refused_without_naming_it_back() {
    let server = TestServer::start(Options::default()).await;
    let reply = server.call("GET sys/metrics?format=hush", "root", json!(null)).await;
    assert_eq!(reply.status, 400);
    assert!(!String::from_utf8_lossy(&reply.raw).contains("hush"));
}

#[tokio::test]
async fn requests_are_counted_by_mount_type_operation_and_refusal() {
    let server = TestServer::start(Options::default()).await;
    let before = page(&server).await;
    for _ in 0..5 {
        server.call("POST secret/data/a", "root", json!({ "data": { "k": "v" } })).await;
        server.call("GET secret/data/a", "root", json!(null)).await;
        server.call("GET secret/data/a", "nobody", json!(null)).await;
    }
    server.token(json!({ "policies": [], "ttl": "50m" })).await;
    let after = page(&server).await;
    let grown =
        |name: &str| figure(&after, name) - if before.contains(&format!("{name} ")) { figure(&before, name) } else { 0.0 };
    assert_eq!(grown("vault_route_read_secret__count"), 10.0);
    assert_eq!(grown("vault_route_create_secret__count"), 1.0);
    assert_eq!(grown("vault_route_update_secret__count"), 4.0);
    assert_eq!(grown("strongroom_request_seconds_count{mount_type=\"kv\",operation=\"read\"}"), 10.0);
    assert_eq!(grown("strongroom_refusals_total{reason=\"no_token\"}"), 5.0);
    assert_eq!(grown("vault_core_handle_request_count"), 17.0);
    let made = "vault_token_creation{auth_method=\"token\",creation_ttl=\"1h\",mount_point=\"auth/token/\",\
                namespace=\"root\",token_type=\"service\"}";
    assert_eq!(grown(made), 1.0);
    assert!(grown("vault_barrier_put_count") >= 5.0 && grown("vault_cache_hit") > 0.0);
}

#[tokio::test]
async fn tokens_are_counted_in_the_background() {
    let server = TestServer::start(Options::default()).await;
    for _ in 0..20 {
        if page(&server).await.contains("vault_token_count 1\n") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the root token was not counted:\n{}", page(&server).await);
}

#[tokio::test]
async fn the_page_shows_no_secret_no_token_and_no_path_of_a_secret() {
    let server = TestServer::start(Options::default()).await;
    let token =
        server.token(json!({ "policies": ["default"], "display_name": "hush-name", "meta": { "hush-key": "hush" } })).await;
    server.call("POST secret/data/hush-path", "root", json!({ "data": { "hush-key": "hush-value" } })).await;
    server.call("GET secret/data/hush-path?hush=hush", &token, json!(null)).await;
    server.call("GET hush-mount/hush-path", "hush-token", json!(null)).await;
    let json = server.call("GET sys/metrics", "root", json!(null)).await;
    for text in [page(&server).await, String::from_utf8(json.raw.to_vec()).unwrap()] {
        assert!(!text.contains("hush") && !text.contains(&token), "{text}");
    }
}

#[tokio::test]
async fn an_open_listener_shows_the_page_to_everybody_and_nothing_else() {
    let server = TestServer::start(Options::default()).await;
    let ask = async |path: &str| {
        let request = Request {
            method: Method::Get,
            path: path.to_owned(),
            query: "format=prometheus".to_owned(),
            headers: Headers::default(),
            body: bytes::Bytes::new(),
            peer: Peer { opens: Opens { metrics: true, ..Opens::default() }, ..Peer::default() },
            upload: Default::default(),
        };
        let answer = server.server.handle(request).await;
        (answer.status, answer.content_type, String::from_utf8(answer.body.to_vec()).unwrap())
    };
    let (status, content_type, text) = ask("sys/metrics").await;
    assert_eq!((status, content_type), (200, "text/plain; version=0.0.4"));
    assert!(text.contains("vault_core_unsealed{cluster=\"strongroom-cluster-"));
    assert_eq!(ask("sys/mounts").await.0, 403);
    assert_eq!(server.call("POST sys/seal", "root", json!(null)).await.status, 204);
    assert_eq!(figure(&ask("sys/metrics").await.2, "vault_core_unsealed{cluster=\"\"}"), 0.0);
}

#[tokio::test]
async fn names_of_mounts_that_look_alike_are_one_figure() {
    let server = TestServer::start(Options::default()).await;
    for path in ["a-b", "a_b"] {
        server.call(&format!("POST sys/mounts/{path}"), "root", json!({ "type": "kv" })).await;
        server.call(&format!("GET {path}/x"), "root", json!(null)).await;
    }
    let page = page(&server).await;
    assert_eq!(figure(&page, "vault_route_read_a_b__count"), 2.0);
    let names: Vec<_> = page.lines().filter(|l| l.starts_with("# TYPE")).collect();
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), unique.len());
}
