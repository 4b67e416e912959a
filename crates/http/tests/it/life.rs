//! Trouble of one connection or one request stays there; a stop is orderly.

use std::time::Duration;

use serde_json::json;
use strongroom_http::{BindError, Config, Limits, Stopped, bind};
use tokio::io::AsyncWriteExt as _;

use crate::fixture::{Running, body, connect, one_answer, rest, say, say_bytes, status};

const HOLD: &[u8] = b"GET /v1/hold HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn a_panic_costs_one_request_and_is_counted() {
    let server = Running::plain(Limits::default()).await;
    let mut stream = connect(server.socket()).await;
    for count in 1..=2 {
        stream.write_all(b"GET /v1/panic HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let answer = one_answer(&mut stream).await;
        assert_eq!((status(&answer), body(&answer)), (500, json!({"errors": ["internal error"]})));
        assert_eq!(server.counters.panics(), count);
    }
    server.is_well().await;
}

/// CVE-2024-6468: one peer's refused connection stopped the listener.
#[tokio::test]
async fn cve_2024_6468_garbage_does_not_stop_the_listener() {
    let limits = Limits { header_timeout: Duration::from_secs(1), ..Limits::default() };
    let server = Running::plain(limits).await;
    for seed in 0..20 {
        say_bytes(server.socket(), &garbage(seed)).await;
        drop(connect(server.socket()).await);
    }
    server.is_well().await;
}

/// 10,000 bytes without a meaning, the same for the same seed.
pub fn garbage(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(&mut next).take(10_000).collect()
}

#[tokio::test]
async fn a_stop_answers_what_has_begun_and_takes_no_more() {
    let mut server = Running::plain(Limits::default()).await;
    let mut idle = connect(server.socket()).await;
    idle.write_all(b"GET /v1/x HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    one_answer(&mut idle).await;
    let mut working = connect(server.socket()).await;
    working.write_all(HOLD).await.unwrap();
    server.begun(2).await;
    server.ask_to_stop();
    assert_eq!(rest(&mut idle).await, "", "idle connections end at once");
    let address = server.socket();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nothing listens any more");
    server.teller.release.notify_one();
    let answer = rest(&mut working).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(server.stopped().await, Stopped::Drained);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let mut server = Running::plain(Limits { drain_timeout: Duration::from_millis(200), ..Limits::default() }).await;
    let mut working = connect(server.socket()).await;
    working.write_all(HOLD).await.unwrap();
    server.begun(1).await;
    server.ask_to_stop();
    assert_eq!(rest(&mut working).await, "");
    assert_eq!(server.stopped().await, Stopped::Cut { connection_count: 1 });
}

#[tokio::test]
async fn a_stop_ends_half_open_requests() {
    let mut server = Running::plain(Limits { drain_timeout: Duration::from_millis(200), ..Limits::default() }).await;
    let waiting = {
        let address = server.socket();
        tokio::spawn(async move { say(address, "GET /v1/x HTTP").await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.ask_to_stop();
    assert_eq!(server.stopped().await, Stopped::Drained);
    assert_eq!(waiting.await.unwrap(), "");
}

#[tokio::test]
async fn a_server_without_listeners_is_refused() {
    assert!(matches!(bind(Config::default()).await, Err(BindError::NoListener)));
}
