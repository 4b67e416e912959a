//! Tokens made by roles, and tokens bound to addresses.

use serde_json::json;
use strongroom_testkit::{Options, TestServer};

/// A server, and a token that may use roles and nothing else.
async fn server() -> (TestServer, String) {
    let server = TestServer::start(Options::default()).await;
    let policy = "path \"auth/token/create/*\" { capabilities = [\"update\"] }";
    server.call("POST sys/policies/acl/maker", "root", json!({ "policy": policy })).await;
    let maker = server.token(json!({ "policies": ["maker"] })).await;
    (server, maker)
}

async fn role(server: &TestServer, fields: serde_json::Value) {
    server.call("DELETE auth/token/roles/r", "root", json!(null)).await;
    let written = server.call("POST auth/token/roles/r", "root", fields).await;
    assert_eq!(written.status, 204, "{written:?}");
}

#[tokio::test]
async fn a_role_gives_what_it_allows_and_nothing_else() {
    let (server, maker) = server().await;
    role(
        &server,
        json!({ "allowed_policies": ["x", "y"], "allowed_policies_glob": ["app-*"], "disallowed_policies": ["app-root"] }),
    )
    .await;
    for (asked, policies) in [
        (json!({}), Some(json!(["default", "x", "y"]))),
        (json!({ "policies": ["x"], "no_default_policy": true }), Some(json!(["x"]))),
        (json!({ "policies": ["app-1"] }), Some(json!(["app-1", "default"]))),
        (json!({ "policies": ["app-root"] }), None),
        (json!({ "policies": ["APP-ROOT"] }), None),
        (json!({ "policies": ["maker"] }), None),
        (json!({ "policies": ["root"] }), None),
        (json!({ "policies": ["x"], "id": "chosen" }), None),
        (json!({ "policies": ["x"], "period": "1h" }), None),
        (json!({ "policies": ["x"], "num_uses": -1 }), None),
        (json!({ "policies": ["x"], "type": "strange" }), None),
    ] {
        let made = server.call("POST auth/token/create/r", &maker, asked.clone()).await;
        assert_eq!(made.status, if policies.is_some() { 200 } else { 400 }, "{asked} {made:?}");
        assert_eq!(made.at("/auth/policies"), policies.unwrap_or_default(), "{asked}");
    }
}

#[tokio::test]
async fn cve_2024_9180_no_role_makes_root() {
    let (server, maker) = server().await;
    for fields in [
        json!({ "allowed_policies": ["root"] }),
        json!({ "allowed_policies_glob": ["*"] }),
        json!({ "disallowed_policies": ["x"] }),
    ] {
        role(&server, fields.clone()).await;
        for asked in [json!({ "policies": ["root"] }), json!({ "policies": [" ROOT"] })] {
            let made = server.call("POST auth/token/create/r", &maker, asked).await;
            assert_eq!(made.status, 400, "{fields} {made:?}");
        }
    }
    role(&server, json!({ "allowed_policies": ["root"] })).await;
    assert_eq!(server.call("POST auth/token/create/r", &maker, json!({})).await.status, 400);
}

#[tokio::test]
async fn a_role_bounds_life_uses_parent_and_path() {
    let (server, maker) = server().await;
    role(
        &server,
        json!({
            "orphan": true, "token_period": "1h", "token_explicit_max_ttl": "90m", "token_num_uses": 2, "renewable": false,
            "path_suffix": "suf", "token_no_default_policy": true,
        }),
    )
    .await;
    let made = server.call("POST auth/token/create/r", &maker, json!({ "num_uses": 9, "ttl": "300h" })).await;
    assert_eq!((made.at("/auth/lease_duration"), made.at("/auth/num_uses")), (json!(3600), json!(2)), "{made:?}");
    assert_eq!((made.at("/auth/orphan"), made.at("/auth/renewable")), (json!(true), json!(false)));
    assert_eq!(made.at("/auth/policies"), json!(["maker"]));
    let shown = server.call("POST auth/token/lookup-accessor", "root", json!({ "accessor": made.text("/auth/accessor") })).await;
    assert_eq!((shown.text("/data/path"), shown.text("/data/role")), ("auth/token/create/r/suf".into(), "r".into()));
    assert_eq!((shown.at("/data/period"), shown.at("/data/explicit_max_ttl")), (json!(3600), json!(5400)));
    // An orphan outlives its maker, another does not.
    let orphan = server.call("POST auth/token/create/r", &maker, json!({})).await.text("/auth/client_token");
    role(&server, json!({})).await;
    let child = server.call("POST auth/token/create/r", &maker, json!({ "no_parent": true })).await.text("/auth/client_token");
    server.call("POST auth/token/revoke", "root", json!({ "token": maker })).await;
    assert_eq!(server.call("POST auth/token/lookup", "root", json!({ "token": orphan })).await.status, 200);
    assert_eq!(server.call("POST auth/token/lookup", "root", json!({ "token": child })).await.status, 403);
}

