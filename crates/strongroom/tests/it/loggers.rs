//! `sys/loggers` changes what a running server writes to its log. The program itself is started: the log belongs to a process.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// Ended when the test ends, however it ends.
struct Running {
    child: Child,
    url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    async fn start(log: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(["server", "-dev", "-dev-root-token-id=root", "-log-level=info", &format!("-dev-listen-address={address}")])
            .stdout(Stdio::null())
            .stderr(File::create(log).unwrap())
            .spawn()
            .unwrap();
        let server = Self { child, url: format!("http://{address}/v1") };
        for _ in 0..200 {
            if reqwest::get(format!("{}/sys/health", server.url)).await.is_ok_and(|r| r.status() == 200) {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server did not start: {}", std::fs::read_to_string(log).unwrap());
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
        let request = reqwest::Client::new().request(method, format!("{}/{path}", self.url));
        let answer = request.header("X-Vault-Token", "root").body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    /// Whether the log says that the keyring was rotated when it is.
    async fn tells_of_a_rotation(&self, log: &Path) -> bool {
        let count = || std::fs::read_to_string(log).unwrap().matches("keyring rotated").count();
        let before = count();
        assert_eq!(self.call(reqwest::Method::PUT, "sys/rotate", json!({})).await.0, 204);
        count() > before
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logger_level_counts_at_once_and_can_be_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let server = Running::start(&log).await;
    let (post, delete, get) = (reqwest::Method::POST, reqwest::Method::DELETE, reqwest::Method::GET);
    assert!(server.tells_of_a_rotation(&log).await);
    assert_eq!(server.call(post.clone(), "sys/loggers/system", json!({ "level": "error" })).await.0, 204);
    assert!(!server.tells_of_a_rotation(&log).await);
    assert_eq!(server.call(get.clone(), "sys/loggers/system", json!({})).await.1["data"], json!({ "system": "error" }));
    assert_eq!(server.call(delete.clone(), "sys/loggers/system", json!({})).await.0, 204);
    assert!(server.tells_of_a_rotation(&log).await);
    assert_eq!(server.call(post.clone(), "sys/loggers", json!({ "level": "warn" })).await.0, 204);
    assert!(!server.tells_of_a_rotation(&log).await);
    for (path, body) in [("sys/loggers", json!({ "level": "loud" })), ("sys/loggers/nosuch", json!({ "level": "info" }))] {
        assert_eq!(server.call(post.clone(), path, body).await.0, 400, "{path}");
    }
    assert_eq!(server.call(delete, "sys/loggers", json!({})).await.0, 204);
    assert!(server.tells_of_a_rotation(&log).await);
    let all = server.call(get, "sys/loggers", json!({})).await.1;
    assert!(all["data"].as_object().unwrap().values().all(|level| level == "info"), "{all}");
}
