//! Leases over the API: what they are bounded by, how they end, and that whoever asked for an end need not ask again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use strongroom_core::wire::Headers;
use strongroom_storage::faulty::Fault;
use strongroom_storage::{FaultyStore, MemoryStore};
use strongroom_testkit::{Options, Reply, TestServer};

async fn server() -> TestServer {
    let server = TestServer::start(Options::default()).await;
    enable(&server, "l").await;
    server
}

async fn enable(server: &TestServer, path: &str) {
    assert_eq!(server.call(&format!("POST sys/mounts/{path}"), "root", json!({ "type": "leased" })).await.status, 204);
    configure(server, path, json!({ "keeps": true })).await;
}

async fn configure(server: &TestServer, path: &str, body: Value) {
    assert_eq!(server.call(&format!("POST {path}/config"), "root", body).await.status, 204);
}

/// The lease's id.
async fn issue(server: &TestServer, path: &str, token: &str, body: Value) -> String {
    let reply = server.call(&format!("POST {path}"), token, body).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    reply.text("/lease_id")
}

async fn lookup(server: &TestServer, id: &str) -> Reply {
    server.call("POST sys/leases/lookup", "root", json!({ "lease_id": id })).await
}

async fn accounts(server: &TestServer, path: &str) -> usize {
    let reply = server.call(&format!("LIST {path}/accounts"), "root", json!(null)).await;
    reply.at("/data/keys").as_array().map_or(0, Vec::len)
}

/// Polls until it holds; background work has some seconds.
async fn soon<F: AsyncFn() -> bool>(what: &str, holds: F) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about");
}

#[tokio::test]
async fn a_lease_shows_in_its_answer_in_lookup_and_in_lists() {
    let server = server().await;
    let made = server.call("POST l/creds/team/r", "root", json!({ "ttl": "1h", "max_ttl": "4h" })).await;
    let id = made.text("/lease_id");
    assert!(id.starts_with("l/creds/team/r/"), "{id}");
    assert_eq!((made.at("/lease_duration"), made.at("/renewable")), (json!(3600), json!(true)));
    let seen = lookup(&server, &id).await;
    assert_eq!((seen.text("/data/path"), seen.text("/data/id")), ("l/creds/team/r".into(), id.clone()));
    assert!((3595..=3600).contains(&seen.at("/data/ttl").as_u64().unwrap()));
    assert_eq!(seen.at("/data/last_renewal"), json!(null));
    for (folder, name) in [("", "l/"), ("l", "creds/"), ("l/creds/", "team/"), ("l/creds/team", "r/")] {
        let listed = server.call(&format!("LIST sys/leases/lookup/{folder}"), "root", json!(null)).await;
        assert!(listed.at("/data/keys").as_array().unwrap().contains(&json!(name)), "{folder}: {:?}", listed.body);
    }
    let listed = server.call("LIST sys/leases/lookup/l/creds/team/r?limit=5", "root", json!(null)).await;
    assert_eq!(listed.at("/data/keys"), json!([id.rsplit_once('/').unwrap().1]));
    assert_eq!(server.call("LIST sys/leases/lookup/none", "root", json!(null)).await.status, 404);
}

