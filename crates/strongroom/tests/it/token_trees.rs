//! Large trees of tokens end as a whole, in time, and beside other requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use strongroom_storage::embedded::{Config, EmbeddedStore};
use strongroom_storage::{MemoryStore, Store};
use strongroom_testkit::{Options, TestServer};

async fn start(store: Arc<dyn Store>) -> Arc<TestServer> {
    let server = TestServer::start(Options { store: Some(store), ..Options::default() }).await;
    let policy = "path \"auth/token/create\" { capabilities = [\"update\"] }";
    server.call("POST sys/policies/acl/maker", "root", json!({ "policy": policy })).await;
    Arc::new(server)
}

async fn child_of(server: &TestServer, parent: &str) -> String {
    let made = server.call("POST auth/token/create", parent, json!({})).await;
    assert_eq!(made.status, 200, "{made:?}");
    made.text("/auth/client_token")
}

/// Asked as root: these tokens may do nothing but make others.
async fn is_live(server: &TestServer, token: &str) -> bool {
    server.call("POST auth/token/lookup", "root", json!({ "token": token })).await.status == 200
}

/// Every token below `top`: `fans` fans of `width` and one chain of `depth`.
async fn grow(server: &Arc<TestServer>, top: &str, width: usize, depth: usize) -> Vec<String> {
    let mut all = Vec::with_capacity(width + depth);
    let workers: Vec<_> = (0..32)
        .map(|worker| {
            let (server, top) = (server.clone(), top.to_owned());
            tokio::spawn(async move {
                let mut made = Vec::new();
                for _ in (worker..width).step_by(32) {
                    made.push(child_of(&server, &top).await);
                }
                made
            })
        })
        .collect();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    let mut parent = top.to_owned();
    for _ in 0..depth {
        parent = child_of(server, &parent).await;
        all.push(parent.clone());
    }
    all
}

async fn left(server: &TestServer) -> usize {
    server.call("LIST auth/token/accessors", "root", json!(null)).await.at("/data/keys").as_array().unwrap().len()
}

/// Ends a tree while another token goes on working; gives the time it took and the slowest other request.
async fn end(server: &Arc<TestServer>, top: &str, all: &[String]) -> (Duration, Duration) {
    let other = server.token(json!({ "policies": ["default"] })).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let beside = tokio::spawn({
        let (server, stop) = (server.clone(), stop.clone());
        async move {
            let mut slowest = Duration::ZERO;
            while !stop.load(std::sync::atomic::Ordering::Acquire) {
                let began = Instant::now();
                let body = json!({ "data": { "k": "v" } });
                assert_eq!(server.call("POST secret/data/beside", "root", body).await.status, 200);
                assert_eq!(server.call("GET auth/token/lookup-self", &other, json!(null)).await.status, 200);
                slowest = slowest.max(began.elapsed());
            }
            slowest
        }
    });
    assert!(is_live(server, all.last().unwrap()).await);
    let began = Instant::now();
    assert_eq!(server.call("POST auth/token/revoke", "root", json!({ "token": top })).await.status, 204);
    let took = began.elapsed();
    stop.store(true, std::sync::atomic::Ordering::Release);
    for token in all.iter().step_by(all.len() / 500 + 1).chain(all.last()) {
        assert!(!is_live(server, token).await);
    }
    assert_eq!(left(server).await, 2, "root and the one beside: nothing stays behind");
    (took, beside.await.unwrap())
}

#[expect(clippy::print_stdout, reason = "a measurement")]
async fn run(store: Arc<dyn Store>, width: usize, depth: usize) {
    let server = start(store).await;
    let top = server.token(json!({ "policies": ["maker"], "no_default_policy": true })).await;
    let began = Instant::now();
    let all = grow(&server, &top, width, depth).await;
    let grown = began.elapsed();
    let (took, slowest) = end(&server, &top, &all).await;
    println!("{width} wide, {depth} deep: grown in {grown:?}, ended in {took:?}, slowest request beside it {slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wide_and_a_deep_tree_end_before_the_answer() {
    run(Arc::new(MemoryStore::new()), 600, 0).await;
    run(Arc::new(MemoryStore::new()), 0, 600).await;
    run(Arc::new(MemoryStore::new()), 300, 300).await;
}

/// Each answer is true for its own tree at once, whoever ended which part of it.
#[tokio::test(flavor = "multi_thread")]
async fn revocations_that_meet_in_one_tree_answer_for_all_of_it() {
    let server = start(Arc::new(MemoryStore::new())).await;
    for round in 0..12 {
        let top = server.token(json!({ "policies": ["maker"], "no_default_policy": true })).await;
        let mut chain = vec![top.clone()];
        for _ in 0..120 {
            chain.push(child_of(&server, chain.last().unwrap()).await);
        }
        let chain = Arc::new(chain);
        let revoking: Vec<_> = [0, 30, 60, 90, 15 + round]
            .into_iter()
            .map(|at| {
                let (server, chain) = (server.clone(), chain.clone());
                tokio::spawn(async move {
                    let revoked = server.call("POST auth/token/revoke", "root", json!({ "token": chain[at] })).await;
                    assert_eq!(revoked.status, 204, "{revoked:?}");
                    (at, is_live(&server, &chain[120]).await)
                })
            })
            .collect();
        for one in revoking {
            let (at, last_is_live) = one.await.unwrap();
            assert!(!last_is_live, "round {round}: answered for {at}, and the last one is honoured");
        }
    }
}

/// The one above has nothing left to do itself while the one below is busy: it must not answer before that one is through.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_waits_for_one_that_is_busy_further_down() {
    let server = start(Arc::new(MemoryStore::new())).await;
    for _ in 0..3 {
        let top = server.token(json!({ "policies": ["maker"], "no_default_policy": true })).await;
        let middle = child_of(&server, &top).await;
        let below = grow(&server, &middle, 1_000, 0).await;
        let busy = tokio::spawn({
            let (server, middle) = (server.clone(), middle.clone());
            async move { server.call("POST auth/token/revoke", "root", json!({ "token": middle })).await.status }
        });
        while is_live(&server, &middle).await {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.call("POST auth/token/revoke", "root", json!({ "token": top })).await.status, 204);
        for token in &below {
            assert!(!is_live(&server, token).await);
        }
        assert_eq!(busy.await.unwrap(), 204);
    }
}

/// As above with a store on disk: `cargo test --release -- --ignored --nocapture 50_000`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn trees_of_50_000_tokens_end_before_the_answer() {
    for (width, depth) in [(50_000, 0), (0, 50_000)] {
        let folder = tempfile::tempdir().unwrap();
        run(Arc::new(EmbeddedStore::open(Config::new(folder.path())).unwrap()), width, depth).await;
    }
}
