//! What may be used once is used once: a thousand rounds, each with 32 who try at the same moment. One of them gets it, and the
//! audit log tells of one.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_core::AuditDevice;
use strongroom_core::wire::Headers;
use strongroom_testkit::{Options, Reply, TestServer};
use tokio::sync::Barrier;

use crate::keys::{House, shares};

const ROUNDS: usize = 1_000;
const RACERS: usize = 32;

fn device(folder: &Path) -> AuditDevice {
    let path = folder.join("log/audit.log");
    AuditDevice::file("file/", path)
}

/// The audit log, read on from where it was read to.
struct Trail {
    path: PathBuf,
    offset: u64,
}

impl Trail {
    fn of(folder: &Path) -> Self {
        Self { path: folder.join("log/audit.log"), offset: 0 }
    }

    fn skip(&mut self) {
        self.offset = std::fs::metadata(&self.path).unwrap().len();
    }

    /// Answers at this path since the last look: all, and those without an error.
    fn answers(&mut self, path: &str) -> (usize, usize) {
        let mut file = std::fs::File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(self.offset)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        self.offset += text.len() as u64;
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let answers: Vec<_> = lines.filter(|line| line["type"] == "response" && line["request"]["path"] == path).collect();
        (answers.len(), answers.iter().filter(|line| line.get("error").is_none()).count())
    }
}

/// What the racers of a round ask for.
#[derive(Clone)]
struct Try {
    what: &'static str,
    token: String,
    body: Value,
    is_at_open_listener: bool,
}

impl Try {
    fn new(what: &'static str, token: &str, body: Value) -> Self {
        Self { what, token: token.to_owned(), body, is_at_open_listener: false }
    }
}

/// All racers at once; the one that won. Everybody else is refused with one of these.
async fn race(server: &Arc<TestServer>, trail: &mut Trail, one: Try, refusals: &[u16]) -> Reply {
    trail.skip();
    let path = one.what.split_once(' ').unwrap().1;
    let replies = at_once(server, vec![one; RACERS]).await;
    let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!(won.len(), 1, "{won:?}");
    assert!(lost.iter().all(|reply| refusals.contains(&reply.status)), "{lost:?}");
    assert_eq!(trail.answers(path), (RACERS, 1), "what the audit log tells");
    won.into_iter().next().unwrap()
}

/// All of these at the same moment; their answers.
async fn at_once(server: &Arc<TestServer>, tries: Vec<Try>) -> Vec<Reply> {
    let start = Arc::new(Barrier::new(tries.len()));
    let racers: Vec<_> = tries
        .into_iter()
        .map(|one| {
            let (server, start) = (server.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                match one.is_at_open_listener {
                    true => server.at_open_listener(one.what, "", one.body.clone()).await,
                    false => server.call(one.what, &one.token, one.body.clone()).await,
                }
            })
        })
        .collect();
    let mut replies = Vec::with_capacity(racers.len());
    for racer in racers {
        replies.push(racer.await.unwrap());
    }
    replies
}