#[tokio::test]
async fn a_wrapped_answer_carries_its_lease() {
    let server = server().await;
    let headers = Headers { wrap_ttl: Some("60s".into()), ..Headers::default() };
    let wrapped = server.with_headers("POST l/creds/r", "root", r#"{"ttl":"1h"}"#, headers).await;
    assert_eq!(wrapped.text("/lease_id"), "");
    let opened = server.call("POST sys/wrapping/unwrap", &wrapped.text("/wrap_info/token"), json!(null)).await;
    assert_eq!(opened.at("/lease_duration"), json!(3600));
    assert_eq!(lookup(&server, &opened.text("/lease_id")).await.status, 200);
}

#[tokio::test]
async fn cve_2021_32923_no_renewal_gives_a_lease_without_an_end() {
    let server = server().await;
    let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h", "max_ttl": "2h" })).await;
    for (age_s, increment, least, most) in [(1_800, "1h", 3_590, 3_600), (1_800, "9h", 3_590, 3_600), (3_590, "9h", 1, 10)] {
        server.clock.advance_s(age_s);
        let renewed = server.call("POST sys/leases/renew", "root", json!({ "lease_id": id, "increment": increment })).await;
        let ttl = renewed.at("/lease_duration").as_u64().unwrap_or(0);
        assert!((least..=most).contains(&ttl), "{ttl} after {age_s}: {:?}", renewed.body);
        assert_eq!(renewed.at("/warnings").is_array(), increment == "9h");
        assert_eq!(renewed.text("/lease_id"), id);
    }
    server.clock.advance_s(11);
    soon("the end at the maximum", async || lookup(&server, &id).await.status == 400).await;
    assert_eq!(accounts(&server, "l").await, 0);
}

#[tokio::test]
async fn cve_2020_25816_a_lease_never_outlives_its_token() {
    let server = server().await;
    let policy = json!({ "policy": "path \"l/*\" { capabilities = [\"create\", \"update\", \"read\"] }" });
    server.call("POST sys/policies/acl/l", "root", policy).await;
    let batch = server.token(json!({ "type": "batch", "policies": ["l"], "ttl": "10m", "no_parent": true })).await;
    let fixed = server.token(json!({ "policies": ["l"], "ttl": "10m", "renewable": false })).await;
    for token in [&batch, &fixed] {
        let made = server.call("POST l/creds/r", token, json!({ "ttl": "5h" })).await;
        let ttl = made.at("/lease_duration").as_u64().unwrap();
        assert!((595..=600).contains(&ttl), "{ttl}");
    }
    // A renewable token can still grow; its lease ends with it.
    let token = server.token(json!({ "policies": ["l"], "ttl": "10m" })).await;
    let id = issue(&server, "l/creds/r", &token, json!({ "ttl": "5h" })).await;
    server.clock.advance_s(601);
    soon("the end of all three", async || accounts(&server, "l").await == 0).await;
    assert_eq!(lookup(&server, &id).await.status, 400);
}

#[tokio::test]
async fn a_batch_tokens_leases_end_with_its_parent() {
    let server = server().await;
    let parent = server.token(json!({ "policies": ["root"], "ttl": "1h" })).await;
    let policy = json!({ "policy": "path \"l/*\" { capabilities = [\"create\", \"update\"] }" });
    server.call("POST sys/policies/acl/l", "root", policy).await;
    let body = json!({ "type": "batch", "policies": ["l"], "ttl": "10m" });
    let batch = server.call("POST auth/token/create", &parent, body).await.text("/auth/client_token");
    issue(&server, "l/creds/r", &batch, json!({ "ttl": "5m" })).await;
    server.call("POST auth/token/revoke", "root", json!({ "token": parent })).await;
    soon("the end of the lease", async || accounts(&server, "l").await == 0).await;
}

#[tokio::test]
async fn revoking_a_token_ends_the_leases_of_its_whole_tree() {
    let server = server().await;
    let parent = server.token(json!({ "policies": ["root"], "ttl": "1h" })).await;
    let child = server.call("POST auth/token/create", &parent, json!({ "ttl": "1h" })).await.text("/auth/client_token");
    for token in [&parent, &child] {
        for _ in 0..300 {
            issue(&server, "l/creds/r", token, json!({ "ttl": "1h" })).await;
        }
    }
    let other = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    assert_eq!(server.call("POST auth/token/revoke", "root", json!({ "token": parent })).await.status, 204);
    soon("the end of 600 leases", async || accounts(&server, "l").await == 1).await;
    assert_eq!(lookup(&server, &other).await.status, 200);
}

#[tokio::test]
async fn the_last_use_of_a_token_gives_out_no_lease() {
    let server = server().await;
    let token = server.token(json!({ "policies": ["root"], "num_uses": 2 })).await;
    issue(&server, "l/creds/r", &token, json!({ "ttl": "1h" })).await;
    let last = server.call("POST l/creds/r", &token, json!({ "ttl": "1h" })).await;
    assert_eq!((last.status, last.text("/errors/0").contains("one use left")), (400, true));
    soon("the end of the first lease", async || accounts(&server, "l").await == 0).await;
}

#[tokio::test]
async fn renewing_refuses_what_cannot_be_renewed() {
    let server = server().await;
    let fixed = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h", "fixed": true })).await;
    let queued = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    configure(&server, "l", json!({ "fails": true, "keeps": true })).await;
    server.call("POST sys/leases/revoke", "root", json!({ "lease_id": queued })).await;
    for (id, text) in [
        (fixed.as_str(), "lease is not renewable"),
        (queued.as_str(), "lease expired"),
        ("l/creds/r/none", "lease not found"),
        ("", "lease_id must be specified"),
    ] {
        let reply = server.call("POST sys/leases/renew", "root", json!({ "lease_id": id })).await;
        assert_eq!((reply.status, reply.at("/errors")), (400, json!([text])), "{id}");
    }
}

#[tokio::test]
async fn a_refused_revocation_says_why_and_is_tried_again_until_it_goes_well() {
    let server = server().await;
    configure(&server, "l", json!({ "fails": true, "keeps": true })).await;
    let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    let sync = server.call("POST sys/leases/revoke", "root", json!({ "lease_id": id, "sync": true })).await;
    assert_eq!((sync.status, sync.text("/errors/0")), (400, "failed to revoke entry: the upstream refuses".into()));
    assert_eq!(server.call("POST sys/leases/revoke", "root", json!({ "lease_id": id })).await.status, 204);
    let attempts = async || lookup(&server, &id).await.at("/data/revocation_attempts").as_u64().unwrap_or(0);
    for n in 1..=6 {
        soon("the next attempt", async || attempts().await == n).await;
        server.clock.advance_s(400);
    }
    let counted = server.call("GET sys/leases/count?type=irrevocable", "root", json!(null)).await;
    assert_eq!(counted.at("/data/lease_count"), json!(1));
    let shown = server.call("GET sys/leases?type=irrevocable", "root", json!(null)).await;
    assert_eq!(
        (shown.text("/data/leases/0/lease_id"), shown.text("/data/leases/0/error")),
        (id.clone(), "the upstream refuses".into())
    );
    // Rarely, but not never.
    configure(&server, "l", json!({ "keeps": true })).await;
    server.clock.advance_s(8 * 3600);
    soon("the late success", async || lookup(&server, &id).await.status == 400).await;
    assert_eq!(accounts(&server, "l").await, 0);
    let counted = server.call("GET sys/leases/count?type=irrevocable", "root", json!(null)).await;
    assert_eq!(counted.at("/data"), json!({ "lease_count": 0, "counts": {} }));
}

#[tokio::test]
async fn force_removes_leases_whatever_the_upstream_says() {
    let server = server().await;
    configure(&server, "l", json!({ "fails": true })).await;
    for _ in 0..40 {
        issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    }
    let sync = server.call("POST sys/leases/revoke-prefix/l", "root", json!({ "sync": true })).await;
    assert!(sync.status == 400 && sync.text("/errors/0").contains("39 more"), "{:?}", sync.body);
    assert_eq!(server.call("POST sys/leases/revoke-force/l/creds", "root", json!(null)).await.status, 204);
    assert_eq!(server.call("LIST sys/leases/lookup/l", "root", json!(null)).await.status, 404);
}

#[tokio::test]
async fn a_prefix_is_a_folder_and_never_part_of_a_name() {
    let server = server().await;
    let inside = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    let beside = issue(&server, "l/creds/rr", "root", json!({ "ttl": "1h" })).await;
    assert_eq!(server.call("POST sys/leases/revoke-prefix/l/creds/r", "root", json!(null)).await.status, 204);
    assert_eq!((lookup(&server, &inside).await.status, lookup(&server, &beside).await.status), (400, 200));
}

#[tokio::test]
async fn a_slow_upstream_holds_up_no_other_mount() {
    let server = server().await;
    enable(&server, "slow").await;
    configure(&server, "slow", json!({ "delay_ms": 20_000, "keeps": true })).await;
    for _ in 0..40 {
        issue(&server, "slow/creds/r", "root", json!({ "ttl": "60s" })).await;
        issue(&server, "l/creds/r", "root", json!({ "ttl": "60s" })).await;
    }
    server.clock.advance_s(61);
    soon("the end of the other mount's leases", async || accounts(&server, "l").await == 0).await;
    assert_eq!(accounts(&server, "slow").await, 40);
    // Neither does a revocation of its own, in the background.
    server.call("POST sys/leases/revoke-prefix/slow", "root", json!(null)).await;
    let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "60s" })).await;
    server.call("POST sys/leases/revoke-prefix/l", "root", json!(null)).await;
    soon("the end of the new lease", async || lookup(&server, &id).await.status == 400).await;
}

