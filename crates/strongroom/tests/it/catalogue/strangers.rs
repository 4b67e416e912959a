//! Whether a name is known can't be told from the outside: not by an answer, nor by the work that it took. Password hashes are
//! counted in the method's own crate; the clock is looked at by `cargo xtask logins`, by hand.

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_core::wire::{Handler as _, Headers, Method, Peer, Request};
use strongroom_storage::faulty::Call;
use strongroom_storage::{FaultyStore, MemoryStore};
use strongroom_testkit::{Options, TestServer};

/// Of the password `x`, cost 4.
const BCRYPT_OF_X: &str = "$2b$04$/uaF/uaF/uaF/uaF/uaF/u6F.LzaxtMoFzCZ8UrBkYCdTre.lUOxK";
/// Failures that lock.
const THRESHOLD: usize = 4;
/// Names of each class. Background work asks the store now and then, too: what the fewest calls were is what counts.
const NAMES: usize = 4;

struct Watched {
    server: TestServer,
    store: Arc<FaultyStore>,
}

/// All that a stranger gets to see, and what the server asked of its store for it.
#[derive(PartialEq, Debug)]
struct Seen {
    status: u16,
    headers: String,
    body: Value,
    calls: [u64; 5],
}

impl Watched {
    async fn start() -> Self {
        let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
        let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
        for (method, path) in [("userpass", "up"), ("approle", "ar")] {
            server.call(&format!("POST sys/auth/{path}"), "root", json!({ "type": method })).await;
            let lockout = json!({ "user_lockout_config": { "lockout_threshold": THRESHOLD, "lockout_duration": "1h" } });
            assert_eq!(server.call(&format!("POST sys/auth/{path}/tune"), "root", lockout).await.status, 204);
        }
        // The first request after a change of mounts reads them anew.
        server.call("GET sys/auth", "root", json!(null)).await;
        Self { server, store }
    }

    fn calls(&self) -> [u64; 5] {
        [Call::Get, Call::List, Call::Scan, Call::Head, Call::Commit].map(|call| self.store.calls(call))
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> Seen {
        let before = self.calls();
        let request = Request {
            method,
            path: path.to_owned(),
            query: String::new(),
            headers: Headers { token: (!token.is_empty()).then(|| token.into()), ..Headers::default() },
            body: if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() },
            peer: Peer::default(),
            upload: Default::default(),
        };
        let answer = self.server.server.handle(request).await;
        let after = self.calls();
        Seen {
            status: answer.status,
            headers: format!("{} {:?} {:?} {:?}", answer.content_type, answer.location, answer.retry_after_s, answer.extra),
            body: serde_json::from_slice(&answer.body).unwrap_or_default(),
            calls: std::array::from_fn(|n| after[n] - before[n]),
        }
    }

    /// As many wrong logins as lock the name, and one more with what is right.
    async fn failures(&self, path: &str, wrong: Value, right: Value) -> Vec<Seen> {
        let mut seen = Vec::new();
        for _ in 0..THRESHOLD {
            seen.push(self.ask(Method::Write, path, "", wrong.clone()).await);
        }
        seen.push(self.ask(Method::Write, path, "", right).await);
        seen
    }

    /// The same for each name of a class, as path, wrong and right body: one answer for all, and the fewest calls.
    async fn class(&self, names: Vec<(String, Value, Value)>) -> Vec<Seen> {
        let mut least: Option<Vec<Seen>> = None;
        for (path, wrong, right) in names {
            let seen = self.failures(&path, wrong, right).await;
            let Some(least) = &mut least else {
                least = Some(seen);
                continue;
            };
            for (least, seen) in least.iter_mut().zip(seen) {
                let calls = std::array::from_fn(|n| least.calls[n].min(seen.calls[n]));
                least.calls = calls;
                assert_eq!(*least, Seen { calls, ..seen });
            }
        }
        least.unwrap()
    }
}

fn check(known: &[(String, Vec<Seen>)], unknown: &[Seen], text: &str) {
    assert!(unknown[..THRESHOLD].iter().all(|s| s.status == 400 && s.body == json!({ "errors": [text] })), "{unknown:?}");
    assert_eq!((unknown[THRESHOLD].status, &unknown[THRESHOLD].body), (403, &json!({ "errors": ["permission denied"] })));
    for (name, seen) in known {
        assert_eq!(seen, unknown, "{name}");
    }
}

