//! Unix sockets.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use strongroom_http::{Address, BindError, Config, Limits, Listener, SocketError, Stopped, bind};

use crate::fixture::Running;

fn listener(path: &Path, mode: u32) -> Listener {
    Listener::plain(Address::Unix { path: path.to_owned(), mode })
}

async fn told(path: &Path) -> Value {
    let client = reqwest::Client::builder().unix_socket(path).build().unwrap();
    client.get("http://localhost/v1/x").send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_unix_socket_has_its_mode_serves_and_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strongroom.sock");
    let mut server = Running::start(listener(&path, 0o620), Limits::default()).await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
    assert_eq!(told(&path).await["address"], Value::Null);
    server.ask_to_stop();
    assert_eq!(server.stopped().await, Stopped::Drained);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_dead_socket_is_replaced_but_nothing_that_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strongroom.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let server = Running::start(listener(&path, 0o600), Limits::default()).await;
    let second = bind(Config { listeners: vec![listener(&path, 0o600)], limits: Limits::default() }).await;
    assert!(matches!(second, Err(BindError::Socket(SocketError::UnixTaken { .. }))), "{second:?}");
    assert_eq!(told(&path).await["path"], "x");
    drop(server);

    let file = folder.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    assert!(bind(Config { listeners: vec![listener(&file, 0o600)], limits: Limits::default() }).await.is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"kept");
}