#[tokio::test]
async fn renewing_expiring_and_revoking_at_once_end_as_one_of_them() {
    let server = Arc::new(server().await);
    for round in 0..20 {
        let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "60s", "max_ttl": "10h" })).await;
        server.clock.advance_s(59);
        let tasks: Vec<_> = (0..12)
            .map(|n| {
                let (server, id) = (server.clone(), id.clone());
                tokio::spawn(async move {
                    if n == 6 {
                        server.clock.advance_s(2);
                    }
                    let path = if n % 3 == round % 3 { "POST sys/leases/revoke" } else { "POST sys/leases/renew" };
                    server.call(path, "root", json!({ "lease_id": id, "sync": n % 2 == 0, "increment": "2h" })).await.status
                })
            })
            .collect();
        for task in tasks {
            assert!(matches!(task.await.unwrap(), 200 | 204 | 400));
        }
        soon("the end of the lease", async || lookup(&server, &id).await.status == 400).await;
        assert_eq!(accounts(&server, "l").await, 0, "round {round}");
    }
}

#[tokio::test]
async fn a_disabled_mount_serves_nobody_and_ends_its_leases() {
    let server = server().await;
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await);
    }
    assert_eq!(server.call("DELETE sys/mounts/l", "root", json!(null)).await.status, 204);
    assert_eq!(server.call("POST l/creds/r", "root", json!({})).await.status, 404);
    assert_eq!(server.call("LIST sys/leases/lookup/l", "root", json!(null)).await.status, 404);
    for id in ids {
        assert_eq!(lookup(&server, &id).await.status, 400);
    }
}

