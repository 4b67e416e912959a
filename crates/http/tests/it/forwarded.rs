//! Behind a proxy.

use strongroom_http::{Forwarded, Limits, Listener};

use crate::fixture::{Running, any_port, body, say, status};

async fn server(forwarded: Forwarded) -> Running {
    Running::start(Listener { forwarded, ..Listener::plain(any_port()) }, Limits::default()).await
}

async fn check(server: &Running, header: &str, code: u16, address: Option<&str>) {
    let request = format!("GET /v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n");
    let answer = say(server.socket(), &request).await;
    assert_eq!(status(&answer), code, "{header:?}: {answer}");
    assert_eq!(body(&answer)["address"].as_str(), address, "{header:?}");
}

#[tokio::test]
async fn only_a_trusted_proxy_names_the_client() {
    let trusting = Forwarded { authorized: vec!["127.0.0.0/8".parse().unwrap()], ..Forwarded::default() };
    let server = server(trusting).await;
    check(&server, "X-Forwarded-For: 203.0.113.9\r\n", 200, Some("203.0.113.9")).await;
    check(&server, "X-Forwarded-For: 10.1.1.1, 203.0.113.9\r\n", 200, Some("203.0.113.9")).await;
    check(&server, "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 10.1.1.1\r\n", 200, Some("10.1.1.1")).await;
    check(&server, "", 400, None).await;
    check(&server, "X-Forwarded-For: nonsense\r\n", 400, None).await;
}

#[tokio::test]
async fn others_are_refused_or_taken_as_themselves() {
    let strangers = vec!["192.0.2.0/24".parse().unwrap()];
    let strict = server(Forwarded { authorized: strangers.clone(), ..Forwarded::default() }).await;
    check(&strict, "X-Forwarded-For: 203.0.113.9\r\n", 400, None).await;
    let lenient = Forwarded { authorized: strangers, reject_not_authorized: false, reject_not_present: false, hop_skips: 0 };
    let lenient = server(lenient).await;
    check(&lenient, "X-Forwarded-For: 203.0.113.9\r\n", 200, Some("127.0.0.1")).await;
    check(&lenient, "", 200, Some("127.0.0.1")).await;
}

#[tokio::test]
async fn by_default_the_header_means_nothing() {
    let server = server(Forwarded::default()).await;
    check(&server, "X-Forwarded-For: 203.0.113.9\r\n", 200, Some("127.0.0.1")).await;
}
