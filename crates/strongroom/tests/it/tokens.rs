//! Lives and deaths of tokens.

use serde_json::json;
use strongroom_core::wire::Headers;
use strongroom_testkit::{Options, TestServer};

async fn server() -> TestServer {
    TestServer::start(Options::default()).await
}

async fn is_live(server: &TestServer, token: &str) -> bool {
    server.call("GET auth/token/lookup-self", token, json!(null)).await.status == 200
}

/// As root sees it: a token without policies cannot look at itself.
async fn lookup(server: &TestServer, token: &str) -> u16 {
    server.call("POST auth/token/lookup", "root", json!({ "token": token })).await.status
}

#[tokio::test]
async fn revoking_a_parent_ends_a_large_tree_before_it_answers() {
    let server = server().await;
    server
        .call(
            "POST sys/policies/acl/m",
            "root",
            json!({ "policy": "path \"auth/token/create\" { capabilities = [\"update\"] }" }),
        )
        .await;
    let parent = server.token(json!({ "policies": ["m"], "no_default_policy": true })).await;
    let mut all = Vec::new();
    for _ in 0..60 {
        let child = server.call("POST auth/token/create", &parent, json!({})).await.text("/auth/client_token");
        for _ in 0..3 {
            all.push(server.call("POST auth/token/create", &child, json!({})).await.text("/auth/client_token"));
        }
        all.push(child);
    }
    // Asked as root: these tokens may do nothing but make others.
    for token in &all {
        assert_eq!(lookup(&server, token).await, 200);
    }
    let other = server.token(json!({ "policies": ["default"] })).await;
    assert_eq!(server.call("POST auth/token/revoke-self", &parent, json!({})).await.status, 403, "the policy does not grant it");
    assert_eq!(server.call("POST auth/token/revoke", "root", json!({ "token": parent })).await.status, 204);
    for token in &all {
        assert_eq!(lookup(&server, token).await, 403);
    }
    assert!(is_live(&server, &other).await);
    let left = server.call("LIST auth/token/accessors", "root", json!(null)).await;
    assert_eq!(left.at("/data/keys").as_array().unwrap().len(), 2, "root and the other: nothing stays behind");
}

#[tokio::test]
async fn a_token_dies_with_its_time_even_before_the_index_is_worked_off() {
    let server = server().await;
    let token = server.token(json!({ "policies": ["default"], "ttl": "10s" })).await;
    server.clock.advance_s(9);
    assert!(is_live(&server, &token).await);
    server.clock.advance_s(1);
    assert!(!is_live(&server, &token).await);
}

#[tokio::test]
async fn cve_2021_32923_a_renewal_never_gives_zero_and_never_passes_the_maximum() {
    let server = server().await;
    for advance in [0, 1, 30, 58, 59] {
        let token = server.token(json!({ "policies": ["default"], "ttl": "1m", "explicit_max_ttl": "1m" })).await;
        server.clock.advance_s(advance);
        let renewed = server.call("POST auth/token/renew-self", &token, json!({ "increment": "1h" })).await;
        let left = renewed.at("/auth/lease_duration").as_u64().unwrap();
        assert!((1..=60 - advance).contains(&left), "{left} after {advance}");
        server.clock.advance_s(60 - advance);
        assert!(!is_live(&server, &token).await, "made {advance} s before its end");
    }
}

#[tokio::test]
async fn a_periodic_token_lives_as_long_as_it_is_renewed() {
    let server = server().await;
    let token = server.token(json!({ "policies": ["default"], "period": "1h" })).await;
    for _ in 0..2000 {
        server.clock.advance_s(3000);
        assert_eq!(server.call("POST auth/token/renew-self", &token, json!({})).await.at("/auth/lease_duration"), json!(3600));
    }
    server.clock.advance_s(3601);
    assert!(!is_live(&server, &token).await);
}

#[tokio::test]
async fn a_cubbyhole_goes_with_its_token() {
    let server = server().await;
    let token = server.token(json!({ "policies": ["default"], "id": "chosen" })).await;
    assert_eq!(token, "chosen");
    server.call("POST cubbyhole/a/b", &token, json!({ "k": "v" })).await;
    server.call("POST auth/token/revoke", "root", json!({ "token": token })).await;
    let again = server.token(json!({ "policies": ["default"], "id": "chosen" })).await;
    assert_eq!(server.call("GET cubbyhole/a/b", &again, json!(null)).await.status, 404);
}

#[tokio::test]
async fn garbage_is_no_token() {
    let server = server().await;
    let token = server.token(json!({ "policies": ["default"] })).await;
    for position in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[position] = if changed[position] == b'7' { b'8' } else { b'7' };
        assert!(!is_live(&server, std::str::from_utf8(&changed).unwrap()).await, "position {position}");
    }
    for text in ["s.", "b.", "b.AAAA", "root ", " root", "ROOT", "s.0", &"s".repeat(70), &format!("{token}0")] {
        assert!(!is_live(&server, text).await, "{text}");
    }
}

#[tokio::test]
async fn a_use_is_counted_for_refused_and_failed_requests_too() {
    let server = server().await;
    let token = server.token(json!({ "policies": ["default"], "num_uses": 3 })).await;
    assert_eq!(server.call("GET sys/mounts", &token, json!(null)).await.status, 403);
    assert_eq!(server.call("GET cubbyhole/none", &token, json!(null)).await.status, 404);
    assert!(is_live(&server, &token).await);
    assert!(!is_live(&server, &token).await);
}

