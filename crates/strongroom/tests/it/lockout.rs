//! Names are locked after failed logins: however they are spelt, however many guess at once, on every node.

use std::sync::Arc;

use serde_json::json;
use strongroom_core::wire::Headers;
use strongroom_storage::faulty::{Call, Fault};
use strongroom_storage::{FaultyStore, MemoryStore, SharedMemory};
use strongroom_testkit::{Options, TestServer, request};

use crate::userpass::{login, server, user};

async fn tune(server: &TestServer, threshold: u32) {
    let body = json!({ "user_lockout_config": {
        "lockout_threshold": threshold, "lockout_duration": "10m", "lockout_counter_reset_duration": "5m" } });
    assert_eq!(server.call("POST sys/auth/up/tune", "root", body).await.status, 204);
}

async fn accessor(server: &TestServer) -> String {
    server.call("GET sys/auth/up", "root", json!(null)).await.text("/data/accessor")
}

async fn locked(server: &TestServer) -> serde_json::Value {
    server.call("GET sys/locked-users", "root", json!(null)).await.at("/data/by_namespace/0/mount_accessors/0/alias_identifiers")
}

#[tokio::test]
async fn cve_2025_6004_spellings_of_a_name_share_one_count() {
    let server = server().await;
    user(&server, "ann", json!({ "password": "right" })).await;
    // The default threshold is five.
    for spelling in ["ann", "ANN", "aNn", "%61nn", "%41NN"] {
        assert_eq!(login(&server, spelling, "wrong").await.status, 400, "{spelling}");
    }
    for spelling in ["ann", "Ann", "%61nn"] {
        let reply = login(&server, spelling, "right").await;
        assert_eq!((reply.status, reply.at("/errors")), (403, json!(["permission denied"])), "{spelling}");
    }
    // What is no spelling of a name is no login at all.
    for spelling in ["ann%20", "%20ann", "ann%00", "ann/", "ann%2f", "%EF%BD%81nn"] {
        let reply = login(&server, spelling, "right").await;
        assert!(reply.status >= 400 && reply.at("/auth").is_null(), "{spelling}: {reply:?}");
    }
    assert_eq!(locked(&server).await, json!(["ann"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2025_6004_a_burst_of_guesses_evaluates_no_more_than_the_threshold() {
    let server = Arc::new(server().await);
    tune(&server, 3).await;
    for round in 0..4 {
        let name = format!("u{round}");
        user(&server, &name, json!({ "password": "right" })).await;
        let guesses: Vec<_> = (0..40)
            .map(|n| {
                let (server, name) = (server.clone(), if n % 2 == 0 { name.clone() } else { name.to_uppercase() });
                tokio::spawn(async move { login(&server, &name, &format!("wrong{n}")).await.status })
            })
            .collect();
        let mut statuses = Vec::new();
        for guess in guesses {
            statuses.push(guess.await.unwrap());
        }
        let evaluated = statuses.iter().filter(|s| **s == 400).count();
        assert_eq!((evaluated, statuses.iter().filter(|s| **s == 403).count()), (3, 37), "{statuses:?}");
        assert_eq!(login(&server, &name, "right").await.status, 403);
    }
}

/// Right passwords wait for their turn instead of being refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_right_logins_gets_through_below_and_after_the_threshold() {
    let server = Arc::new(server().await);
    tune(&server, 2).await;
    user(&server, "ann", json!({ "password": "right" })).await;
    assert_eq!(login(&server, "ann", "wrong").await.status, 400);
    let logins: Vec<_> = (0..16)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move { login(&server, "ann", "right").await.status })
        })
        .collect();
    for login in logins {
        assert_eq!(login.await.unwrap(), 200);
    }
    // The success forgot the failure.
    assert_eq!(login(&server, "ann", "wrong").await.status, 400);
    assert_eq!(login(&server, "ann", "right").await.status, 200);
}

#[tokio::test]
async fn a_lock_ends_by_time_by_an_operator_and_never_holds_for_others() {
    let server = server().await;
    tune(&server, 2).await;
    for name in ["ann", "bob"] {
        user(&server, name, json!({ "password": "right" })).await;
    }
    for _ in 0..2 {
        login(&server, "ann", "wrong").await;
    }
    assert_eq!(login(&server, "ann", "right").await.status, 403);
    assert_eq!(login(&server, "bob", "right").await.status, 200);
    server.clock.advance_s(601);
    assert_eq!(locked(&server).await, json!(null));
    assert_eq!(login(&server, "ann", "wrong").await.status, 400, "a lock that is over starts from nothing");
    assert_eq!(login(&server, "ann", "right").await.status, 200);

    for _ in 0..2 {
        login(&server, "ann", "wrong").await;
    }
    assert_eq!(login(&server, "ann", "right").await.status, 403);
    let accessor = accessor(&server).await;
    let of_mount = server.call(&format!("GET sys/locked-users?mount_accessor={accessor}"), "root", json!(null)).await;
    assert_eq!((of_mount.at("/data/total"), locked(&server).await), (json!(1), json!(["ann"])));
    let unknown = server.call("POST sys/locked-users/userpass_none/unlock/ann", "root", json!({})).await;
    assert_eq!(unknown.status, 400, "an operator must not believe that it worked");
    assert_eq!(server.call(&format!("POST sys/locked-users/{accessor}/unlock/ANN"), "root", json!({})).await.status, 204);
    assert_eq!(login(&server, "ann", "right").await.status, 200);
}

#[tokio::test]
async fn failures_are_forgotten_after_the_reset_time() {
    let server = server().await;
    tune(&server, 2).await;
    user(&server, "ann", json!({ "password": "right" })).await;
    for _ in 0..4 {
        assert_eq!(login(&server, "ann", "wrong").await.status, 400);
        server.clock.advance_s(301);
    }
    assert_eq!(login(&server, "ann", "right").await.status, 200);
}