#[tokio::test]
async fn cve_2026_42186_a_mount_stays_in_removal_until_its_upstream_lets_go() {
    let store: Arc<MemoryStore> = Arc::new(MemoryStore::new());
    let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
    enable(&server, "l").await;
    configure(&server, "l", json!({ "fails": true })).await;
    for _ in 0..5 {
        issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    }
    assert_eq!(server.call("DELETE sys/mounts/l", "root", json!(null)).await.status, 204);
    let removals = async |server: &TestServer| server.call("GET sys/leases/removals", "root", json!(null)).await;
    let shown = removals(&server).await;
    assert_eq!((shown.text("/data/removals/0/path"), shown.at("/data/removals/0/leases")), ("l/".into(), json!(5)));
    // Another mount at the same path is no heir to it.
    enable(&server, "l").await;
    let own = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    // A restart goes on where it was.
    server.server.stop().await;
    let (again, clock) = TestServer::make(Options { store: Some(store), ..Options::default() });
    let again = TestServer { server: again, clock, unseal_key: server.unseal_key.clone() };
    again.clock.advance_s(400);
    assert_eq!(again.call("POST sys/unseal", "", json!({ "key": server.unseal_key })).await.at("/sealed"), json!(false));
    assert_eq!(removals(&again).await.at("/data/removals/0/leases"), json!(5));
    assert_eq!(again.call("POST sys/leases/revoke-force/l/creds", "root", json!(null)).await.status, 204);
    soon("the end of the removal", async || removals(&again).await.at("/data/removals") == json!([])).await;
    assert_eq!(lookup(&again, &own).await.status, 400);
}

