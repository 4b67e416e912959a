//! The client library's cache against the real program, which is killed and started again.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_client::api::{CreateToken, WriteOptions, WriteVersion};
use strongroom_client::{CacheConfig, Client, Config, FailureKind, Method, SecretCache, ServerBackend};

const LIFE: Duration = Duration::from_millis(500);
const MAX_STALE: Duration = Duration::from_secs(3);
const START_MAX: Duration = Duration::from_secs(20);

/// Ended when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(port: u16) -> (Running, Client) {
    let child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["server", "-dev", "-dev-root-token-id=root", &format!("-dev-listen-address=127.0.0.1:{port}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    let client = client(port, "root");
    let begin = Instant::now();
    while client.read("secret/config", &[]).await.is_err() {
        assert!(begin.elapsed() < START_MAX, "the server did not start");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (running, client)
}

fn client(port: u16, token: &str) -> Client {
    Client::new(Config { token: Some(token.into()), ..Config::new(format!("http://127.0.0.1:{port}")) }).unwrap()
}

async fn put(client: &Client, value: Value) {
    let data = json!({ "value": value, "port": 5432 }).as_object().unwrap().clone();
    let body = WriteVersion { data, options: WriteOptions::default() };
    client.request(Method::Put, "secret/data/app/db", Some(&body)).await.unwrap();
}

fn cache(client: Client) -> SecretCache {
    SecretCache::new(ServerBackend::new(client), CacheConfig { ttl: LIFE, max_stale: MAX_STALE, ..CacheConfig::default() })
}

fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_outlives_its_server_for_as_long_as_its_bound_and_finds_the_next_one() {
    let port = port();
    let (server, client) = start(port).await;
    put(&client, json!("one")).await;
    let cache = cache(client.clone());
    let first = cache.get("secret/app/db").await.unwrap();
    assert_eq!((first.value(), first.field("port"), first.version()), (Some("one"), Some("5432"), Some("1")));
    let mut watch = cache.watch("secret/app/db").await.unwrap();
    put(&client, json!("two")).await;
    assert_eq!(cache.refresh("secret/app/db").await.unwrap().value(), Some("two"));
    assert_eq!(watch.changed().await.value(), Some("two"));

    drop(server);
    let killed = Instant::now();
    tokio::time::sleep(LIFE * 2).await;
    assert_eq!(cache.get("secret/app/db").await.unwrap().value(), Some("two"), "stale, within the bound");
    while cache.get("secret/app/db").await.is_ok() {
        assert!(killed.elapsed() < LIFE + MAX_STALE + Duration::from_secs(2), "served beyond the bound");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(cache.peek("secret/app/db").is_none());

    let (_server, client) = start(port).await;
    put(&client, json!("three")).await;
    assert_eq!(cache.get_within("secret/app/db", START_MAX).await.unwrap().value(), Some("three"));
    assert_eq!(watch.changed().await.value(), Some("three"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_token_read_is_cleared() {
    let port = port();
    let (_server, root) = start(port).await;
    put(&root, json!("one")).await;
    root.write_policy("reader", "path \"secret/*\" { capabilities = [\"read\"] }").await.unwrap();
    let request = CreateToken { policies: vec!["reader".into()], ..CreateToken::default() };
    let token = root.create_token(None, &request).await.unwrap().unwrap().auth.unwrap().client_token;
    let cache = cache(client(port, token.expose()));
    assert!(cache.get("secret/app/db").await.is_ok());
    assert_eq!(cache.get("secret/app/none").await.unwrap_err().kind(), Some(FailureKind::Missing));
    assert_eq!(cache.get("sys/none").await.unwrap_err().kind(), Some(FailureKind::Refused), "the token is alive");
    assert!(cache.peek("secret/app/db").is_some());
    root.revoke_token(&token, false).await.unwrap();
    assert_eq!(cache.refresh("secret/app/db").await.unwrap_err().kind(), Some(FailureKind::Unauthenticated));
    assert!(cache.peek("secret/app/db").is_none());
}