/// Or a known name could be told from an unknown one by whether it locks.
#[tokio::test]
async fn unknown_names_lock_like_known_ones() {
    let server = server().await;
    tune(&server, 2).await;
    for _ in 0..2 {
        assert_eq!(login(&server, "nobody", "x").await.status, 400);
    }
    assert_eq!(login(&server, "nobody", "x").await.status, 403);
    user(&server, "nobody", json!({ "password": "x" })).await;
    assert_eq!(login(&server, "nobody", "x").await.status, 403, "making the user does not unlock the name");
}

#[tokio::test]
async fn settings_can_switch_it_off_and_belong_to_methods_that_have_it() {
    let server = server().await;
    let off = json!({ "user_lockout_config": { "lockout_threshold": "1", "lockout_disable": true } });
    assert_eq!(server.call("POST sys/auth/up/tune", "root", off).await.status, 204);
    user(&server, "ann", json!({ "password": "right" })).await;
    for _ in 0..8 {
        assert_eq!(login(&server, "ann", "wrong").await.status, 400);
    }
    assert_eq!(login(&server, "ann", "right").await.status, 200);
    let shown = server.call("GET sys/auth/up/tune", "root", json!(null)).await;
    assert_eq!((shown.at("/data/user_lockout_threshold"), shown.at("/data/user_lockout_disable")), (json!(1), json!(true)));
    for (what, body) in [
        ("POST sys/mounts/secret/tune", json!({ "user_lockout_config": { "lockout_threshold": 3 } })),
        ("POST sys/auth/token/tune", json!({ "user_lockout_config": { "lockout_threshold": 3 } })),
        ("POST sys/auth/up/tune", json!({ "user_lockout_config": { "lockout_threshold": "x" } })),
        ("POST sys/auth/up/tune", json!({ "user_lockout_config": { "lockout_threshold": -1 } })),
        ("POST sys/auth/up/tune", json!({ "user_lockout_config": { "lockout_duration": "soon" } })),
        ("POST sys/auth/up/tune", json!({ "user_lockout_config": "x" })),
        ("POST sys/auth/up/tune", json!({ "plugin_version": "v9" })),
    ] {
        assert_eq!(server.call(what, "root", body.clone()).await.status, 400, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_count_on_every_node_and_after_a_restart() {
    let shared = SharedMemory::new();
    let options = |store: &SharedMemory| Options { store: Some(Arc::new(store.handle())), ..Options::default() };
    let a = TestServer::start(options(&shared)).await;
    a.call("POST sys/auth/up", "root", json!({ "type": "userpass" })).await;
    tune(&a, 3).await;
    user(&a, "ann", json!({ "password": "right" })).await;
    let (b, _) = TestServer::make(options(&shared));
    let key = json!({ "key": a.unseal_key }).to_string();
    assert_eq!(request(&b, "PUT sys/unseal", "", &key, Headers::default()).await.status, 200);
    let on_b = |password: &str| {
        let (b, body) = (b.clone(), json!({ "password": password }).to_string());
        async move { request(&b, "POST auth/up/login/ann", "", &body, Headers::default()).await.status }
    };
    assert_eq!(login(&a, "ann", "wrong").await.status, 400);
    assert_eq!(on_b("wrong").await, 400);
    assert_eq!(login(&a, "ann", "wrong").await.status, 400);
    assert_eq!((on_b("right").await, login(&a, "ann", "right").await.status), (403, 403));
    b.stop().await;
    assert_eq!(request(&b, "PUT sys/unseal", "", &key, Headers::default()).await.status, 200);
    assert_eq!(on_b("right").await, 403);
}

/// A guess that can't be counted is not answered, or an outage of the store would be a time for free guesses.
#[tokio::test]
async fn an_uncounted_guess_is_an_error_of_ours() {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
    server.call("POST sys/auth/up", "root", json!({ "type": "userpass" })).await;
    user(&server, "ann", json!({ "password": "right" })).await;
    store.fail_nth(Call::Commit, 1, Fault::Refuse);
    let reply = login(&server, "ann", "wrong").await;
    assert!(reply.status >= 500, "{reply:?}");
    assert_eq!(login(&server, "ann", "wrong").await.status, 400);
}

/// By role id: the secret ids of one role are guessed no more often than the passwords of one user.
#[tokio::test]
async fn approle_locks_a_role_id() {
    let server = TestServer::start(Options::default()).await;
    server.call("POST sys/auth/ar", "root", json!({ "type": "approle" })).await;
    server.call("POST auth/ar/role/r", "root", json!({})).await;
    let role_id = server.call("GET auth/ar/role/r/role-id", "root", json!(null)).await.text("/data/role_id");
    let secret_id = server.call("POST auth/ar/role/r/secret-id", "root", json!({})).await.text("/data/secret_id");
    let login = |role_id: String, secret_id: String| {
        let body = json!({ "role_id": role_id, "secret_id": secret_id });
        let server = &server;
        async move { server.call("POST auth/ar/login", "", body).await.status }
    };
    assert_eq!(login(role_id.clone(), secret_id.clone()).await, 200);
    for n in 0..5 {
        // Space around an id is no part of it.
        assert_eq!(login(format!("{}{role_id}", " ".repeat(n)), "wrong".into()).await, 400);
    }
    assert_eq!(login(role_id.clone(), secret_id.clone()).await, 403);
    assert_eq!(login(format!(" {role_id} "), secret_id).await, 403);
    let locked = server.call("GET sys/locked-users", "root", json!(null)).await;
    assert_eq!(locked.at("/data/by_namespace/0/mount_accessors/0/alias_identifiers"), json!([role_id]));
}
