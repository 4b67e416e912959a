//! The inside of `cargo xtask scale`: a server in this process on the embedded store, filled with secrets and leases, and what it
//! takes to start, list, revoke and expire them. Leases come from the test engine, whose upstream answers at once, and the clock
//! is moved, so that the figures are the server's own. No network, no audit log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a rig"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_core::wire::Headers;
use strongroom_storage::EmbeddedStore;
use strongroom_storage::embedded::Config;
use strongroom_testkit::{Options, TestServer, request};

/// Requests at once while filling.
const WRITERS: usize = 64;
/// Pace of the reads that are measured.
const READ_EVERY: Duration = Duration::from_millis(2);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize| words.get(n).and_then(|w| w.parse::<usize>().ok()).expect("a number");
    let dir = words.get(1).expect("a folder").clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match words.first().map(String::as_str) {
        Some("secrets") => runtime.block_on(secrets(&dir, number(2))),
        Some("leases") => runtime.block_on(leases(&dir, number(2), number(3))),
        Some("start") => drop(runtime.block_on(start(&dir))),
        Some("end") => runtime.block_on(end(&dir, number(2))),
        _ => panic!("scale secrets|leases|start|end FOLDER [NUMBER..]"),
    }
}

/// One figure, for xtask to read.
fn told(name: &str, figure: f64) {
    println!("{name} {figure}");
}

fn options(dir: &str) -> Options {
    let store = EmbeddedStore::open(Config::new(Path::new(dir).join("data"))).unwrap();
    Options { store: Some(Arc::new(store)), ..Options::default() }
}

fn memory_kb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends `count` requests, many at once.
async fn many(server: &Arc<TestServer>, count: usize, what: impl Fn(usize) -> (String, Value)) {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..count {
        if tasks.len() >= WRITERS {
            tasks.join_next().await.unwrap().unwrap();
        }
        let (server, (what, body)) = (server.clone(), what(n));
        tasks.spawn(async move {
            let reply = server.call(&what, "root", body).await;
            assert!(reply.status < 300, "{what}: {reply:?}");
        });
    }
    tasks.join_all().await;
}

/// A new server with secrets and the mount that the leases will come from.
async fn secrets(dir: &str, count: usize) {
    let server = Arc::new(TestServer::start(options(dir)).await);
    std::fs::write(Path::new(dir).join("key"), &server.unseal_key).unwrap();
    many(&server, count, |n| (format!("POST secret/data/s/{n}"), json!({ "data": { "value": n } }))).await;
    many(&server, 1, |_| ("POST sys/mounts/l".into(), json!({ "type": "leased" }))).await;
    server.server.stop().await;
}

/// Adds leases: so many of them below `l/creds/prefix`, the others spread over 100 paths.
async fn leases(dir: &str, count: usize, below_prefix: usize) {
    let server = Arc::new(start(dir).await);
    let begin = Instant::now();
    many(&server, count, |n| {
        let role = if n < below_prefix { "prefix".to_owned() } else { format!("r{}", n % 100) };
        (format!("POST l/creds/{role}"), json!({ "ttl": "10h" }))
    })
    .await;
    told("issued_per_s", count as f64 / begin.elapsed().as_secs_f64());
    server.server.stop().await;
}

/// Opens the store and unseals; tells how long it took until a request was answered, and the memory then and a moment later.
async fn start(dir: &str) -> TestServer {
    let key = std::fs::read_to_string(Path::new(dir).join("key")).unwrap();
    let begin = Instant::now();
    let (server, clock) = TestServer::make(options(dir));
    let server = TestServer { server, clock, unseal_key: key.clone() };
    server.clock.advance_s(60);
    request(&server.server, "POST sys/unseal", "", &json!({ "key": key }).to_string(), Headers::default()).await;
    let read = server.call("GET secret/data/s/0", "root", json!(null)).await;
    let written = server.call("POST secret/data/probe", "root", json!({ "data": { "a": 1 } })).await;
    assert_eq!((read.status, written.status), (200, 200));
    told("start_ms", begin.elapsed().as_secs_f64() * 1000.0);
    // The count of leases and the expiry index have been looked at by then.
    tokio::time::sleep(Duration::from_secs(3)).await;
    told("memory_kb", memory_kb());
    server
}

async fn count(server: &TestServer) -> u64 {
    server.call("GET sys/leases/count?type=all", "root", json!(null)).await.at("/data/lease_count").as_u64().unwrap()
}

/// Lists, revokes a prefix and lets all the rest expire, reading all the while.
async fn end(dir: &str, secrets: usize) {
    let server = Arc::new(start(dir).await);
    let begin = Instant::now();
    let listed = server.call("LIST secret/metadata/s", "root", json!(null)).await;
    told("list_ms", begin.elapsed().as_secs_f64() * 1000.0);
    told("listed", listed.at("/data/keys").as_array().map_or(0, Vec::len) as f64);
    let before = count(&server).await;
    told("leases", before as f64);
    let begin = Instant::now();
    let revoked = server.call("POST sys/leases/revoke-prefix/l/creds/prefix", "root", json!({ "sync": true })).await;
    assert_eq!(revoked.status, 204, "{revoked:?}");
    told("revoke_prefix_s", begin.elapsed().as_secs_f64());
    told("revoked", (before - count(&server).await) as f64);
    let quiet = reading(&server, secrets, async |_| tokio::time::sleep(Duration::from_secs(3)).await).await;
    told("read_p99_quiet_ms", quiet);
    let begin = Instant::now();
    server.clock.advance_s(11 * 3600);
    let busy = reading(&server, secrets, async |server: Arc<TestServer>| {
        while count(&server).await > 0 && begin.elapsed() < Duration::from_secs(600) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    told("expire_s", begin.elapsed().as_secs_f64());
    told("read_p99_ms", busy);
    told("left", count(&server).await as f64);
    told("memory_end_kb", memory_kb());
    server.server.stop().await;
}

/// The 99th percentile in ms of reads at a steady pace while something goes on.
async fn reading(server: &Arc<TestServer>, secrets: usize, meanwhile: impl AsyncFnOnce(Arc<TestServer>)) -> f64 {
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (server, is_over) = (server.clone(), is_over.clone());
        async move {
            let (mut times, mut n) = (Vec::new(), 0usize);
            while !is_over.load(Ordering::Relaxed) {
                n = (n + 7919) % secrets;
                let begin = Instant::now();
                let reply = server.call(&format!("GET secret/data/s/{n}"), "root", json!(null)).await;
                times.push(begin.elapsed());
                assert_eq!(reply.status, 200);
                tokio::time::sleep(READ_EVERY).await;
            }
            times.sort_unstable();
            times[times.len() * 99 / 100].as_secs_f64() * 1000.0
        }
    });
    meanwhile(server.clone()).await;
    is_over.store(true, Ordering::Relaxed);
    reader.await.unwrap()
}
