//! A listener for figures alone.

use strongroom_http::{Address, Limits, Listener, Serves};

use crate::fixture::Running;

#[tokio::test]
async fn it_serves_the_page_and_nothing_else() {
    let address = Address::Tcp("127.0.0.1:0".parse().unwrap());
    let server = Running::start(Listener { serves: Serves::Metrics, ..Listener::plain(address) }, Limits::default()).await;
    let client = reqwest::Client::new();
    let base = format!("http://{}", server.socket());
    let page = client.get(format!("{base}/metrics")).send().await.unwrap();
    assert_eq!((page.status().as_u16(), &page.headers()["content-type"]), (200, &"text/plain; version=0.0.4".parse().unwrap()));
    assert_eq!(page.text().await.unwrap(), "figure 1\n");
    assert_eq!(client.post(format!("{base}/metrics")).body("x").send().await.unwrap().status(), 404);
    for path in ["/", "/metrics/", "/v1/x", "/v1/sys/metrics", "/v1/metrics"] {
        assert_eq!(client.get(format!("{base}{path}")).send().await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn an_ordinary_listener_has_no_such_page() {
    let server = Running::plain(Limits::default()).await;
    let page = reqwest::get(format!("http://{}/metrics", server.socket())).await.unwrap();
    assert_eq!(page.status(), 404);
}
