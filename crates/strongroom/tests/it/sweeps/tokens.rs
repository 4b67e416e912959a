//! Tokens: trees, orphans, wrapped answers, counted uses, leases, root tokens from shares.

use serde_json::json;
use strongroom_testkit::Reply;

use super::{House, Operation, soon, sweep};

struct Token {
    text: String,
    accessor: String,
    /// Its place in the list; None for the first.
    parent: Option<usize>,
}

async fn child(house: &House, all: &mut Vec<Token>, parent: Option<usize>) {
    let (by, body) = match parent {
        None => ("root", json!({ "policies": ["maker"], "no_default_policy": true })),
        Some(parent) => (all[parent].text.as_str(), json!({})),
    };
    let made = house.server.call("POST auth/token/create", by, body).await;
    assert_eq!(made.status, 200, "{made:?}");
    all.push(Token { text: made.text("/auth/client_token"), accessor: made.text("/auth/accessor"), parent });
}

/// A chain of twelve, and thirty below its third.
async fn tree(house: &House) -> Vec<Token> {
    let policy =
        "path \"auth/token/create\" { capabilities = [\"update\"] }\npath \"cubbyhole/*\" { capabilities = [\"update\"] }";
    house.must("POST sys/policies/acl/maker", json!({ "policy": policy })).await;
    let mut all = Vec::new();
    child(house, &mut all, None).await;
    for parent in 0..11 {
        child(house, &mut all, Some(parent)).await;
    }
    for _ in 0..30 {
        child(house, &mut all, Some(2)).await;
    }
    for n in [0, 2, 20] {
        let kept = house.server.call("POST cubbyhole/mine", &all[n].text, json!({ "k": "v" })).await;
        assert_eq!(kept.status, 204, "{kept:?}");
    }
    all
}

async fn shown(house: &House, token: &Token) -> Option<Reply> {
    let reply = house.root("POST auth/token/lookup-accessor", json!({ "accessor": token.accessor })).await;
    (reply.status == 200).then_some(reply)
}

async fn is_live(house: &House, token: &Token) -> bool {
    let by_text = house.root("POST auth/token/lookup", json!({ "token": token.text })).await.status == 200;
    assert_eq!(by_text, shown(house, token).await.is_some());
    by_text
}

/// Nothing of ended tokens stays in these areas of the store but for `live` tokens.
async fn check_areas(house: &House, live: &[&Token], what: &str) {
    for area in ["t/", "p/", "x/", "c/", "i/revoke/", "i/lease-token/"] {
        soon(&format!("{what}: the end of what is left in {area}"), async || {
            let found = strongroom_storage::Store::scan(&*house.memory, area.as_bytes(), None, 1_000).await.unwrap();
            let keys = found.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned());
            let mut of_others = keys.filter(|key| !live.iter().any(|token| key.contains(&token.accessor)));
            // The root token itself.
            of_others.all(|key| area == "t/" && found.len() <= live.len() + 1 && !key.is_empty())
        })
        .await;
    }
}

struct RevokeTree {
    by_accessor: bool,
}

impl Operation for RevokeTree {
    type Before = Vec<Token>;
    type Told = bool;

    async fn prepare(&self, house: &House) -> Vec<Token> {
        tree(house).await
    }

    async fn run(&self, house: &House, all: &Vec<Token>) -> bool {
        let reply = match self.by_accessor {
            true => house.root("POST auth/token/revoke-accessor", json!({ "accessor": all[1].accessor })).await,
            false => house.root("POST auth/token/revoke", json!({ "token": all[1].text })).await,
        };
        matches!(reply.status, 200 | 204)
    }

