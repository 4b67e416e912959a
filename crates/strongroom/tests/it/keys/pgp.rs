//! Shares and tokens for holders of OpenPGP keys, opened by the real GnuPG.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use strongroom_testkit::{Options, TestServer};

use super::{House, Set, shares, unseal};

/// A GnuPG folder with one key, made once.
struct Holder {
    home: tempfile::TempDir,
    public: String,
    fingerprint: String,
}

impl Holder {
    fn get() -> &'static Self {
        static HOLDER: OnceLock<Holder> = OnceLock::new();
        HOLDER.get_or_init(|| {
            let home = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
            let mut holder = Self { home, public: String::new(), fingerprint: String::new() };
            holder.gpg(&["--quick-generate-key", "holder", "future-default", "default", "never"], b"");
            holder.public = STANDARD.encode(holder.gpg(&["--export", "holder"], b""));
            let listed = String::from_utf8(holder.gpg(&["--with-colons", "--list-keys"], b"")).unwrap();
            let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
            holder.fingerprint = line.split(':').nth(9).unwrap().to_lowercase();
            holder
        })
    }

    fn gpg(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut command = Command::new("gpg");
        command.env("GNUPGHOME", self.home.path()).args([
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ]);
        let child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("GnuPG is needed: install the package `gnupg`");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "gpg {args:?}");
        output.stdout
    }

    fn open(&self, in_base64: &str) -> String {
        String::from_utf8(self.gpg(&["--decrypt"], &STANDARD.decode(in_base64).unwrap())).unwrap()
    }

    fn open_all(&self, messages: &Set) -> Set {
        messages.iter().map(|message| self.open(message)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_initialised_for_holders_of_keys() {
    let holder = Holder::get();
    let (server, clock) = TestServer::make(Options::default());
    let test = TestServer { server, clock, unseal_key: String::new() };
    let init = |body: serde_json::Value| test.call("PUT sys/init", "", body);
    for (body, part) in [
        (json!({ "secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["a", "b"] }), "count mismatch"),
        (json!({ "secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["keybase:a"] }), "opens no connection"),
        (json!({ "secret_shares": 1, "secret_threshold": 1, "root_token_pgp_key": "a" }), "error decoding given PGP key"),
        (json!({ "secret_shares": 1, "secret_threshold": 1, "recovery_shares": 1 }), "not applicable"),
    ] {
        let refused = init(body).await;
        assert!(refused.status == 400 && refused.text("/errors/0").contains(part), "{refused:?}");
    }
    assert_eq!(test.call("GET sys/init", "", json!(null)).await.at("/initialized"), false, "a refusal leaves the store empty");
    let keys = [&holder.public, &holder.public];
    let made = init(json!({
        "secret_shares": 2, "secret_threshold": 2, "pgp_keys": keys, "root_token_pgp_key": holder.public, "stored_shares": 2,
    }));
    let made = made.await;
    assert_eq!(made.status, 200, "{made:?}");
    let opened = holder.open_all(&shares(&made, "/keys_base64"));
    assert_eq!(STANDARD.decode(&shares(&made, "/keys_base64")[0]).unwrap(), hex::decode(&shares(&made, "/keys")[0]).unwrap());
    assert!(unseal(&test.server, &opened).await);
    let root = holder.open(&made.text("/root_token"));
    assert_eq!(test.call("GET sys/mounts", &root, json!(null)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_are_encrypted_and_backed_up() {
    let holder = Holder::get();
    let house = House::new(None, Vec::new()).await;
    let none = house.root("GET sys/rotate/root/backup", json!(null)).await;
    assert_eq!((none.status, none.text("/errors/0")), (400, "no backed-up keys found".to_owned()));
    let keys = [&holder.public, &holder.public];
    let nonce = house.start(json!({ "secret_shares": 2, "secret_threshold": 2, "pgp_keys": keys, "backup": true })).await;
    let done = house.give(&nonce, &house.keys[..2]).await;
    assert_eq!(done.at("/data/pgp_fingerprints"), json!([holder.fingerprint, holder.fingerprint]));
    let messages = shares(&done, "/data/keys_base64");
    let backup = house.root("GET sys/rekey/backup", json!(null)).await;
    assert_eq!(backup.text("/data/nonce"), nonce);
    let pointer = format!("/data/keys_base64/{}", holder.fingerprint);
    assert_eq!(shares(&backup, &pointer), messages, "the lost answer can be had again");
    assert!(house.reopens_with(&holder.open_all(&messages)).await);
    assert_eq!(house.root("DELETE sys/rotate/root/backup", json!(null)).await.status, 204);
    assert_eq!(house.root("GET sys/rotate/root/backup", json!(null)).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_token_is_encrypted_instead_of_mixed() {
    let holder = Holder::get();
    let house = House::new(None, Vec::new()).await;
    let started = house.root("POST sys/generate-root-token/attempt", json!({ "pgp_key": holder.public })).await;
    assert_eq!((started.text("/data/pgp_fingerprint"), started.text("/data/otp")), (holder.fingerprint.clone(), String::new()));
    let mut last = started.clone();
    for key in &house.keys[..2] {
        let share = json!({ "nonce": started.text("/data/nonce"), "key": key });
        last = house.root("POST sys/generate-root-token/update", share).await;
    }
    let token = holder.open(&last.text("/data/encoded_token"));
    assert_eq!(house.test.call("GET sys/mounts", &token, json!(null)).await.status, 200);
}