#[tokio::test]
async fn moving_a_mount_ends_what_it_gave_out_under_its_old_path() {
    let server = server().await;
    let id = issue(&server, "l/creds/r", "root", json!({ "ttl": "1h" })).await;
    assert_eq!(server.call("POST sys/remount", "root", json!({ "from": "l", "to": "moved" })).await.status, 200);
    assert_eq!(lookup(&server, &id).await.status, 400);
    assert_eq!(accounts(&server, "moved").await, 0);
    let id = issue(&server, "moved/creds/r", "root", json!({ "ttl": "1h" })).await;
    assert_eq!(lookup(&server, &id).await.status, 200);
}

#[tokio::test]
async fn tokens_are_leases_too() {
    let server = server().await;
    let made = server.call("POST auth/token/create", "root", json!({ "policies": ["default"], "ttl": "1h" })).await;
    let (token, accessor) = (made.text("/auth/client_token"), made.text("/auth/accessor"));
    for (folder, name) in [("auth", "token/"), ("auth/token", "create/"), ("auth/token/create", accessor.as_str())] {
        let listed = server.call(&format!("LIST sys/leases/lookup/{folder}"), "root", json!(null)).await;
        assert!(listed.at("/data/keys").as_array().unwrap().contains(&json!(name)), "{folder}: {:?}", listed.body);
    }
    let id = format!("auth/token/create/{accessor}");
    assert_eq!(lookup(&server, &id).await.text("/data/path"), "auth/token/create");
    let renewed = server.call("POST sys/leases/renew", "root", json!({ "lease_id": id })).await;
    assert_eq!(renewed.at("/errors"), json!(["tokens cannot be renewed through this endpoint"]));
    assert_eq!(server.call("POST sys/leases/revoke", "root", json!({ "lease_id": id })).await.status, 204);
    assert_eq!(server.call("GET auth/token/lookup-self", &token, json!(null)).await.status, 403);
    let second = server.token(json!({ "policies": ["default"] })).await;
    assert_eq!(server.call("POST sys/leases/revoke-prefix/auth/token/create", "root", json!({ "sync": true })).await.status, 204);
    assert_eq!(server.call("GET auth/token/lookup-self", &second, json!(null)).await.status, 403);
    assert_eq!(server.call("GET auth/token/lookup-self", "root", json!(null)).await.status, 200);
}

#[tokio::test]
async fn prefix_force_and_lists_need_sudo() {
    let server = server().await;
    let policy = json!({ "policy": "path \"sys/leases*\" { capabilities = [\"create\", \"read\", \"update\", \"list\"] }" });
    server.call("POST sys/policies/acl/p", "root", policy).await;
    let token = server.token(json!({ "policies": ["p"] })).await;
    for (what, status) in [
        ("POST sys/leases/revoke-prefix/l", 403),
        ("POST sys/leases/revoke-force/l", 403),
        ("LIST sys/leases/lookup/l", 403),
        ("LIST sys/leases/lookup", 403),
        ("GET sys/leases?type=irrevocable", 403),
        ("GET sys/leases/removals", 403),
        ("GET sys/leases/count?type=irrevocable", 200),
        ("POST sys/renew", 403),
        ("POST sys/leases/tidy", 202),
    ] {
        assert_eq!(server.call(what, &token, json!(null)).await.status, status, "{what}");
    }
    for gone in ["sys/renew", "sys/renew/x", "sys/revoke", "sys/revoke/x", "sys/revoke-prefix/x", "sys/revoke-force/x"] {
        assert_eq!(server.call(&format!("POST {gone}"), "root", json!({ "lease_id": "x" })).await.status, 404, "{gone}");
    }
}

/// The naive model: all leases in a list, all times in whole seconds.
#[derive(Default)]
struct Model {
    now_s: u64,
    /// Text and end; None once revoked.
    tokens: Vec<(String, Option<u64>)>,
    leases: Vec<Modelled>,
}

struct Modelled {
    id: String,
    token: usize,
    role: u32,
    end_s: u64,
    last_s: u64,
}

impl Model {
    fn is_live(&self, lease: &Modelled) -> bool {
        self.now_s < lease.end_s && self.tokens[lease.token].1.is_some_and(|end| self.now_s < end)
    }

