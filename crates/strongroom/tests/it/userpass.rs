//! Users with passwords, over the API.

use serde_json::{Value, json};
use strongroom_testkit::{Options, Reply, TestServer};

pub async fn server() -> TestServer {
    let server = TestServer::start(Options::default()).await;
    assert_eq!(server.call("POST sys/auth/up", "root", json!({ "type": "userpass" })).await.status, 204);
    server
}

pub async fn user(server: &TestServer, name: &str, body: Value) {
    let made = server.call(&format!("POST auth/up/users/{name}"), "root", body).await;
    assert_eq!(made.status, 204, "{made:?}");
}

pub async fn login(server: &TestServer, name: &str, password: &str) -> Reply {
    server.call(&format!("POST auth/up/login/{name}"), "", json!({ "password": password })).await
}

async fn tokens(server: &TestServer) -> usize {
    let list = server.call("LIST auth/token/accessors", "root", json!(null)).await;
    list.at("/data/keys").as_array().unwrap().len()
}

/// Of the password `x`, cost 4.
const BCRYPT_OF_X: &str = "$2b$04$/uaF/uaF/uaF/uaF/uaF/u6F.LzaxtMoFzCZ8UrBkYCdTre.lUOxK";

#[tokio::test]
async fn cve_2026_46405_an_error_answer_never_makes_a_token() {
    let server = server().await;
    user(&server, "ann", json!({ "password": "right" })).await;
    user(&server, "far", json!({ "password": "right", "token_bound_cidrs": "10.0.0.0/8" })).await;
    let before = tokens(&server).await;
    for (name, password, status) in
        [("ann", "wrong", 400), ("nobody", "right", 400), ("ann", "", 400), ("far", "right", 403), ("a@b", "right", 404)]
    {
        let reply = login(&server, name, password).await;
        assert_eq!((reply.status, reply.at("/auth")), (status, json!(null)), "{name}: {reply:?}");
    }
    let wrong_verb = server.call("GET auth/up/login/ann", "", json!(null)).await;
    assert_eq!(wrong_verb.status, 405);
    assert_eq!(tokens(&server).await, before);
    assert_eq!(login(&server, "ann", "right").await.status, 200);
    assert_eq!(tokens(&server).await, before + 1);
}

/// By text, status and shape; that the work is the same is counted in the crate's own test.
#[tokio::test]
async fn cve_2025_6011_cve_2020_35177_cve_2023_3462_known_and_unknown_names_get_the_same_answer() {
    let server = server().await;
    user(&server, "ann", json!({ "password": "right" })).await;
    user(&server, "old", json!({ "password_hash": BCRYPT_OF_X })).await;
    let reference = login(&server, "nobody", "wrong").await;
    assert_eq!((reference.status, reference.at("/errors/0")), (400, json!("invalid username or password")));
    let too_long = "x".repeat(100);
    for (name, password) in [("ann", "wrong"), ("old", "wrong"), ("ANN", "wrong"), ("nobody2", "right"), ("ann", &too_long)] {
        let reply = login(&server, name, password).await;
        assert_eq!((reply.status, &reply.body), (reference.status, &reference.body), "{name}");
    }
    for name in ["ann", "nobody"] {
        let reply = login(&server, name, "").await;
        assert_eq!((reply.status, reply.at("/errors/0")), (400, json!("missing password")), "{name}");
    }
}

/// CVE-2025-13357: before any credentials are compared; it must not even count as a guess.
#[tokio::test]
async fn cve_2025_13357_an_empty_password_never_logs_in() {
    let server = server().await;
    let made = server.call("POST auth/up/users/ann", "root", json!({ "password": "" })).await;
    assert_eq!((made.status, made.at("/errors/0")), (400, json!("must provide either password or password_hash")));
    // A bcrypt hash of the empty password, made elsewhere.
    user(&server, "void", json!({ "password_hash": "$2b$04$/uaF/uaF/uaF/uaF/uaF/ug0IxynTgi9KGDC9Ai.2CD1wsFqroU9q" })).await;
    for body in [json!({}), json!({ "password": "" }), json!({ "password": null })] {
        for _ in 0..6 {
            let reply = server.call("POST auth/up/login/void", "", body.clone()).await;
            assert_eq!((reply.status, reply.at("/auth")), (400, json!(null)), "{reply:?}");
        }
    }
    assert_eq!(server.call("GET sys/locked-users", "root", json!(null)).await.at("/data/total"), json!(0));
}

