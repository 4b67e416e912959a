//! What a request becomes and what an answer looks like.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use strongroom_http::Limits;
use tokio::io::AsyncWriteExt as _;

use crate::fixture::{Running, body, connect, one_answer, rest, say, status};

async fn told(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_request_arrives_whole() {
    let server = Running::plain(Limits::default()).await;
    let request = Client::new()
        .post(server.url("/v1/a%2Fb//c?x=%20y&list=true"))
        .header("X-Vault-Token", "t")
        .header("X-Vault-Namespace", "team1/")
        .header("X-Vault-Wrap-TTL", "60s")
        .header("Content-Type", "application/json")
        .header("User-Agent", "test/1")
        .header("Origin", "https://a.test")
        .header("X-Many", "1")
        .header("x-many", "2")
        .body("{}");
    let expected = json!({
        "method": "Write", "path": "a%2Fb//c", "query": "x=%20y&list=true", "token": "t", "namespace": "team1/",
        "wrap_ttl": "60s", "content_type": "application/json", "user_agent": "test/1", "body_bytes": 2, "origin": "https://a.test",
        "preflight": null, "x_many": ["1", "2"],
        "address": "127.0.0.1", "certificates": [],
    });
    assert_eq!(told(request).await, expected);
}

#[tokio::test]
async fn absent_headers_are_none_and_any_verb_reaches_the_handler() {
    let server = Running::plain(Limits::default()).await;
    for (verb, name) in
        [("LIST", "List"), ("SCAN", "Scan"), ("PUT", "Write"), ("PATCH", "Patch"), ("OPTIONS", "Options"), ("FOO", "Other")]
    {
        let verb = Method::from_bytes(verb.as_bytes()).unwrap();
        let told = told(Client::new().request(verb, server.url("/v1/"))).await;
        assert_eq!((&told["method"], &told["path"], &told["query"]), (&json!(name), &json!(""), &json!("")));
        assert_eq!((&told["token"], &told["namespace"], &told["wrap_ttl"]), (&Value::Null, &Value::Null, &Value::Null));
    }
}

#[tokio::test]
async fn tokens_come_by_either_header_and_odd_ones_are_passed_on() {
    let server = Running::plain(Limits::default()).await;
    let ask = |header: &str| format!("GET /v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n");
    for (header, token) in [
        ("Authorization: Bearer b", json!("b")),
        ("Authorization: bearer b", Value::Null),
        ("X-Vault-Token: two words", json!("two words")),
        ("X-Vault-Token: caf\u{e9}", json!("\u{fffd}")),
    ] {
        let answer = say(server.socket(), &ask(header)).await;
        assert_eq!((status(&answer), &body(&answer)["token"]), (200, &token), "{header}");
    }
}

#[tokio::test]
async fn cve_2023_2121_cve_2021_38554_every_answer_has_the_contract_headers() {
    let server = Running::plain(Limits::default()).await;
    for (path, code) in [("/v1/x", 200), ("/v1/nothing", 204), ("/v1", 404), ("/v1/panic", 500)] {
        let answer = Client::new().get(server.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), code, "{path}");
        let value = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(value("content-type"), "application/json");
        assert_eq!(value("cache-control"), "no-store");
        assert_eq!(value("strict-transport-security"), "max-age=31536000; includeSubDomains");
        assert_eq!(value("x-content-type-options"), "nosniff");
        assert!(!answer.headers().contains_key("server"));
    }
}

#[tokio::test]
async fn location_and_retry_after_are_written() {
    let server = Running::plain(Limits::default()).await;
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let moved = client.get(server.url("/v1/redirect")).send().await.unwrap();
    assert_eq!((moved.status().as_u16(), moved.headers()["location"].to_str().unwrap()), (307, "/v1/to"));
    let busy = client.get(server.url("/v1/busy")).send().await.unwrap();
    assert_eq!((busy.status().as_u16(), busy.headers()["retry-after"].to_str().unwrap()), (429, "7"));
}

#[tokio::test]
async fn paths_outside_v1_never_reach_the_handler() {
    let server = Running::plain(Limits::default()).await;
    for path in ["/", "/v1", "/v2/sys/health", "/nosuch", "/V1/x"] {
        let answer = Client::new().get(server.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"errors": []}), "{path}");
    }
    assert_eq!(server.teller.begun.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(server.counters.requests_refused(), 5);
}

#[tokio::test]
async fn head_answers_have_no_body() {
    let server = Running::plain(Limits::default()).await;
    let answer = say(server.socket(), "HEAD /v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(status(&answer) == 200 && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn connections_are_kept_and_an_h2c_upgrade_is_ignored() {
    let server = Running::plain(Limits::default()).await;
    let mut stream = connect(server.socket()).await;
    let upgrade = "GET /v1/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";
    for request in [upgrade, "GET /v1/x HTTP/1.1\r\nHost: x\r\n\r\n", upgrade] {
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = one_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test]
async fn expect_continue_is_answered_before_the_body_comes() {
    let server = Running::plain(Limits::default()).await;
    let mut stream = connect(server.socket()).await;
    let head = "POST /v1/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 100"));
    stream.write_all(b"{}").await.unwrap();
    assert_eq!(body(&rest(&mut stream).await)["body_bytes"], 2);
}

/// CVE-2021-3024: an odd request made the server tell its address.
#[tokio::test]
async fn cve_2021_3024_http_1_0_without_host_shows_no_address() {
    let server = Running::plain(Limits::default()).await;
    for path in ["/v1/redirect", "/", "/v1/nothing", "//", "/v1"] {
        let answer = say(server.socket(), &format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.0 "), "{answer}");
        assert!(!answer.contains("127.0.0.1") && !answer.contains(&server.socket().port().to_string()), "{answer}");
    }
}

#[tokio::test]
async fn answers_carry_further_headers_and_pages_carry_those_of_pages() {
    let server = Running::plain(Limits::default()).await;
    let get = |path: &'static str| {
        let request = Client::new().get(server.url(path));
        async move { request.send().await.unwrap() }
    };
    let extra = get("/v1/extra").await;
    assert_eq!((extra.headers()["x-extra"].to_str().unwrap(), extra.headers().contains_key("x-page")), ("1", false));
    for (path, is_page) in [("/ui", true), ("/ui/", true), ("/ui/a/b", true), ("/uix", false), ("/", false), ("/v1/ui/", false)] {
        assert_eq!(get(path).await.headers().contains_key("x-page"), is_page, "{path}");
    }
}