#[tokio::test]
async fn cve_2024_9180_root_authority_comes_from_root_only() {
    let server = server().await;
    server
        .call(
            "POST sys/policies/acl/all",
            "root",
            json!({ "policy": "path \"*\" { capabilities = [\"create\", \"update\", \"read\", \"sudo\"] }" }),
        )
        .await;
    let token = server.token(json!({ "policies": ["all"] })).await;
    for name in ["root", "ROOT", " root ", "Root", "ro\u{200b}ot", "root\u{0}", "\u{feff}root"] {
        let reply = server.call("POST auth/token/create", &token, json!({ "policies": [name] })).await;
        assert_eq!(reply.status, 400, "{name:?}: {reply:?}");
    }
    let written =
        server.call("POST sys/policies/acl/ROOT", &token, json!({ "policy": "path \"a\" { capabilities = [\"read\"] }" })).await;
    assert_eq!(written.status, 400);
}

#[tokio::test]
async fn wrapping_hides_the_answer_and_keeps_it_until_it_is_asked_for() {
    let server = server().await;
    server.call("POST secret/data/w", "root", json!({ "data": { "k": "hidden" } })).await;
    let headers = Headers { wrap_ttl: Some("90".into()), ..Headers::default() };
    let wrapped = server.with_headers("GET secret/data/w", "root", "", headers).await;
    assert!(!wrapped.body.to_string().contains("hidden"));
    let token = wrapped.text("/wrap_info/token");
    let looked = server.call("POST sys/wrapping/lookup", "", json!({ "token": token })).await;
    assert_eq!(looked.at("/data/creation_path"), json!("secret/data/w"));
    server.clock.advance_s(89);
    let opened = server.call("POST sys/wrapping/unwrap", &token, json!(null)).await;
    assert_eq!(opened.at("/data/data/k"), json!("hidden"));
    assert_eq!(server.call("POST sys/wrapping/unwrap", &token, json!(null)).await.status, 400);
}

/// A wrapping token in the body is for somebody with a live token; alone it is the request's own.
#[tokio::test]
async fn nobody_opens_a_wrapping_token_of_the_body() {
    let server = server().await;
    for what in ["POST sys/wrapping/unwrap", "POST sys/wrapping/rewrap"] {
        let headers = Headers { wrap_ttl: Some("90".into()), ..Headers::default() };
        let wrapped = server.with_headers("POST sys/wrapping/wrap", "root", "{\"k\":\"v\"}", headers).await;
        let token = wrapped.text("/wrap_info/token");
        for (caller, body, status, text) in [
            ("", json!({ "token": token }), 403, "permission denied"),
            ("s.nobody", json!({ "token": token }), 403, "permission denied"),
            ("", json!({ "token": "s.nobody" }), 400, "wrapping token is not valid or does not exist"),
            ("s.nobody", json!({}), 400, "wrapping token is not valid or does not exist"),
            ("", json!({}), 403, "error validating wrapping token: token is empty"),
        ] {
            let refused = server.call(what, caller, body.clone()).await;
            assert_eq!((refused.status, refused.text("/errors/0").as_str()), (status, text), "{what} by {caller:?}: {body}");
        }
        assert_eq!(server.call(what, &token, json!(null)).await.status, 200, "a refusal leaves it whole: {what}");
    }
}

#[tokio::test]
async fn accessors_are_listed_and_not_read() {
    let server = server().await;
    for what in ["GET auth/token/accessors", "GET auth/token/accessors/"] {
        let refused = server.call(what, "root", json!(null)).await;
        assert_eq!(refused.status, 405, "{what}");
        assert_eq!(refused.text("/errors/0"), "1 error occurred:\n\t* unsupported operation\n\n", "{what}");
    }
    assert_eq!(server.call("LIST auth/token/accessors", "root", json!(null)).await.status, 200);
}

#[tokio::test]
async fn revoke_orphan_leaves_the_children_alive() {
    let server = server().await;
    server
        .call(
            "POST sys/policies/acl/m",
            "root",
            json!({ "policy": "path \"auth/token/create\" { capabilities = [\"update\"] }" }),
        )
        .await;
    let parent = server.token(json!({ "policies": ["m"] })).await;
    let mut children = Vec::new();
    for _ in 0..40 {
        children.push(server.call("POST auth/token/create", &parent, json!({})).await.text("/auth/client_token"));
    }
    assert_eq!(server.call("POST auth/token/revoke-orphan", "root", json!({ "token": parent })).await.status, 204);
    assert!(!is_live(&server, &parent).await);
    for child in &children {
        let shown = server.call("GET auth/token/lookup-self", child, json!(null)).await;
        assert_eq!((shown.status, shown.at("/data/orphan")), (200, json!(true)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_tokens_leave_the_store_with_their_children_and_cubbyholes() {
    let server = server().await;
    server
        .call(
            "POST sys/policies/acl/m",
            "root",
            json!({ "policy": "path \"auth/token/create\" { capabilities = [\"update\"] }" }),
        )
        .await;
    for _ in 0..40 {
        let parent = server.token(json!({ "policies": ["m"], "ttl": "1m" })).await;
        server.call("POST cubbyhole/a", &parent, json!({ "k": "v" })).await;
        server.call("POST auth/token/create", &parent, json!({ "ttl": "1h" })).await;
    }
    let long = server.token(json!({ "policies": ["default"], "ttl": "1h" })).await;
    let renewed = server.token(json!({ "policies": ["default"], "ttl": "1m" })).await;
    server.clock.advance_s(30);
    server.call("POST auth/token/renew-self", &renewed, json!({})).await;
    server.clock.advance_s(31);
    let left = || async {
        server.call("LIST auth/token/accessors", "root", json!(null)).await.at("/data/keys").as_array().unwrap().len()
    };
    for _ in 0..100 {
        if left().await == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(left().await, 3, "root, the long one and the renewed one");
    assert!(is_live(&server, &long).await && is_live(&server, &renewed).await);
}
