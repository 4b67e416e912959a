//! The server under test, its handler, and raw clients that say exactly the bytes they are told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use strongroom_core::wire::{Answer, ExtraHeaders, Handler, Request};
use strongroom_http::{Address, Bound, Config, Counters, Limits, Listener, Stopped, Tls, bind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No test waits longer than this for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Counts what it began and ended; `hold` requests wait until `release` is told.
#[derive(Clone, Default)]
pub struct Teller {
    pub begun: Arc<AtomicUsize>,
    pub ended: Arc<AtomicUsize>,
    pub release: Arc<Notify>,
}

impl Handler for Teller {
    async fn handle(&self, request: Request) -> Answer {
        self.begun.fetch_add(1, Ordering::SeqCst);
        match request.path.as_str() {
            "hold" => self.release.notified().await,
            "panic" => panic!("expected by the test"),
            "redirect" => return Answer { location: Some("/v1/to".to_owned()), ..Answer::empty(307) },
            "extra" => return Answer { extra: vec![("X-Extra".into(), "1".to_owned())], ..Answer::empty(200) },
            "nothing" => return Answer::empty(204),
            "busy" => return Answer { retry_after_s: Some(7), ..Answer::errors(429, &["busy"]) },
            _ => {}
        }
        self.ended.fetch_add(1, Ordering::SeqCst);
        Answer::json(200, told(&request).to_string())
    }

    async fn page_headers(&self) -> ExtraHeaders {
        vec![("X-Page".into(), "1".to_owned())]
    }

    async fn metrics(&self) -> Answer {
        Answer { content_type: "text/plain; version=0.0.4", ..Answer::json(200, "figure 1\n") }
    }
}

fn told(request: &Request) -> Value {
    json!({
        "method": format!("{:?}", request.method),
        "path": request.path,
        "query": request.query,
        "token": request.headers.token.as_ref().map(|token| token.expose()),
        "namespace": request.headers.namespace,
        "wrap_ttl": request.headers.wrap_ttl,
        "content_type": request.headers.content_type,
        "user_agent": request.headers.user_agent,
        "origin": request.headers.origin,
        "preflight": request.headers.preflight_method,
        "x_many": request.headers.raw.values("x-many"),
        "body_bytes": request.body.len(),
        "address": request.peer.address.map(|address| address.ip().to_string()),
        "certificates": request.peer.certificates.iter().map(|der| der.len()).collect::<Vec<_>>(),
    })
}

pub struct Running {
    pub address: Address,
    pub tls: Option<Tls>,
    pub counters: Arc<Counters>,
    pub teller: Teller,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Stopped>,
}

impl Running {
    pub async fn start(listener: Listener, limits: Limits) -> Self {
        let bound: Bound = bind(Config { listeners: vec![listener], limits }).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let teller = Teller::default();
        let (address, tls, counters) = (bound.addresses().remove(0), bound.tls().remove(0), bound.counters());
        let serving = bound.serve(Arc::new(teller.clone()), async move { drop(stopped.await) });
        Self { address, tls, counters, teller, stop: Some(stop), served: tokio::spawn(serving) }
    }

    pub async fn plain(limits: Limits) -> Self {
        Self::start(Listener::plain(any_port()), limits).await
    }

    pub fn socket(&self) -> SocketAddr {
        let Address::Tcp(address) = self.address else { panic!("not TCP") };
        address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.socket())
    }

    pub fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }

    pub async fn stopped(self) -> Stopped {
        timeout(PATIENCE, self.served).await.unwrap().unwrap()
    }

    pub async fn begun(&self, count: usize) {
        reached(&self.teller.begun, count).await;
    }

    pub async fn ended(&self, count: usize) {
        reached(&self.teller.ended, count).await;
    }

    /// The server still answers.
    pub async fn is_well(&self) {
        let answer = say(self.socket(), "GET /v1/well HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert_eq!(status(&answer), 200, "{answer}");
    }
}

async fn reached(counter: &AtomicUsize, count: usize) {
    let wait = async {
        while counter.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap();
}

pub fn any_port() -> Address {
    Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// Sends the text, keeps the connection open, and reads until the server closes it.
pub async fn say(address: SocketAddr, text: &str) -> String {
    say_bytes(address, text.as_bytes()).await
}

pub async fn say_bytes(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = connect(address).await;
    let _refused_midway = stream.write_all(bytes).await;
    rest(&mut stream).await
}

pub async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// What comes until the server closes, which it must.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _reset_counts_as_closed = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the server closes");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer on a connection that stays open.
pub async fn one_answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut space = [0_u8; 4_096];
    while !is_whole(&text) {
        let count = timeout(PATIENCE, stream.read(&mut space)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {text:?}");
        text.push_str(&String::from_utf8_lossy(&space[..count]));
    }
    text
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    body.len() >= length
}

pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

pub fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}