    async fn check(&self, house: &House, all: Vec<Token>, is_acknowledged: bool, what: &str) {
        if is_acknowledged {
            for (n, token) in all.iter().enumerate().skip(1) {
                assert!(!is_live(house, token).await, "{what}: {n} is honoured");
            }
        }
        assert!(is_live(house, &all[0]).await, "{what}: the parent has done nothing");
        if is_live(house, &all[1]).await {
            for token in &all {
                assert!(is_live(house, token).await, "{what}: a part of a tree that was not revoked is gone");
            }
        } else {
            check_areas(house, &[&all[0]], what).await;
        }
        // What a crash left is found from above.
        house.must("POST auth/token/revoke", json!({ "token": all[0].text })).await;
        for (n, token) in all.iter().enumerate() {
            assert!(!is_live(house, token).await, "{what}: {n} outlives the top");
        }
        check_areas(house, &[], what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_tree_that_is_revoked_is_gone_or_goes_at_whichever_write_the_server_dies() {
    sweep(RevokeTree { by_accessor: false }, 4).await;
    sweep(RevokeTree { by_accessor: true }, 4).await;
}

/// As soon as the new process serves, a revocation further up finds all that the crash left: nothing waits for background work.
struct RevokeFromAbove;

impl Operation for RevokeFromAbove {
    type Before = Vec<Token>;
    type Told = ();

    async fn prepare(&self, house: &House) -> Vec<Token> {
        tree(house).await
    }

    async fn run(&self, house: &House, all: &Vec<Token>) {
        house.root("POST auth/token/revoke", json!({ "token": all[1].text })).await;
    }

    async fn check(&self, house: &House, all: Vec<Token>, (): (), what: &str) {
        house.must("POST auth/token/revoke", json!({ "token": all[0].text })).await;
        for (n, token) in all.iter().enumerate() {
            assert!(!is_live(house, token).await, "{what}: {n} outlives the top");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_revocation_from_above_finds_what_a_crash_left() {
    sweep(RevokeFromAbove, 4).await;
}

struct RevokeOrphan;

impl Operation for RevokeOrphan {
    type Before = Vec<Token>;
    type Told = bool;

    async fn prepare(&self, house: &House) -> Vec<Token> {
        tree(house).await
    }

    async fn run(&self, house: &House, all: &Vec<Token>) -> bool {
        house.root("POST auth/token/revoke-orphan", json!({ "token": all[2].text })).await.status == 204
    }

    async fn check(&self, house: &House, all: Vec<Token>, is_acknowledged: bool, what: &str) {
        let children: Vec<&Token> = all.iter().filter(|token| token.parent == Some(2)).collect();
        let is_gone = !is_live(house, &all[2]).await;
        assert!(is_gone || !is_acknowledged, "{what}: honoured");
        for child in &children {
            let is_orphan = async || shown(house, child).await.expect("a child lives on").at("/data/orphan") == json!(true);
            if is_gone {
                soon(&format!("{what}: an orphan"), is_orphan).await;
            } else {
                assert!(!is_orphan().await, "{what}: an orphan whose parent lives would outlive it");
            }
        }
        house.must("POST auth/token/revoke", json!({ "token": all[0].text })).await;
        for child in &children {
            assert_eq!(is_live(house, child).await, is_gone, "{what}");
        }
        for child in &children {
            house.must("POST auth/token/revoke", json!({ "token": child.text })).await;
        }
        for (n, token) in all.iter().enumerate() {
            assert!(!is_live(house, token).await, "{what}: {n}");
        }
        check_areas(house, &[], what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_children_are_all_orphans_or_none_is_at_whichever_write_the_server_dies() {
    sweep(RevokeOrphan, 3).await;
}

struct Unwrap {
    rewraps: bool,
}

impl Operation for Unwrap {
    type Before = String;
    /// The answer, or the new wrapping token.
    type Told = Option<Reply>;

    async fn prepare(&self, house: &House) -> String {
        house.wrapped(json!({ "k": "v" })).await
    }

    async fn run(&self, house: &House, token: &String) -> Option<Reply> {
        let what = if self.rewraps { "POST sys/wrapping/rewrap" } else { "POST sys/wrapping/unwrap" };
        Some(house.root(what, json!({ "token": token })).await).filter(|reply| reply.status == 200)
    }

    async fn check(&self, house: &House, token: String, told: Option<Reply>, what: &str) {
        let mut tokens = vec![token];
        tokens.extend(told.as_ref().filter(|_| self.rewraps).map(|reply| reply.text("/wrap_info/token")));
        let mut answers = usize::from(told.is_some() && !self.rewraps);
        for token in tokens.iter().chain(&tokens) {
            let reply = house.root("POST sys/wrapping/unwrap", json!({ "token": token })).await;
            answers += usize::from(reply.status == 200 && reply.at("/data/k") == json!("v"));
        }
        match &told {
            Some(_) => assert_eq!(answers, 1, "{what}"),
            None => assert!(answers <= 1, "{what}: it came out {answers} times"),
        }
        if self.rewraps && told.is_none() {
            // A new wrapping token that nobody was told ends with its time.
            house.server.clock.advance_s(3_601);
        }
        check_areas(house, &[], what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_wrapped_answer_comes_out_once_at_whichever_write_the_server_dies() {
    sweep(Unwrap { rewraps: false }, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_rewrapped_answer_comes_out_once_at_whichever_write_the_server_dies() {
    sweep(Unwrap { rewraps: true }, 1).await;
}

struct Wrap;

impl Operation for Wrap {
    type Before = ();
    type Told = String;

    async fn prepare(&self, _: &House) {}

    async fn run(&self, house: &House, (): &()) -> String {
        house.wrapped(json!({ "k": "v" })).await
    }

    async fn check(&self, house: &House, (): (), token: String, what: &str) {
        if token.is_empty() {
            return;
        }
        for status in [200, 400] {
            assert_eq!(house.root("POST sys/wrapping/unwrap", json!({ "token": token })).await.status, status, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_what_was_wrapped_comes_out_once_at_whichever_write_the_server_dies() {
    sweep(Wrap, 0).await;
}

const USES: usize = 5;

struct Use;

impl Use {
    async fn uses(house: &House, token: &str) -> usize {
        let mut served = 0;
        for _ in 0..USES + 2 {
            served += usize::from(house.server.call("GET auth/token/lookup-self", token, json!(null)).await.status == 200);
        }
        served
    }
}

impl Operation for Use {
    type Before = String;
    type Told = usize;

    async fn prepare(&self, house: &House) -> String {
        house.server.token(json!({ "policies": ["default"], "num_uses": USES })).await
    }

    async fn run(&self, house: &House, token: &String) -> usize {
        Self::uses(house, token).await
    }

    async fn check(&self, house: &House, token: String, served: usize, what: &str) {
        let total = served + Self::uses(house, &token).await;
        assert!(total <= USES, "{what}: {total} uses of a token that has {USES}");
        // Where the outcome is not known, the failed request costs a use of its own.
        assert!(total + 2 >= USES, "{what}: {total} uses of {USES}");
        check_areas(house, &[], what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_limited_token_is_never_honoured_more_often_at_whichever_write_the_server_dies() {
    sweep(Use, 4).await;
}

/// Leases of one mount: more than a batch.
struct RevokeLeases {
    what: &'static str,
    sync: bool,
}

const LEASES: usize = 60;

impl Operation for RevokeLeases {
    type Before = Vec<String>;
    type Told = bool;

    async fn prepare(&self, house: &House) -> Vec<String> {
        house.must("POST sys/mounts/l", json!({ "type": "leased" })).await;
        house.must("POST l/config", json!({ "keeps": true })).await;
        let mut ids = Vec::new();
        for _ in 0..LEASES {
            ids.push(house.must("POST l/creds/r", json!({ "ttl": "1h" })).await.text("/lease_id"));
        }
        ids
    }

    async fn run(&self, house: &House, ids: &Vec<String>) -> bool {
        let body = json!({ "lease_id": ids[0], "sync": self.sync });
        house.root(self.what, body).await.status == 204
    }

    async fn check(&self, house: &House, ids: Vec<String>, is_acknowledged: bool, what: &str) {
        let meant = if self.what.ends_with("revoke") { &ids[..1] } else { &ids[..] };
        let is_gone = async |id: &String| house.root("POST sys/leases/lookup", json!({ "lease_id": id })).await.status == 400;
        if is_acknowledged {
            for id in meant {
                soon(&format!("{what}: an acknowledged end"), async || is_gone(id).await).await;
            }
        }
        // Each lease and its account end together.
        soon(&format!("{what}: one account for each lease"), async || {
            let accounts = house.root("LIST l/accounts", json!(null)).await.at("/data/keys");
            let mut leases = 0;
            for id in &ids {
                leases += usize::from(!is_gone(id).await);
            }
            accounts.as_array().map_or(0, Vec::len) == leases
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_leases_that_are_revoked_go_at_whichever_write_the_server_dies() {
    sweep(RevokeLeases { what: "POST sys/leases/revoke", sync: true }, 1).await;
    sweep(RevokeLeases { what: "POST sys/leases/revoke-prefix/l", sync: false }, 1).await;
    sweep(RevokeLeases { what: "POST sys/leases/revoke-prefix/l", sync: true }, 1).await;
}
