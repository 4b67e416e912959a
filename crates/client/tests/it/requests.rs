//! What goes over the wire.

use serde_json::{Map, json};
use strongroom_client::api::{WriteOptions, WriteVersion};
use strongroom_client::{Client, Config, Error, KvMount, KvVersion, Method};

use crate::responder::{Responder, reply};

fn no_content() -> String {
    reply("204 No Content", "", "")
}

#[tokio::test]
async fn every_request_carries_token_namespace_and_marker() {
    let server = Responder::start(vec![no_content()]).await;
    let client = server.client().with_namespace("team1").unwrap().with_wrap_ttl("60s").unwrap();
    client.request(Method::Put, "secret/a", Some(&json!({"x": 1}))).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "PUT /v1/secret/a HTTP/1.1");
    assert_eq!(asked.header("x-vault-token"), Some("s.canary"));
    assert_eq!(asked.header("x-vault-namespace"), Some("team1"));
    assert_eq!(asked.header("x-vault-wrap-ttl"), Some("60s"));
    assert_eq!(asked.header("x-vault-request"), Some("true"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.body, r#"{"x":1}"#);
}

#[tokio::test]
async fn lists_use_the_list_verb_and_patches_say_merge_patch() {
    let server = Responder::start(vec![reply("200 OK", "", r#"{"data":{"keys":["a"]}}"#), no_content()]).await;
    let client = server.client();
    assert_eq!(client.list("secret/metadata/").await.unwrap().unwrap().data.unwrap(), json!({"keys": ["a"]}));
    let mount = KvMount { path: "secret".into(), version: KvVersion::Two };
    let body = WriteVersion { data: Map::new(), options: WriteOptions { cas: Some(2) } };
    client.kv_patch(&mount, "a", &body).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].line, "LIST /v1/secret/metadata HTTP/1.1");
    assert_eq!(asked[1].line, "PATCH /v1/secret/data/a HTTP/1.1");
    assert_eq!(asked[1].header("content-type"), Some("application/merge-patch+json"));
    assert_eq!(asked[1].body, r#"{"data":{},"options":{"cas":2}}"#);
}

#[tokio::test]
async fn the_preflight_is_never_wrapped() {
    let answer = r#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}"#;
    let server = Responder::start(vec![reply("200 OK", "", answer)]).await;
    let (mount, key) = server.client().with_wrap_ttl("60s").unwrap().kv_mount("secret/a/b").await.unwrap();
    assert_eq!((mount.path.as_str(), mount.version, key.as_str()), ("secret", KvVersion::Two, "a/b"));
    assert_eq!(server.asked()[0].line, "GET /v1/sys/internal/ui/mounts/secret/a/b HTTP/1.1");
    assert_eq!(server.asked()[0].header("x-vault-wrap-ttl"), None);
}

#[tokio::test]
async fn a_version_is_asked_for_in_the_query() {
    let server = Responder::start(vec![reply("200 OK", "", r#"{"data":{}}"#)]).await;
    let mount = KvMount { path: "secret".into(), version: KvVersion::Two };
    server.client().kv_read(&mount, "a", 3).await.unwrap();
    assert_eq!(server.asked()[0].line, "GET /v1/secret/data/a?version=3 HTTP/1.1");
}

#[tokio::test]
async fn a_token_to_unwrap_travels_in_the_body() {
    let server = Responder::start(vec![reply("200 OK", "", r#"{"data":{"a":"b"}}"#)]).await;
    server.client().unwrap(Some(&"s.wrapping".into())).await.unwrap();
    assert_eq!(server.asked()[0].body, r#"{"token":"s.wrapping"}"#);
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_is_sent() {
    let server = Responder::start(vec![]).await;
    let client = server.client();
    assert!(matches!(client.read("secret/../sys/seal", &[]).await, Err(Error::Path { .. })));
    let error = client.with_token("line\nbreak".into()).unwrap_err();
    assert!(matches!(error, Error::Header { name: "token" }) && !error.to_string().contains("break"));
    let pem = Config { ca_certificates_pem: Some(b"no certificate".to_vec()), ..Config::new("https://localhost") };
    assert!(matches!(Client::new(pem), Err(Error::CaCertificate)));
    assert!(server.asked().is_empty());
}
