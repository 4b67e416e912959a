//! Two revocations in one tree: one of them is held up at every store call that it makes, one after the other, and the other
//! one comes meanwhile. Whatever it finds, its answer is true for its own tree.

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_storage::{MemoryStore, SharedMemory, Store};
use strongroom_testkit::{HeldStore, Moment, Options, Reply, TestServer};

/// A token: its text and its accessor.
#[derive(Clone)]
struct Token {
    text: String,
    accessor: String,
}

impl Token {
    fn of(made: &Reply) -> Self {
        Self { text: made.text("/auth/client_token"), accessor: made.text("/auth/accessor") }
    }
}

/// `chain[0]` is the top; each has the next one below it, and the middle one a fan.
struct Tree {
    chain: Vec<Token>,
    fan: Vec<Token>,
}

const MIDDLE: usize = 2;

struct House {
    server: Arc<TestServer>,
    /// The same, or another node on the same store. It is never held up.
    second: Arc<TestServer>,
    store: Arc<HeldStore>,
}

impl House {
    async fn on(inner: Arc<dyn Store>) -> Self {
        let store = HeldStore::new(inner);
        let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
        let policy = "path \"auth/token/create\" { capabilities = [\"update\"] }";
        server.call("POST sys/policies/acl/maker", "root", json!({ "policy": policy })).await;
        let server = Arc::new(server);
        Self { second: server.clone(), server, store }
    }

    async fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    async fn of_two_nodes() -> Self {
        let shared = SharedMemory::new();
        let house = Self::on(Arc::new(shared.handle())).await;
        let (server, clock) = TestServer::make(Options { store: Some(Arc::new(shared.handle())), ..Options::default() });
        let second = TestServer { server, clock, unseal_key: house.server.unseal_key.clone() };
        let unsealed = second.call("PUT sys/unseal", "", json!({ "key": second.unseal_key })).await;
        assert_eq!(unsealed.at("/sealed"), json!(false));
        Self { second: Arc::new(second), ..house }
    }

    async fn child_of(&self, parent: &str, body: Value) -> Token {
        let made = self.server.call("POST auth/token/create", parent, body).await;
        assert_eq!(made.status, 200, "{made:?}");
        Token::of(&made)
    }

    /// More than one batch.
    async fn tree(&self) -> Tree {
        let mut chain = vec![self.child_of("root", json!({ "policies": ["maker"], "no_default_policy": true })).await];
        while chain.len() < 14 {
            chain.push(self.child_of(&chain.last().unwrap().text, json!({})).await);
        }
        let mut fan = Vec::new();
        for _ in 0..12 {
            fan.push(self.child_of(&chain[MIDDLE].text, json!({})).await);
        }
        Tree { chain, fan }
    }

    async fn is_live(&self, token: &Token) -> bool {
        let reply = self.second.call("POST auth/token/lookup", "root", json!({ "token": token.text })).await;
        assert!(matches!(reply.status, 200 | 403), "{reply:?}");
        reply.status == 200
    }

    async fn check_gone(&self, tokens: impl IntoIterator<Item = &Token>, what: &str) {
        for (n, token) in tokens.into_iter().enumerate() {
            assert!(!self.is_live(token).await, "{what}: {n} is honoured");
        }
    }
}

/// Where the two begin, as places in the chain.
#[derive(Clone, Copy, Debug)]
struct Meeting {
    held: usize,
    other: usize,
}

impl Tree {
    /// All that an answer for this place speaks of.
    fn below(&self, at: usize) -> Vec<&Token> {
        let fan = if at <= MIDDLE { &self.fan[..] } else { &[] };
        self.chain[at..].iter().chain(fan).collect()
    }
}

/// Both ask for the same end in one of three ways.
async fn revoke(server: &TestServer, token: &Token, way: usize) -> u16 {
    let (what, body) = match way % 3 {
        0 => ("POST auth/token/revoke", json!({ "token": token.text })),
        1 => ("POST auth/token/revoke-accessor", json!({ "accessor": token.accessor })),
        _ => ("POST sys/leases/revoke", json!({ "lease_id": format!("auth/token/create/{}", token.accessor) })),
    };
    server.call(what, "root", body).await.status
}

/// False when the held one makes fewer calls than that.
async fn meet(house: &House, meeting: Meeting, n: u64, moment: Moment) -> bool {
    let what = format!("{meeting:?} at call {n}, {moment:?}");
    let tree = house.tree().await;
    let (first, second) = (tree.chain[meeting.held].clone(), tree.chain[meeting.other].clone());
    let mut held = house.store.hold_nth(n, moment);
    let way = n as usize;
    let busy = tokio::spawn({
        let server = house.server.clone();
        async move { revoke(&server, &first, way).await }
    });
    tokio::pin!(busy);
    let was_reached = tokio::select! {
        was_reached = held.reached() => was_reached,
        status = &mut busy => {
            assert!(matches!(status.unwrap(), 200 | 204));
            house.store.call_off();
            revoke(&house.server, &tree.chain[0], 0).await;
            return false;
        }
    };
    assert!(was_reached);
    assert!(matches!(revoke(&house.second, &second, way + 1).await, 200 | 204), "{what}");
    house.check_gone(tree.below(meeting.other), &what).await;
    drop(held);
    assert!(matches!(busy.await.unwrap(), 200 | 204), "{what}");
    house.check_gone(tree.below(meeting.held), &what).await;
    revoke(&house.server, &tree.chain[0], 0).await;
    true
}