#[tokio::test]
async fn a_renewal_asks_the_role_as_it_is_now() {
    let (server, _) = server().await;
    role(&server, json!({ "token_period": "1h" })).await;
    let token =
        server.call("POST auth/token/create/r", "root", json!({ "policies": ["default"] })).await.text("/auth/client_token");
    server.call("POST auth/token/roles/r", "root", json!({ "token_period": "2h" })).await;
    let renewed = server.call("POST auth/token/renew-self", &token, json!({})).await;
    assert_eq!(renewed.at("/auth/lease_duration"), json!(7200));
    server.call("POST auth/token/roles/r", "root", json!({ "token_explicit_max_ttl": "150m" })).await;
    server.clock.advance_s(3600);
    let renewed = server.call("POST auth/token/renew-self", &token, json!({})).await;
    assert!(renewed.at("/auth/lease_duration").as_u64().is_some_and(|s| s <= 5400), "{renewed:?}");
    server.call("DELETE auth/token/roles/r", "root", json!(null)).await;
    assert_eq!(server.call("POST auth/token/renew-self", &token, json!({})).await.status, 400);
    assert_eq!(server.call("GET auth/token/lookup-self", &token, json!(null)).await.status, 200, "it lives to its end");
}

#[tokio::test]
async fn an_alias_needs_a_role_that_allows_it_and_is_never_left_out_silently() {
    let (server, maker) = server().await;
    role(&server, json!({ "allowed_entity_aliases": ["web-*"] })).await;
    for (path, alias) in [("create/r", "other"), ("create", "web-1"), ("create-orphan", "web-1")] {
        let made = server
            .call(&format!("POST auth/token/{path}"), "root", json!({ "policies": ["default"], "entity_alias": alias }))
            .await;
        assert_eq!(made.status, 400, "{path} {alias} {made:?}");
    }
    let made = server.call("POST auth/token/create/r", &maker, json!({ "entity_alias": "web-1" })).await;
    assert!(made.status == 400 || !made.text("/auth/entity_id").is_empty(), "{made:?}");
}

#[tokio::test]
async fn a_write_to_a_role_is_a_create_or_an_update() {
    let (server, _) = server().await;
    for (capability, first, second) in [("create", 204, 403), ("update", 403, 204)] {
        let policy = format!("path \"auth/token/roles/*\" {{ capabilities = [\"{capability}\"] }}");
        server.call("POST sys/policies/acl/w", "root", json!({ "policy": policy })).await;
        let token = server.token(json!({ "policies": ["w"] })).await;
        server.call("DELETE auth/token/roles/new", "root", json!(null)).await;
        assert_eq!(server.call("POST auth/token/roles/new", &token, json!({})).await.status, first);
        server.call("POST auth/token/roles/new", "root", json!({})).await;
        assert_eq!(server.call("POST auth/token/roles/new", &token, json!({})).await.status, second);
    }
}

#[tokio::test]
async fn a_bound_token_works_from_its_addresses_only() {
    let (server, maker) = server().await;
    role(&server, json!({ "token_bound_cidrs": ["10.0.0.0/8", "::1/128"] })).await;
    let bound = server.call("POST auth/token/create/r", &maker, json!({})).await.text("/auth/client_token");
    let batch = server.call("POST auth/token/create/r", &maker, json!({ "type": "batch" })).await.text("/auth/client_token");
    for token in [&bound, &batch] {
        for (address, status) in [
            ("10.1.2.3", 200),
            ("::ffff:10.1.2.3", 200),
            ("::1", 200),
            ("11.0.0.1", 403),
            ("::2", 403),
            // None at all, as on a unix socket.
            ("", 403),
        ] {
            let seen = server.call_from(address, "GET auth/token/lookup-self", token, json!(null)).await;
            assert_eq!(seen.status, status, "{address} {seen:?}");
            if status == 200 {
                assert_eq!(seen.at("/data/bound_cidrs"), json!(["10.0.0.0/8", "::1"]));
            }
        }
    }
    // A path that needs no token serves anybody, and is told of none.
    assert_eq!(server.call_from("11.0.0.1", "GET sys/health", &bound, json!(null)).await.status, 200);
}

#[tokio::test]
async fn a_bound_token_is_no_way_to_an_unbound_one() {
    let (server, maker) = server().await;
    role(&server, json!({ "token_bound_cidrs": "10.0.0.0/8" })).await;
    let bound = server.call("POST auth/token/create/r", &maker, json!({})).await.text("/auth/client_token");
    server.call("POST auth/token/roles/free", "root", json!({})).await;
    let child = server.call_from("10.0.0.1", "POST auth/token/create/free", &bound, json!({})).await.text("/auth/client_token");
    assert_eq!(server.call_from("10.0.0.2", "GET auth/token/lookup-self", &child, json!(null)).await.status, 200);
    assert_eq!(server.call_from("11.0.0.1", "GET auth/token/lookup-self", &child, json!(null)).await.status, 403);
}

#[tokio::test]
async fn a_refused_address_costs_no_use() {
    let (server, maker) = server().await;
    role(&server, json!({ "token_bound_cidrs": "10.0.0.0/8", "token_num_uses": 1 })).await;
    let bound = server.call("POST auth/token/create/r", &maker, json!({})).await.text("/auth/client_token");
    assert_eq!(server.call_from("11.0.0.1", "GET auth/token/lookup-self", &bound, json!(null)).await.status, 403);
    assert_eq!(server.call_from("10.0.0.1", "GET auth/token/lookup-self", &bound, json!(null)).await.status, 200);
}
