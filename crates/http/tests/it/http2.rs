//! HTTP/2 bounds that are ours and not the library's.

use reqwest::Client;
use strongroom_http::{Http2Limits, Limits};

use crate::fixture::Running;

#[tokio::test]
async fn streams_share_a_connection() {
    let server = Running::plain(Limits { connection_count_max: 1, ..Limits::default() }).await;
    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    let held = tokio::spawn(client.get(server.url("/v1/hold")).send());
    server.begun(1).await;
    let answer = client.get(server.url("/v1/x")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
    server.teller.release.notify_one();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn head_answers_have_no_body_here_either() {
    let server = Running::plain(Limits::default()).await;
    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    let answer = client.head(server.url("/v1/x")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.unwrap().is_empty());
}

/// Resets end streams, not handlers: a flood of them must not start handlers without a bound.
#[tokio::test]
async fn handlers_of_reset_streams_still_count() {
    let http2 = Http2Limits { stream_count_max: 4, ..Http2Limits::default() };
    let server = Running::plain(Limits { http2, connection_count_max: 1, ..Limits::default() }).await;
    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    for count in 1..=4 {
        let held = tokio::spawn(client.get(server.url("/v1/hold")).send());
        server.begun(count).await;
        held.abort();
    }
    let status = async || client.get(server.url("/v1/x")).send().await.unwrap().status().as_u16();
    assert_eq!(status().await, 503);
    server.teller.release.notify_waiters();
    server.ended(4).await;
    assert_eq!(status().await, 200);
}
