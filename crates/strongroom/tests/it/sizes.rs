//! Futures of the request path stay small: each request moves them.

use strongroom_core::wire::{Handler as _, Headers, Method, Peer, Request};
use strongroom_testkit::{Options, TestServer};

#[tokio::test]
async fn the_future_of_a_request_stays_below_one_kilobyte() {
    let server = TestServer::start(Options::default()).await;
    let request = Request {
        method: Method::Get,
        path: String::new(),
        query: String::new(),
        headers: Headers::default(),
        body: bytes::Bytes::new(),
        peer: Peer::default(),
        upload: Default::default(),
    };
    let size = std::mem::size_of_val(&server.server.handle(request));
    assert!(size < 1024, "{size} bytes");
}