    async fn step(&mut self, server: &TestServer, random: &mut impl rand::Rng) {
        let picked = (!self.leases.is_empty()).then(|| random.random_range(0..self.leases.len()));
        match (random.random_range(0..10), picked) {
            (0..4, _) | (_, None) => self.issue(server, random).await,
            (4 | 5, Some(n)) => {
                let (lease, wanted) = (&self.leases[n], random.random_range(1..30) * 100);
                let body = json!({ "lease_id": lease.id, "increment": wanted });
                let renewed = server.call("POST sys/leases/renew", "root", body).await;
                assert_eq!(renewed.status == 200, self.is_live(lease), "{:?}", renewed.body);
                if renewed.status == 200 {
                    self.leases[n].end_s = (self.now_s + wanted).min(self.leases[n].last_s);
                }
            }
            (6, Some(n)) => {
                let sync = random.random_bool(0.5);
                let body = json!({ "lease_id": self.leases[n].id, "sync": sync });
                assert_eq!(server.call("POST sys/leases/revoke", "root", body).await.status, 204);
                self.leases[n].end_s = 0;
            }
            (7, Some(n)) => {
                let token = self.leases[n].token;
                server.call("POST auth/token/revoke", "root", json!({ "token": self.tokens[token].0 })).await;
                self.tokens[token].1 = None;
            }
            (8, Some(n)) => {
                let role = self.leases[n].role;
                let body = json!({ "sync": random.random_bool(0.5) });
                let path = format!("POST sys/leases/revoke-prefix/l/creds/{role}");
                assert_eq!(server.call(&path, "root", body).await.status, 204);
                self.leases.iter_mut().filter(|lease| lease.role == role).for_each(|lease| lease.end_s = 0);
            }
            _ => {
                let s = random.random_range(1..10) * 100;
                server.clock.advance_s(s);
                self.now_s += s;
                for tidy in ["POST auth/token/tidy", "POST sys/leases/tidy"] {
                    assert_eq!(server.call(tidy, "root", json!(null)).await.status, 202);
                }
            }
        }
    }

    async fn issue(&mut self, server: &TestServer, random: &mut impl rand::Rng) {
        if self.tokens.is_empty() || random.random_bool(0.3) {
            let ttl = random.random_range(1..40) * 100;
            let text = server.token(json!({ "policies": ["root"], "ttl": ttl })).await;
            self.tokens.push((text, Some(self.now_s + ttl)));
        }
        let (token, role) = (random.random_range(0..self.tokens.len()), random.random_range(0..4));
        let (ttl, max) = (random.random_range(1..20) * 100, random.random_range(1..40) * 100);
        let path = format!("POST l/creds/{role}");
        let made = server.call(&path, &self.tokens[token].0, json!({ "ttl": ttl, "max_ttl": max })).await;
        assert_eq!(made.status == 200, self.tokens[token].1.is_some_and(|end| self.now_s < end), "{:?}", made.body);
        if made.status == 200 {
            let (end_s, last_s) = (self.now_s + ttl.min(max), self.now_s + max);
            self.leases.push(Modelled { id: made.text("/lease_id"), token, role, end_s, last_s });
        }
    }

