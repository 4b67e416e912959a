//! How answers are read, refusals above all.

use std::time::Duration;

use strongroom_client::{Client, Config, Error, Method};

use crate::responder::{Responder, reply};

async fn refusal(status: &str, body: &str) -> String {
    let server = Responder::start(vec![reply(status, "", body)]).await;
    let error = server.client().request::<()>(Method::Get, "secret/data/a", None).await.map(|_| ()).unwrap_err();
    error.to_string().replace(&server.address, "http://host")
}

#[tokio::test]
async fn refusals_show_the_request_the_status_and_the_reasons() {
    assert_eq!(
        refusal("403 Forbidden", r#"{"errors":["permission denied","second"]}"#).await,
        "Error making API request.\n\nURL: GET http://host/v1/secret/data/a\nCode: 403. Errors:\n\n* permission denied\n* second"
    );
    assert!(refusal("405 Method Not Allowed", r#"{"errors":[]}"#).await.ends_with("Code: 405. Errors: none given"));
    assert!(
        refusal("502 Bad Gateway", "<html>\u{1b}[31mproxy</html>")
            .await
            .ends_with("Code: 502. Raw Message:\n\n<html>[31mproxy</html>")
    );
}

#[tokio::test]
async fn not_found_with_content_is_an_answer() {
    let deleted = r#"{"data":{"data":null,"metadata":{"version":4}},"warnings":null}"#;
    let warned = r#"{"data":null,"warnings":["Invalid path"]}"#;
    let replies = [deleted, warned, r#"{"errors":[]}"#, r#"{"errors":["namespace not found"]}"#];
    let server = Responder::start(replies.iter().map(|body| reply("404 Not Found", "", body)).collect()).await;
    let client = server.client();
    assert_eq!(client.read("a", &[]).await.unwrap().unwrap().data.unwrap()["metadata"]["version"], 4);
    assert_eq!(client.read("a", &[]).await.unwrap().unwrap().warnings.unwrap().len(), 1);
    assert!(client.read("a", &[]).await.unwrap().is_none());
    assert_eq!(client.read("a", &[]).await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn an_unexpected_form_is_reported_without_the_value() {
    let server = Responder::start(vec![reply("200 OK", "", r#"{"initialized":"hunter2"}"#)]).await;
    let error = server.client().is_initialized().await.unwrap_err();
    assert!(matches!(error, Error::Unexpected { line: 1, .. }));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn no_error_shows_the_token_or_the_query() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(Config { token: Some("s.canary".into()), ..Config::new(&address) }).unwrap();
    let error = client.read("a", &[("password", "hunter2")]).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }));
    let shown = format!("{error} {error:?} {client:?}");
    assert!(!shown.contains("canary") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_silent_server_ends_in_a_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::new(Config { timeout: Duration::from_millis(50), ..Config::new(&address) }).unwrap();
    match client.seal_status().await.unwrap_err() {
        Error::Transport { source, .. } => assert!(source.is_timeout()),
        other => panic!("{other}"),
    }
}
