//! Identity under concurrency and on several nodes: one alias makes one entity, nobody keeps what was taken away.

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_core::Server;
use strongroom_core::wire::Headers;
use strongroom_storage::{FaultyStore, MemoryStore, SharedMemory};
use strongroom_testkit::{Options, Reply, TestServer, request};

use crate::identity::People;

/// The count of calls is exact, so few are enough; with 100,000 it is the same and takes a minute.
const ENTITIES: usize = 8_000;

#[tokio::test(flavor = "multi_thread")]
async fn first_logins_of_one_alias_at_once_make_one_entity() {
    let people = Arc::new(People::start().await);
    for round in 0..20 {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let people = people.clone();
                tokio::spawn(async move { people.person(json!({ "alias": format!("bob{round}") })).await.1 })
            })
            .collect();
        let mut ids = std::collections::BTreeSet::new();
        for task in tasks {
            ids.insert(task.await.unwrap());
        }
        assert_eq!(ids.len(), 1);
    }
    let all = people.root("LIST identity/entity/id", json!(null)).await;
    assert_eq!(all.at("/data/keys").as_array().unwrap().len(), 20, "none is left over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_during_a_merge_ends_at_the_remaining_entity() {
    let people = Arc::new(People::start().await);
    for round in 0..20 {
        let alias = format!("bob{round}");
        let (_, from) = people.person(json!({ "alias": alias })).await;
        let to = people.entity(json!({ "name": format!("to{round}"), "policies": ["a"] })).await;
        let logins: Vec<_> = (0..8)
            .map(|n| {
                let (people, alias) = (people.clone(), alias.clone());
                let claims = json!({ "alias": alias, "metadata": { "n": n.to_string() } });
                tokio::spawn(async move { people.person(claims).await })
            })
            .collect();
        let merge = json!({ "to_entity_id": to, "from_entity_ids": [from] });
        let merged = people.root("POST identity/entity/merge", merge).await;
        assert_eq!(merged.status, 204, "{merged:?}");
        for login in logins {
            let (token, id) = login.await.unwrap();
            assert!(id == from || id == to);
            assert!(people.reads(&token, "a").await, "every token stands for the remaining entity");
        }
        assert_eq!(people.person(json!({ "alias": alias })).await.1, to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2020_10660_no_request_after_a_removal_is_judged_by_the_group() {
    let people = Arc::new(People::start().await);
    let (token, id) = people.person(json!({ "alias": "bob" })).await;
    let group = people.group(json!({ "name": "g", "policies": ["a"] })).await;
    // Others read all the time, so that caches are being filled at every moment.
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (people, token, stop) = (people.clone(), token.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    people.reads(&token, "a").await;
                    // Nothing here ever waits for I/O: without this the runtime would serve the readers alone.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 0..100 {
        let members = if round % 2 == 0 { json!([id]) } else { json!([]) };
        people.root(&format!("POST identity/group/id/{group}"), json!({ "member_entity_ids": members })).await;
        assert_eq!(people.reads(&token, "a").await, round % 2 == 0, "round {round}");
        let policies = if round % 2 == 0 { json!(["b"]) } else { json!([]) };
        people.root(&format!("POST identity/entity/id/{id}"), json!({ "policies": policies })).await;
        assert_eq!(people.reads(&token, "b").await, round % 2 == 0, "round {round}");
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_groups_that_name_each_other_at_once_make_no_cycle() {
    let people = Arc::new(People::start().await);
    for round in 0..20 {
        let a = people.group(json!({ "name": format!("a{round}") })).await;
        let b = people.group(json!({ "name": format!("b{round}") })).await;
        let (to_a, to_b) = (format!("POST identity/group/id/{a}"), format!("POST identity/group/id/{b}"));
        let (x, y) = tokio::join!(
            people.root(&to_a, json!({ "member_group_ids": [b] })),
            people.root(&to_b, json!({ "member_group_ids": [a] }))
        );
        let mut statuses = [x.status, y.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 400], "round {round}");
    }
}

struct Two {
    people: People,
    b: Arc<Server>,
}

impl Two {
    async fn start() -> Self {
        let shared = SharedMemory::new();
        let a = TestServer::start(Options { store: Some(Arc::new(shared.handle())), ..Options::default() }).await;
        let (b, _) = TestServer::make(Options { store: Some(Arc::new(shared.handle())), ..Options::default() });
        let unsealed = request(&b, "PUT sys/unseal", "", &json!({ "key": a.unseal_key }).to_string(), Headers::default()).await;
        assert_eq!(unsealed.status, 200);
        Self { people: People::on(a).await, b }
    }

    async fn on_b(&self, what: &str, token: &str, body: Value) -> Reply {
        request(&self.b, what, token, &body.to_string(), Headers::default()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_takes_away_the_other_does_not_grant() {
    let two = Two::start().await;
    let (token, id) = two.people.person(json!({ "alias": "bob" })).await;
    let group = two.people.group(json!({ "name": "g", "policies": ["a"], "member_entity_ids": [id] })).await;
    for round in 0..30 {
        assert_eq!(two.on_b("GET secret/data/a", &token, json!({})).await.status, 200, "round {round}: b knows and caches it");
        two.people.root(&format!("POST identity/group/id/{group}"), json!({ "member_entity_ids": [] })).await;
        assert_eq!(two.on_b("GET secret/data/a", &token, json!({})).await.status, 403, "round {round}");
        two.people.root(&format!("POST identity/group/id/{group}"), json!({ "member_entity_ids": [id] })).await;
    }
    two.people.root(&format!("POST identity/entity/id/{id}"), json!({ "disabled": true })).await;
    assert_eq!(two.on_b("GET auth/token/lookup-self", &token, json!({})).await.status, 403);
    let refused = two.on_b("POST auth/v/login", "", json!({ "alias": "bob" })).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_logins_on_two_nodes_make_one_entity() {
    let two = Two::start().await;
    for round in 0..20 {
        let claims = json!({ "alias": format!("bob{round}") });
        let (a, b) = tokio::join!(two.people.login(claims.clone()), two.on_b("POST auth/v/login", "", claims));
        assert_eq!((a.status, b.status), (200, 200), "{a:?} {b:?}");
        assert_eq!(a.text("/auth/entity_id"), b.text("/auth/entity_id"));
    }
}

/// Calls of the store for one login of somebody known and one of somebody new.
async fn calls_of_logins(people: &People, store: &FaultyStore, new: &str) -> (u64, u64) {
    let before = store.calls_total();
    people.person(json!({ "alias": "p0" })).await;
    let known = store.calls_total();
    people.person(json!({ "alias": new })).await;
    (known - before, store.calls_total() - known)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_costs_the_same_however_many_entities_there_are() {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
    let people = Arc::new(People::on(server).await);
    people.person(json!({ "alias": "p0" })).await;
    calls_of_logins(&people, &store, "warm").await;
    let few = calls_of_logins(&people, &store, "few").await;
    let tasks: Vec<_> = (0..8)
        .map(|part| {
            let people = people.clone();
            tokio::spawn(async move {
                for n in 0..ENTITIES / 8 {
                    people.person(json!({ "alias": format!("q{part}-{n}"), "token_type": "batch" })).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(calls_of_logins(&people, &store, "many").await, few);
}