    async fn check(&self, server: &TestServer) {
        let live = self.leases.iter().filter(|lease| self.is_live(lease)).count();
        soon("as many accounts as live leases", async || accounts(server, "l").await == live).await;
        for lease in &self.leases {
            let is_there = lookup(server, &lease.id).await.status == 200;
            assert_eq!(is_there, self.is_live(lease), "{} ends at {}, now {}", lease.id, lease.end_s, self.now_s);
        }
        let counted = server.call("GET sys/leases/count?type=all", "root", json!(null)).await;
        assert_eq!(counted.at("/data/lease_count"), json!(live));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_sequences_end_as_the_naive_model_says() {
    for seed in 0..8 {
        let mut random = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(seed);
        let (server, mut model) = (server().await, Model::default());
        for step in 0..60 {
            model.step(&server, &mut random).await;
            if step % 20 == 0 {
                model.check(&server).await;
            }
        }
        model.check(&server).await;
    }
}

/// What a client was told in a session that a fault may have hit.
#[derive(Default)]
struct Told {
    revoked: Vec<String>,
    token_is_revoked: bool,
    mount_is_gone: bool,
}

async fn session(server: &TestServer) -> Told {
    let mut told = Told::default();
    let token = server.token(json!({ "policies": ["root"], "ttl": "1h" })).await;
    let mut ids = Vec::new();
    for holder in ["root", "root", token.as_str()] {
        let made = server.call("POST l/creds/r", holder, json!({ "ttl": "1h", "max_ttl": "4h" })).await;
        ids.push(made.text("/lease_id"));
    }
    server.call("POST sys/leases/renew", "root", json!({ "lease_id": ids[0] })).await;
    for (id, sync) in [(&ids[0], true), (&ids[1], false)] {
        let reply = server.call("POST sys/leases/revoke", "root", json!({ "lease_id": id, "sync": sync })).await;
        if reply.status == 204 && !id.is_empty() {
            told.revoked.push(id.clone());
        }
    }
    told.token_is_revoked = server.call("POST auth/token/revoke", "root", json!({ "token": token })).await.status == 204;
    server.call("POST l/creds/r", "root", json!({ "ttl": "1h" })).await;
    told.mount_is_gone = server.call("DELETE sys/mounts/l", "root", json!(null)).await.status == 204;
    told
}

/// How the n-th call to the store goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mishap {
    /// It fails, and the server goes on.
    Fails(Fault),
    /// It and all later ones fail, and another process goes on with what the store then holds.
    Crash,
}

/// One session with one mishap: what was acknowledged comes about, and no index entry is left over. False when the session was
/// over before the call came.
async fn one_mishap(mishap: Mishap, n: u64) -> bool {
    let inner = Arc::new(MemoryStore::new());
    let store = Arc::new(FaultyStore::new(inner.clone()));
    let mut server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
    enable(&server, "l").await;
    match mishap {
        Mishap::Fails(fault) => store.fail_nth(None, n, fault),
        Mishap::Crash => (n..n + 300).for_each(|n| store.fail_nth(None, n, Fault::Refuse)),
    }
    let told = session(&server).await;
    let has_failed = store.failed_total() > 0;
    if mishap == Mishap::Crash {
        store.set_outage(true);
        let (again, clock) = TestServer::make(Options { store: Some(inner.clone()), ..Options::default() });
        clock.advance_s(60);
        server = TestServer { server: again, clock, unseal_key: server.unseal_key };
        server.call("POST sys/unseal", "", json!({ "key": server.unseal_key })).await;
    }
    store.heal();
    for id in &told.revoked {
        soon("an acknowledged revocation", async || lookup(&server, id).await.status == 400).await;
    }
    if told.mount_is_gone {
        let removals = async || server.call("GET sys/leases/removals", "root", json!(null)).await.at("/data/removals");
        soon("the end of the removal", async || removals().await == json!([])).await;
        for area in ["v/", "b/", "z/", "l/"] {
            let left = strongroom_storage::Store::scan(&*inner, area.as_bytes(), None, 9).await.unwrap();
            assert!(left.is_empty(), "{mishap:?} at call {n}: {area} {:?}", left.first());
        }
    } else if told.token_is_revoked {
        server.call("POST sys/leases/revoke-prefix/l", "root", json!({ "sync": true })).await;
        assert_eq!(accounts(&server, "l").await, 0, "{mishap:?} at call {n}");
    }
    has_failed
}

/// Every call to the store in its turn; many sessions at once, because most of each is waiting.
async fn every_call(mishap: Mishap) {
    let mut n = 1;
    loop {
        let mut sessions = tokio::task::JoinSet::new();
        let all = tokio::task::LocalSet::new();
        (n..n + 32).for_each(|n| drop(sessions.spawn_local_on(one_mishap(mishap, n), &all)));
        n += 32;
        if !all.run_until(sessions.join_all()).await.into_iter().all(|has_failed| has_failed) {
            assert!(n > 60, "the session makes more store calls than that");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_comes_about_whichever_call_is_refused() {
    every_call(Mishap::Fails(Fault::Refuse)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_comes_about_whichever_call_has_a_doubtful_outcome() {
    every_call(Mishap::Fails(Fault::ApplyThenFail)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_comes_about_at_whichever_call_the_server_dies() {
    every_call(Mishap::Crash).await;
}