/// A name has one form, so a person is one entity: what is padded or spelled otherwise is no name, or the same one.
#[tokio::test]
async fn cve_2025_6013_a_padded_name_is_no_second_person() {
    let server = server().await;
    user(&server, "ann", json!({ "password": "right" })).await;
    let mut entities = Vec::new();
    for name in ["ann", "ANN", "aNn"] {
        let reply = login(&server, name, "right").await;
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
        entities.push(reply.text("/auth/entity_id"));
    }
    entities.dedup();
    assert!(entities.len() == 1 && !entities[0].is_empty(), "{entities:?}");
    for name in ["%20ann", "ann%20", "%09ann", "ann%C2%A0", "ann%E2%80%8B", "ann.", "-ann", "%EF%BD%81nn", "ann%00"] {
        let reply = login(&server, name, "right").await;
        assert!(matches!(reply.status, 400 | 404) && reply.at("/auth") == json!(null), "{name}: {reply:?}");
        let written = server.call(&format!("POST auth/up/users/{name}"), "root", json!({ "password": "other" })).await;
        assert!(matches!(written.status, 400 | 404 | 405), "{name}: {written:?}");
    }
    assert_eq!(login(&server, "ann", "other").await.status, 400, "nobody changed the one user");
    let known = server.call("LIST identity/entity/id", "root", json!(null)).await;
    assert_eq!(known.at("/data/keys"), json!(entities));
}

#[tokio::test]
async fn an_imported_hash_works_and_becomes_ours_at_the_first_login() {
    let server = server().await;
    user(&server, "old", json!({ "password_hash": BCRYPT_OF_X, "token_policies": "p" })).await;
    assert_eq!(login(&server, "old", "y").await.status, 400);
    for _ in 0..2 {
        let reply = login(&server, "old", "x").await;
        assert_eq!((reply.status, reply.at("/auth/policies")), (200, json!(["default", "p"])), "{reply:?}");
    }
    assert_eq!(login(&server, "old", "y").await.status, 400);
    let shown = server.call("GET auth/up/users/old", "root", json!(null)).await;
    assert!(!shown.body.to_string().contains("$2b$") && !shown.body.to_string().contains("argon"), "{shown:?}");
}

#[tokio::test]
async fn a_user_made_anew_does_not_renew_tokens_of_the_former_one() {
    let server = server().await;
    let body = json!({ "password": "x", "token_ttl": "10m" });
    user(&server, "ann", body.clone()).await;
    let token = login(&server, "ann", "x").await.text("/auth/client_token");
    assert_eq!(server.call("POST auth/token/renew-self", &token, json!({})).await.status, 200);
    assert_eq!(server.call("DELETE auth/up/users/ann", "root", json!(null)).await.status, 204);
    assert_eq!(server.call("POST auth/token/renew-self", &token, json!({})).await.status, 204);
    user(&server, "ann", body).await;
    assert_eq!(server.call("POST auth/token/renew-self", &token, json!({})).await.status, 204);
    assert_eq!(server.call("GET auth/token/lookup-self", &token, json!(null)).await.status, 200, "it lives to its end");
}

#[tokio::test]
async fn a_move_ends_the_tokens_that_the_mount_gave_and_another_mount_never_renews_one() {
    let server = server().await;
    user(&server, "ann", json!({ "password": "x", "token_ttl": "10m" })).await;
    let before = login(&server, "ann", "x").await.text("/auth/client_token");
    let moved = server.call("POST sys/remount", "root", json!({ "from": "auth/up", "to": "auth/people" })).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    assert_eq!(server.call("POST auth/token/renew-self", &before, json!({})).await.status, 403, "as with the reference");
    let token = server.call("POST auth/people/login/ann", "", json!({ "password": "x" })).await.text("/auth/client_token");
    assert_eq!(server.call("POST auth/token/renew-self", &token, json!({})).await.status, 200);
    assert_eq!(server.call("POST sys/auth/up", "root", json!({ "type": "userpass" })).await.status, 204);
    server.call("DELETE sys/auth/people", "root", json!(null)).await;
    let renewed = server.call("POST auth/token/renew-self", &token, json!({})).await;
    assert!(matches!(renewed.status, 400 | 403), "{renewed:?}");
}