/// d3: nothing revoked is honoured, whoever is busy with which part of the tree.
#[tokio::test(flavor = "multi_thread")]
async fn d3_a_revocation_that_meets_another_at_any_of_its_calls_answers_for_all_of_its_tree() {
    every_meeting(&House::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_revocation_that_meets_one_of_another_node_answers_for_all_of_its_tree() {
    every_meeting(&House::of_two_nodes().await).await;
}

async fn every_meeting(house: &House) {
    for meeting in [(1, 0), (0, 3), (3, 0), (1, 1)].map(|(held, other)| Meeting { held, other }) {
        for moment in [Moment::Before, Moment::After] {
            let mut n = 1;
            while meet(house, meeting, n, moment).await {
                n += 1;
            }
            assert!(n > 10, "{meeting:?}: a revocation makes more calls than that");
        }
    }
    let left = house.server.call("LIST auth/token/accessors", "root", json!(null)).await;
    assert_eq!(left.at("/data/keys").as_array().unwrap().len(), 1, "root alone");
}

/// A child that is made while its parent is being revoked, at whatever call, is not there when the answer comes.
#[tokio::test(flavor = "multi_thread")]
async fn d3_a_creation_that_is_held_up_at_any_call_gives_no_child_to_a_parent_that_is_gone() {
    let house = House::new().await;
    for moment in [Moment::Before, Moment::After] {
        for n in 1.. {
            let top = house.child_of("root", json!({ "policies": ["maker"], "no_default_policy": true })).await;
            let parent = house.child_of(&top.text, json!({})).await;
            let mut held = house.store.hold_nth(n, moment);
            let making = tokio::spawn({
                let (server, parent) = (house.server.clone(), parent.text.clone());
                async move { Token::of(&server.call("POST auth/token/create", &parent, json!({})).await) }
            });
            tokio::pin!(making);
            let made = tokio::select! {
                _ = held.reached() => None,
                made = &mut making => Some(made.unwrap()),
            };
            house.store.call_off();
            let is_last = made.is_some();
            assert!(matches!(revoke(&house.server, &top, n as usize).await, 200 | 204));
            drop(held);
            let child = match made {
                Some(made) => made,
                None => making.await.unwrap(),
            };
            if !child.text.is_empty() {
                house.check_gone([&child], &format!("call {n}, {moment:?}")).await;
            }
            if is_last {
                break;
            }
        }
    }
}

/// The children of a token that is revoked alone live on, and those of a tree that ends at the same time do not.
#[tokio::test(flavor = "multi_thread")]
async fn d3_orphans_live_on_and_are_nobodys_children() {
    let house = House::new().await;
    let tree = house.tree().await;
    let orphaned = house.server.call("POST auth/token/revoke-orphan", "root", json!({ "token": tree.chain[1].text })).await;
    assert_eq!(orphaned.status, 204, "{orphaned:?}");
    house.check_gone([&tree.chain[1]], "itself").await;
    assert!(house.is_live(&tree.chain[2]).await && house.is_live(&tree.fan[7]).await);
    let child = house.server.call("POST auth/token/lookup", "root", json!({ "token": tree.chain[2].text })).await;
    assert_eq!(child.at("/data/orphan"), json!(true));
    assert!(matches!(revoke(&house.server, &tree.chain[0], 0).await, 200 | 204));
    assert!(house.is_live(&tree.chain[2]).await, "not below the top any more");
    assert!(matches!(revoke(&house.server, &tree.chain[2], 0).await, 200 | 204));
    house.check_gone(tree.below(2), "as a tree of its own").await;
}

/// A write into a cubbyhole is held up at every store call, and its token ends meanwhile: nothing is left that nobody can read.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_into_a_cubbyhole_after_its_token_has_ended() {
    for moment in [Moment::Before, Moment::After] {
        let mut reached = 0;
        for n in 1.. {
            let memory = Arc::new(MemoryStore::new());
            let house = House::on(memory.clone()).await;
            let token = house.child_of("root", json!({ "policies": ["default"] })).await;
            let mut held = house.store.hold_nth(n, moment);
            let busy = tokio::spawn({
                let (server, text) = (house.server.clone(), token.text.clone());
                async move { server.call("POST cubbyhole/late", &text, json!({ "k": "v" })).await.status }
            });
            tokio::pin!(busy);
            let was_reached = tokio::select! {
                // A background task may have made the call that was held: then both are ready, and this round shows less.
                biased;
                was_reached = held.reached() => was_reached,
                status = &mut busy => {
                    assert_eq!(status.unwrap(), 204);
                    break;
                }
            };
            assert!(was_reached);
            reached += 1;
            let ending = tokio::spawn({
                let (server, token) = (house.server.clone(), token.clone());
                async move { revoke(&server, &token, 0).await }
            });
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            drop(held);
            assert!(matches!(busy.await.unwrap(), 204 | 403), "{moment:?} call {n}");
            assert!(matches!(ending.await.unwrap(), 200 | 204), "{moment:?} call {n}");
            assert!(!house.is_live(&token).await);
            let left = Store::scan(&*memory, b"c/", None, 10).await.unwrap();
            assert!(left.is_empty(), "{moment:?} call {n} leaves {}", left.len());
        }
        assert!(reached >= 1, "{moment:?}: a write makes a call");
    }
}
