//! Where a token may follow a redirect to.

use serde_json::json;
use strongroom_client::{Error, Method};

use crate::responder::{Responder, reply};

fn to(status: &str, location: &str) -> String {
    reply(status, &format!("Location: {location}\r\n"), "")
}

#[tokio::test]
async fn within_the_origin_the_write_is_repeated_with_its_token() {
    let server = Responder::start(vec![to("307 Temporary Redirect", "/v1/secret/b"), reply("204 No Content", "", "")]).await;
    server.client().request(Method::Put, "secret/a", Some(&json!({"x": 1}))).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[1].line, "PUT /v1/secret/b HTTP/1.1");
    assert_eq!((asked[1].header("x-vault-token"), asked[1].body.as_str()), (Some("s.canary"), r#"{"x":1}"#));
}

#[tokio::test]
async fn another_origin_never_sees_a_request() {
    let other = Responder::start(vec![reply("204 No Content", "", "")]).await;
    for location in
        [format!("{}/v1/secret/a", other.address), "https://127.0.0.1/v1/secret/a".to_owned(), "//elsewhere/".to_owned()]
    {
        let server = Responder::start(vec![to("307 Temporary Redirect", &location)]).await;
        let answer = server.client().request::<()>(Method::Get, "secret/a", None).await;
        assert!(matches!(answer.map(|_| ()), Err(Error::Redirect { .. })), "{location}");
    }
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn a_second_redirect_and_one_that_changes_the_method_are_refused() {
    let twice = vec![to("307 Temporary Redirect", "/v1/b"), to("308 Permanent Redirect", "/v1/c")];
    for (replies, count) in [(twice, 2), (vec![to("302 Found", "/v1/b")], 1)] {
        let server = Responder::start(replies).await;
        let answer = server.client().request::<()>(Method::Get, "a", None).await;
        assert!(matches!(answer.map(|_| ()), Err(Error::Redirect { .. })));
        assert_eq!(server.asked().len(), count);
    }
}