#[tokio::test]
async fn changed_policies_end_renewal() {
    let server = server().await;
    user(&server, "ann", json!({ "password": "x", "token_policies": "a,b", "token_ttl": "10m" })).await;
    let token = login(&server, "ann", "x").await.text("/auth/client_token");
    server.call("POST auth/up/users/ann/policies", "root", json!({ "token_policies": ["B", "a", "a"] })).await;
    assert_eq!(server.call("POST auth/token/renew-self", &token, json!({})).await.status, 200, "the same set");
    server.call("POST auth/up/users/ann/policies", "root", json!({ "token_policies": ["a"] })).await;
    let refused = server.call("POST auth/token/renew-self", &token, json!({})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text("/errors/0").contains("policies have changed, not renewing"), "{refused:?}");
}

#[tokio::test]
async fn what_a_write_gets_wrong_is_named_and_changes_nothing() {
    let server = server().await;
    user(&server, "ann", json!({ "password": "x", "token_ttl": "1h" })).await;
    let before = server.call("GET auth/up/users/ann", "root", json!(null)).await.at("/data");
    for (body, text) in [
        (json!({ "token_ttl": "2h", "token_max_ttl": "1h" }), "'token_ttl' cannot be greater than 'token_max_ttl'"),
        (json!({ "password": "x".repeat(73) }), "password length exceeds 72 bytes"),
        (json!({ "password": "x", "password_hash": BCRYPT_OF_X }), "only one of"),
        (json!({ "password_hash": "$2b$31$/uaF/uaF/uaF/uaF/uaF/u6F.LzaxtMoFzCZ8UrBkYCdTre.lUOxK" }), "bcrypt cost of 4 to 15"),
        (json!({ "bound_cidrs": "nonsense" }), "error parsing address"),
        (json!({ "token_num_uses": -1 }), "'token_num_uses' cannot be negative"),
        (json!({ "ttl": "soon" }), "\"ttl\""),
    ] {
        let reply = server.call("POST auth/up/users/ann", "root", body.clone()).await;
        assert_eq!(reply.status, 400, "{body}: {reply:?}");
        assert!(reply.text("/errors/0").contains(text), "{body}: {reply:?}");
    }
    assert_eq!(server.call("GET auth/up/users/ann", "root", json!(null)).await.at("/data"), before);
    assert_eq!(login(&server, "ann", "x").await.status, 200);
}

#[tokio::test]
async fn former_field_names_are_shown_until_the_present_ones_replace_them() {
    let server = server().await;
    user(&server, "ann", json!({ "password": "x", "policies": "p", "ttl": 60, "max_ttl": 120, "bound_cidrs": "10.0.0.0/8" }))
        .await;
    let read = || async { server.call("GET auth/up/users/ann", "root", json!(null)).await.at("/data") };
    let shown = read().await;
    for (name, value) in
        [("policies", json!(["p"])), ("ttl", json!(60)), ("max_ttl", json!(120)), ("bound_cidrs", json!(["10.0.0.0/8"]))]
    {
        assert_eq!((&shown[name], &shown[format!("token_{name}")]), (&value, &value), "{name}");
    }
    user(&server, "ann", json!({ "token_policies": "q", "token_ttl": 30, "ttl": 90 })).await;
    let shown = read().await;
    assert_eq!((&shown["policies"], &shown["token_policies"]), (&json!(null), &json!(["q"])));
    assert_eq!((&shown["ttl"], &shown["token_ttl"], &shown["max_ttl"]), (&json!(30), &json!(30), &json!(120)));
}

#[tokio::test]
async fn passwords_leave_no_trace_in_answers_and_audit_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let device = strongroom_core::AuditDevice::file("file/", path.clone());
    let server = TestServer::start(Options { audit: vec![device], ..Options::default() }).await;
    server.call("POST sys/auth/up", "root", json!({ "type": "userpass" })).await;
    user(&server, "ann", json!({ "password": "hunter2hunter2" })).await;
    let replies = [login(&server, "ann", "hunter2hunter2").await, login(&server, "ann", "hunter3hunter3").await];
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(log.contains("auth/up/login/ann"), "the log was written");
    for text in [log, format!("{replies:?}")] {
        assert!(!text.contains("hunter"), "a password in clear");
    }
}