async fn server(folder: &Path) -> (Arc<TestServer>, Trail) {
    let server = TestServer::start(Options { audit: vec![device(folder)], ..Options::default() }).await;
    (Arc::new(server), Trail::of(folder))
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_token_with_one_use_works_once_in_each_of_a_thousand_races() {
    let folder = tempfile::tempdir().unwrap();
    let (server, mut trail) = server(folder.path()).await;
    for _ in 0..ROUNDS {
        let token = server.token(json!({ "policies": ["default"], "num_uses": 1 })).await;
        race(&server, &mut trail, Try::new("GET auth/token/lookup-self", &token, json!(null)), &[403]).await;
    }
    let left = server.call("LIST auth/token/accessors", "root", json!(null)).await;
    assert_eq!(left.at("/data/keys").as_array().unwrap().len(), 1, "root alone: used up tokens are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_wrapped_answer_comes_out_once_in_each_of_a_thousand_races() {
    let folder = tempfile::tempdir().unwrap();
    let (server, mut trail) = server(folder.path()).await;
    for round in 0..ROUNDS {
        let headers = Headers { wrap_ttl: Some("60s".into()), ..Headers::default() };
        let body = json!({ "round": round }).to_string();
        let token = server.with_headers("POST sys/wrapping/wrap", "root", &body, headers).await.text("/wrap_info/token");
        // By the wrapping token itself, and by somebody else who has it.
        let one = match round % 2 {
            0 => Try::new("POST sys/wrapping/unwrap", "root", json!({ "token": token })),
            _ => Try::new("POST sys/wrapping/unwrap", &token, json!(null)),
        };
        let won = race(&server, &mut trail, one, &[400, 403]).await;
        assert_eq!(won.at("/data/round"), json!(round));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_secret_id_with_one_use_logs_in_once_in_each_of_a_thousand_races() {
    let folder = tempfile::tempdir().unwrap();
    let (server, mut trail) = server(folder.path()).await;
    server.call("POST sys/auth/approle", "root", json!({ "type": "approle" })).await;
    // The losers would lock the role.
    let off = json!({ "user_lockout_config": { "lockout_disable": true } });
    assert_eq!(server.call("POST sys/auth/approle/tune", "root", off).await.status, 204);
    let role = json!({ "secret_id_num_uses": 1, "token_ttl": "1h" });
    assert_eq!(server.call("POST auth/approle/role/r", "root", role).await.status, 204);
    let role_id = server.call("GET auth/approle/role/r/role-id", "root", json!(null)).await.text("/data/role_id");
    for _ in 0..ROUNDS {
        let made = server.call("POST auth/approle/role/r/secret-id", "root", json!({})).await;
        let body = json!({ "role_id": role_id, "secret_id": made.text("/data/secret_id") });
        let won = race(&server, &mut trail, Try::new("POST auth/approle/login", "", body), &[400]).await;
        assert!(!won.text("/auth/client_token").is_empty());
    }
    let left = server.call("LIST auth/token/accessors", "root", json!(null)).await;
    assert_eq!(left.at("/data/keys").as_array().unwrap().len(), ROUNDS + 1, "one token for each secret id, and root");
}

/// Of 32 who give the same share one counts; of 32 who give the last one, one gets the root token.
#[tokio::test(flavor = "multi_thread")]
async fn d3_a_share_counts_once_in_each_of_a_thousand_races() {
    let folder = tempfile::tempdir().unwrap();
    let House { test, keys, .. } = House::new(None, vec![device(folder.path())]).await;
    let (server, mut trail) = (Arc::new(test), Trail::of(folder.path()));
    for round in 0..ROUNDS {
        let nonce = server.at_open_listener("PUT sys/generate-root/attempt", "", json!({})).await.text("/nonce");
        let share = |n: usize| Try {
            is_at_open_listener: true,
            ..Try::new("PUT sys/generate-root/update", "", json!({ "nonce": nonce, "key": keys[n] }))
        };
        if round % 2 == 0 {
            let won = race(&server, &mut trail, share(0), &[400]).await;
            assert_eq!((won.at("/progress"), won.at("/complete")), (json!(1), json!(false)));
            assert_eq!(
                server.at_open_listener("DELETE sys/generate-root/attempt", "", json!({ "nonce": nonce })).await.status,
                204
            );
        } else {
            let first = share(0);
            server.at_open_listener(first.what, "", first.body).await;
            let won = race(&server, &mut trail, share(1), &[400]).await;
            assert!(won.at("/complete") == json!(true) && !won.text("/encoded_root_token").is_empty(), "{won:?}");
        }
    }
}

/// Of 32 who give the same share of a replacement of the unseal keys one counts. Of 32 who give two different ones each counts
/// once, and one of them gets the new keys.
#[tokio::test(flavor = "multi_thread")]
async fn d3_a_replacement_of_the_unseal_keys_completes_once_in_each_of_a_thousand_races() {
    const UPDATE: &str = "POST sys/rotate/root/update";
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(None, vec![device(folder.path())]).await;
    let mut trail = Trail::of(folder.path());
    let server = Arc::new(house.test);
    for round in 0..ROUNDS {
        let body = json!({ "secret_shares": 3, "secret_threshold": 2 });
        let nonce = server.call("POST sys/rotate/root/init", &house.root, body).await.text("/data/nonce");
        let share = |n: usize| Try::new(UPDATE, &house.root, json!({ "nonce": nonce, "key": house.keys[n] }));
        if round % 2 == 0 {
            let won = race(&server, &mut trail, share(round % 3), &[400]).await;
            assert_eq!((won.at("/data/progress"), won.at("/data/keys")), (json!(1), json!(null)), "{won:?}");
            assert_eq!(server.call("DELETE sys/rotate/root/init", &house.root, json!(null)).await.status, 204);
            continue;
        }
        trail.skip();
        let replies = at_once(&server, (0..RACERS).map(|n| share(n % 2 + round / 2 % 2)).collect()).await;
        let (counted, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
        assert!(refused.iter().all(|reply| reply.status == 400), "{refused:?}");
        let (complete, first): (Vec<_>, Vec<_>) = counted.iter().partition(|reply| reply.at("/data/complete") == true);
        assert_eq!((complete.len(), first.len()), (1, 1), "{counted:?}");
        assert_eq!(first[0].at("/data/progress"), json!(1));
        assert_eq!(trail.answers("sys/rotate/root/update"), (RACERS, 2), "what the audit log tells");
        house.keys = shares(complete[0], "/data/keys");
        assert_eq!(house.keys.len(), 3);
    }
    let test = Arc::into_inner(server).unwrap();
    let house = House { test, ..house };
    assert!(house.reopens_with(&house.keys[1..]).await, "the newest keys are in force");
}