#[tokio::test]
async fn cve_2025_6011_userpass_known_and_unknown_names_look_and_cost_the_same_until_and_when_they_are_locked() {
    let at = Watched::start().await;
    let kinds = [
        ("ann", json!({ "password": "right" })),
        ("far", json!({ "password": "right", "token_bound_cidrs": "10.0.0.0/8" })),
        ("old", json!({ "password_hash": BCRYPT_OF_X })),
    ];
    let attempts = |name: &str| -> Vec<_> {
        let path = |n| format!("auth/up/login/{name}{n}");
        (0..NAMES).map(|n| (path(n), json!({ "password": "wrong" }), json!({ "password": "right" }))).collect()
    };
    for (name, body) in &kinds {
        for n in 0..NAMES {
            assert_eq!(at.server.call(&format!("POST auth/up/users/{name}{n}"), "root", body.clone()).await.status, 204);
        }
    }
    let unknown = at.class(attempts("nobody")).await;
    let mut known = Vec::new();
    for (name, _) in kinds {
        known.push((name.to_owned(), at.class(attempts(name)).await));
    }
    check(&known, &unknown, "invalid username or password");
    // An operator sees both, so nothing else can be concluded from the list either.
    let listed = at.server.call("GET sys/locked-users", "root", json!(null)).await;
    let locked = listed.at("/data/by_namespace/0/mount_accessors/0/alias_identifiers");
    let names = ["ann", "far", "nobody", "old"].iter().flat_map(|name| (0..NAMES).map(move |n| format!("{name}{n}")));
    assert_eq!(locked, json!(names.collect::<Vec<_>>()));
}

#[tokio::test]
async fn cve_2025_6011_approle_known_and_unknown_roles_look_and_cost_the_same_until_and_when_they_are_locked() {
    let at = Watched::start().await;
    let attempt = |role_id: String, secret_id: String| {
        let credentials = |secret_id: &str| json!({ "role_id": role_id, "secret_id": secret_id });
        ("auth/ar/login".to_owned(), credentials("wrong"), credentials(&secret_id))
    };
    let unknown = at.class((0..NAMES).map(|n| attempt(format!("nobody{n}"), "right".into())).collect()).await;
    let mut known = Vec::new();
    for (name, body) in [
        ("plain", json!({})),
        ("bound", json!({ "secret_id_bound_cidrs": "10.0.0.0/8", "secret_id_num_uses": 1 })),
        ("brief", json!({ "secret_id_ttl": "1s" })),
    ] {
        let mut attempts = Vec::new();
        for n in 0..NAMES {
            let role = format!("auth/ar/role/{name}{n}");
            at.server.call(&format!("POST {role}"), "root", body.clone()).await;
            let role_id = at.server.call(&format!("GET {role}/role-id"), "root", json!(null)).await.text("/data/role_id");
            let made = at.server.call(&format!("POST {role}/secret-id"), "root", json!({})).await;
            attempts.push(attempt(role_id, made.text("/data/secret_id")));
        }
        known.push((name.to_owned(), at.class(attempts).await));
    }
    check(&known, &unknown, "invalid role or secret ID");
}

/// Without the right to list or read users nobody learns which there are.
#[tokio::test]
async fn cve_2025_6011_whoever_may_not_list_users_cannot_ask_for_one() {
    let at = Watched::start().await;
    at.server.call("POST auth/up/users/ann", "root", json!({ "password": "right" })).await;
    at.server.call("POST auth/ar/role/ann", "root", json!({})).await;
    let policy = json!({ "policy": "path \"secret/*\" { capabilities = [\"read\"] }" });
    at.server.call("POST sys/policies/acl/p", "root", policy).await;
    let token = at.server.token(json!({ "policies": ["p"] })).await;
    for caller in ["", "no such token", &token] {
        for (before, after) in
            [("auth/up/users/", ""), ("auth/up/users/", "/password"), ("auth/ar/role/", ""), ("auth/ar/role/", "/role-id")]
        {
            for method in [Method::Get, Method::Write, Method::Delete] {
                let [known, unknown] = ["ann", "nobody"].map(|name| format!("{before}{name}{after}"));
                let known = at.ask(method, &known, caller, json!(null)).await;
                let unknown = at.ask(method, &unknown, caller, json!(null)).await;
                assert_eq!((known.status, known.headers, known.body), (unknown.status, unknown.headers, unknown.body));
                assert_eq!(known.status, 403);
            }
        }
        for list in ["auth/up/users", "auth/ar/role"] {
            assert_eq!(at.ask(Method::List, list, caller, json!(null)).await.status, 403);
        }
    }
    for method in [Method::Get, Method::Delete, Method::Patch] {
        let known = at.ask(method, "auth/up/login/ann", "", json!(null)).await;
        let unknown = at.ask(method, "auth/up/login/nobody", "", json!(null)).await;
        assert_eq!((known.status, known.headers, known.body), (unknown.status, unknown.headers, unknown.body));
    }
}
