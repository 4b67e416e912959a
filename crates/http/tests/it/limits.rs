//! What peers may not do: be slow, big, many, or in the way of others.

use std::time::Duration;

use serde_json::json;
use strongroom_http::Limits;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::fixture::{PATIENCE, Running, body, connect, one_answer, rest, say, status};

const GET: &[u8] = b"GET /v1/x HTTP/1.1\r\nHost: x\r\n\r\n";

fn short() -> Limits {
    let (header_timeout, idle_timeout) = (Duration::from_millis(500), Duration::from_millis(800));
    Limits { header_timeout, idle_timeout, body_grace: Duration::from_millis(200), ..Limits::default() }
}

#[tokio::test]
async fn silence_and_half_a_head_are_closed() {
    let server = Running::plain(Limits { idle_timeout: PATIENCE * 10, ..short() }).await;
    for beginning in ["", "G", "GET /v1/x HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        assert_eq!(say(server.socket(), beginning).await, "", "{beginning:?}");
    }
    server.is_well().await;
}

#[tokio::test]
async fn trickling_header_bytes_does_not_help() {
    let server = Running::plain(Limits { idle_timeout: PATIENCE * 10, ..short() }).await;
    let mut stream = connect(server.socket()).await;
    let trickle = async {
        for byte in "GET /v1/x HTTP/1.1\r\nX-Slow: ".bytes().chain(std::iter::repeat(b'x')) {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, trickle).await.expect("the server closes");
}

#[tokio::test]
async fn an_idle_connection_and_a_slow_second_head_are_closed() {
    let server = Running::plain(short()).await;
    for second in ["", "GET /v1/x HTTP"] {
        let mut stream = connect(server.socket()).await;
        stream.write_all(GET).await.unwrap();
        assert_eq!(status(&one_answer(&mut stream).await), 200);
        stream.write_all(second.as_bytes()).await.unwrap();
        assert_eq!(rest(&mut stream).await, "", "{second:?}");
    }
}

#[tokio::test]
async fn a_slow_second_head_does_not_have_the_idle_time() {
    let server = Running::plain(Limits { idle_timeout: PATIENCE * 10, ..short() }).await;
    let mut stream = connect(server.socket()).await;
    stream.write_all(GET).await.unwrap();
    one_answer(&mut stream).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    stream.write_all(b"GET /v1/x HTTP").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn headers_have_a_size() {
    let server = Running::plain(Limits { header_bytes_max: 8 << 10, ..Limits::default() }).await;
    let request = format!("GET /v1/x HTTP/1.1\r\nX-Big: {}\r\n\r\n", "x".repeat(20 << 10));
    assert_eq!(status(&say(server.socket(), &request).await), 431);
}

#[tokio::test]
async fn a_slow_body_is_a_408() {
    let server = Running::plain(short()).await;
    for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let answer = say(server.socket(), &format!("POST /v1/x HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n")).await;
        assert_eq!(status(&answer), 408, "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    server.is_well().await;
}

#[tokio::test]
async fn a_body_that_keeps_the_pace_may_take_longer_than_the_grace() {
    let server =
        Running::plain(Limits { body_grace: Duration::from_secs(1), body_bytes_per_s_min: 10, ..Limits::default() }).await;
    let mut stream = connect(server.socket()).await;
    stream.write_all(b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\nConnection: close\r\n\r\n").await.unwrap();
    for _ in 0..5 {
        stream.write_all(&[b'x'; 100]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(body(&rest(&mut stream).await)["body_bytes"], 500);
}

/// CVE-2023-6337: bodies were buffered without a bound. The client sends all of it and must still get to read the refusal.
#[tokio::test]
async fn cve_2023_6337_a_body_over_the_limit_is_a_413_declared_or_in_chunks() {
    let server = Running::plain(Limits { body_bytes_max: 100_000, ..Limits::default() }).await;
    for size in [100_001, 8_000_000] {
        let text = "x".repeat(size);
        let declared = format!("Content-Length: {size}\r\n\r\n{text}");
        let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{text}\r\n0\r\n\r\n");
        for rest in [declared, chunked] {
            let answer = say(server.socket(), &format!("POST /v1/x HTTP/1.1\r\nHost: x\r\n{rest}")).await;
            assert_eq!((status(&answer), body(&answer)), (413, json!({"errors": ["request body too large"]})));
        }
    }
    let fits = reqwest::Client::new().post(server.url("/v1/x")).body(vec![b'x'; 100_000]).send().await.unwrap();
    assert_eq!(fits.json::<serde_json::Value>().await.unwrap()["body_bytes"], 100_000);
}

/// A reset in the middle of its body could make a client lose the refusal.
#[tokio::test]
async fn a_refused_body_may_be_sent_to_its_end() {
    let server = Running::plain(Limits { body_bytes_max: 100_000, ..Limits::default() }).await;
    let mut stream = connect(server.socket()).await;
    stream.write_all(b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n").await.unwrap();
    assert_eq!(status(&rest(&mut stream).await), 413);
    timeout(PATIENCE, stream.write_all(&vec![b'x'; 8_000_000])).await.unwrap().unwrap();
}

#[tokio::test]
async fn bodies_share_one_budget_and_give_it_back() {
    let server = Running::plain(Limits { body_budget_bytes: 1_000, ..Limits::default() }).await;
    let client = reqwest::Client::new();
    let post = |path: &str, size: usize| client.post(server.url(path)).body(vec![b'x'; size]).send();
    let held = tokio::spawn(post("/v1/hold", 600));
    server.begun(1).await;
    let refused = post("/v1/x", 600).await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    assert_eq!(post("/v1/x", 300).await.unwrap().status(), 200);
    server.teller.release.notify_one();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    assert_eq!(post("/v1/x", 600).await.unwrap().status(), 200);
}

#[tokio::test]
async fn connections_over_the_limit_wait_their_turn() {
    let server = Running::plain(Limits { connection_count_max: 2, ..Limits::default() }).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(server.socket()).await;
        stream.write_all(GET).await.unwrap();
        one_answer(&mut stream).await;
        open.push(stream);
    }
    let mut third = connect(server.socket()).await;
    third.write_all(GET).await.unwrap();
    assert!(timeout(Duration::from_millis(300), one_answer(&mut third)).await.is_err());
    open.pop();
    assert_eq!(status(&one_answer(&mut third).await), 200);
}

#[tokio::test]
async fn a_handler_over_time_is_a_500_and_goes_on_to_its_end() {
    let server = Running::plain(Limits { request_timeout: Duration::from_millis(200), ..Limits::default() }).await;
    let answer = say(server.socket(), "GET /v1/hold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!((status(&answer), body(&answer)), (500, json!({"errors": ["request timed out"]})));
    assert_eq!(server.counters.requests_timed_out(), 1);
    server.teller.release.notify_one();
    server.ended(1).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_break_its_handler() {
    let server = Running::plain(Limits::default()).await;
    let mut stream = connect(server.socket()).await;
    stream.write_all(b"POST /v1/hold HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    server.begun(1).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.teller.release.notify_one();
    server.ended(1).await;
}
