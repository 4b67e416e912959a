//! Roles, their ids and their field endpoints.

use super::*;

#[tokio::test]
async fn a_role_reads_back_what_it_was_given() {
    let bench = mount().await;
    assert_eq!(ask(&bench, Verb::List, "role", Value::Null).await.0, 404);
    let said = json!({"token_policies": ["web"], "token_ttl": "20m", "secret_id_ttl": "1h", "secret_id_num_uses": "4",
        "secret_id_bound_cidrs": ["10.0.0.1/32"], "bind_secret_id": true, "local_secret_ids": true, "role_id": "mine"});
    role(&bench, "Web", said).await;
    let shown = read(&bench, "role/wEB").await;
    for (field, expected) in [
        ("token_policies", json!(["web"])),
        ("token_ttl", json!(1200)),
        ("secret_id_ttl", json!(3600)),
        ("secret_id_num_uses", json!(4)),
        ("secret_id_bound_cidrs", json!(["10.0.0.1/32"])),
        ("local_secret_ids", json!(true)),
        ("role_id", Value::Null),
        ("policies", Value::Null),
    ] {
        assert_eq!(shown[field], expected, "{field}");
    }
    write(&bench, "role/web", json!({"token_ttl": 5})).await;
    let changed = read(&bench, "role/web").await;
    assert_eq!((&changed["token_ttl"], &changed["secret_id_num_uses"]), (&json!(5), &json!(4)));
    assert_eq!(read(&bench, "role/web/role-id").await, json!({"role_id": "mine"}));
    role(&bench, "api", json!({})).await;
    assert_eq!(ask(&bench, Verb::List, "role", Value::Null).await.1, json!({"keys": ["api", "web"]}));
    assert_eq!(ask(&bench, Verb::List, "role?after=api&limit=1", Value::Null).await.1, json!({"keys": ["web"]}));
}

#[tokio::test]
async fn a_bad_field_is_named_and_nothing_is_done() {
    let bench = mount().await;
    for (body, part) in [
        (json!({"secret_id_num_uses": -1}), "secret_id_num_uses cannot be negative"),
        (json!({"secret_id_num_uses": 5_000_000_000u64}), "secret_id_num_uses"),
        (json!({"secret_id_ttl": -1}), "secret_id_ttl"),
        (json!({"secret_id_bound_cidrs": ["192.168.1.1"]}), "CIDR"),
        (json!({"bind_secret_id": false}), "at least one constraint"),
        (json!({"token_type": "nonsense"}), "token_type"),
        (json!({"token_type": "batch", "token_period": 60}), "periodic"),
        (json!({"token_type": "batch", "token_num_uses": 6}), "limited use"),
        (json!({"token_ttl": 7200, "token_max_ttl": 3600}), "token_max_ttl"),
        (json!({"role_id": ""}), "missing role_id"),
        (json!({"role_id": " x"}), "white space"),
        (json!({"role_id": "x".repeat(4097)}), "4096"),
    ] {
        let (status, text) = write(&bench, "role/bad", body.clone()).await;
        assert!(status == 400 && text.as_str().unwrap().contains(part), "{body}: {text}");
        assert_eq!(ask(&bench, Verb::Read, "role/bad", Value::Null).await.0, 404);
    }
    for name in ["role/a%20b", "role/-a", "role/a.", "role/\u{e9}"] {
        assert_eq!(write(&bench, name, json!({})).await.0, 404, "{name}");
    }
    assert_eq!(entries(&bench, "rid").await, 0);
}

#[tokio::test]
async fn local_secret_ids_are_settled_when_the_role_is_made() {
    let bench = mount().await;
    role(&bench, "r", json!({"local_secret_ids": true})).await;
    assert_eq!(write(&bench, "role/r", json!({"local_secret_ids": true})).await.0, 400);
    assert_eq!(read(&bench, "role/r/local-secret-ids").await, json!({"local_secret_ids": true}));
    assert_eq!(write(&bench, "role/r/local-secret-ids", json!({"local_secret_ids": false})).await.0, 405);
}

#[tokio::test]
async fn no_two_roles_have_one_id() {
    let bench = mount().await;
    role(&bench, "a", json!({"role_id": "same"})).await;
    role(&bench, "b", json!({})).await;
    for (target, body) in [("role/c", json!({"role_id": "same"})), ("role/b/role-id", json!({"role_id": "same"}))] {
        assert_eq!(write(&bench, target, body).await, (400, json!("role_id already in use")));
    }
    assert_eq!(write(&bench, "role/a/role-id", json!({"role_id": "other"})).await.0, 204);
    assert_eq!(write(&bench, "role/b/role-id", json!({"role_id": "same"})).await.0, 204);
    let (text, _) = secret(&bench, "b", json!({})).await;
    assert_eq!(login(&bench, "same", &text).await.unwrap().metadata["role_name"], "b");
    ask(&bench, Verb::Delete, "role/b", Value::Null).await;
    assert_eq!(entries(&bench, "rid").await, 1);
    role(&bench, "c", json!({"role_id": "same"})).await;
}

#[tokio::test]
async fn each_field_has_its_own_endpoint() {
    let bench = mount().await;
    role(&bench, "f", json!({})).await;
    for (segment, name, value, unset) in [
        ("policies", "token_policies", json!(["a"]), json!([])),
        ("bound-cidr-list", "bound_cidr_list", json!(["10.0.0.0/8"]), Value::Null),
        ("secret-id-bound-cidrs", "secret_id_bound_cidrs", json!(["10.0.0.0/8"]), Value::Null),
        ("token-bound-cidrs", "token_bound_cidrs", json!(["10.0.0.1"]), json!([])),
        ("bind-secret-id", "bind_secret_id", json!(true), json!(true)),
        ("secret-id-num-uses", "secret_id_num_uses", json!(3), json!(0)),
        ("secret-id-ttl", "secret_id_ttl", json!(30), json!(0)),
        ("period", "token_period", json!(60), json!(0)),
        ("token-num-uses", "token_num_uses", json!(7), json!(0)),
        ("token-max-ttl", "token_max_ttl", json!(90), json!(0)),
        ("token-ttl", "token_ttl", json!(80), json!(0)),
    ] {
        let target = format!("role/F/{segment}");
        assert_eq!(read(&bench, &target).await, json!({ name: unset }), "{segment}");
        assert_eq!(write(&bench, &target, json!({})).await, (400, json!(format!("missing {name}"))));
        assert_eq!(write(&bench, &target, json!({ name: value })).await, (204, Value::Null), "{segment}");
        assert_eq!(read(&bench, &target).await, json!({ name: value }), "{segment}");
        assert_eq!(ask(&bench, Verb::Delete, &target, Value::Null).await.0, 204);
        assert_eq!(read(&bench, &target).await, json!({ name: unset }), "{segment}");
        let none = format!("role/none/{segment}");
        assert_eq!(ask(&bench, Verb::Read, &none, Value::Null).await.0, 404);
        assert_eq!(write(&bench, &none, json!({ name: value })).await.0, 404);
        assert_eq!(ask(&bench, Verb::Delete, &none, Value::Null).await.0, 204);
    }
}

#[tokio::test]
async fn a_field_endpoint_keeps_the_rules_of_the_role() {
    let bench = mount().await;
    role(&bench, "f", json!({"token_max_ttl": 600})).await;
    assert_eq!(write(&bench, "role/f/token-ttl", json!({"token_ttl": 700})).await.0, 400);
    assert_eq!(write(&bench, "role/f/bind-secret-id", json!({"bind_secret_id": false})).await.0, 400);
    write(&bench, "role/f/token-bound-cidrs", json!({"token_bound_cidrs": "10.0.0.0/8"})).await;
    assert_eq!(write(&bench, "role/f/bind-secret-id", json!({"bind_secret_id": false})).await.0, 204);
    assert_eq!(ask(&bench, Verb::Delete, "role/f/token-bound-cidrs", Value::Null).await.0, 400);
    // Another field beside it changes nothing.
    write(&bench, "role/f/policies", json!({"policies": "p", "token_ttl": 5, "bind_secret_id": true})).await;
    let shown = read(&bench, "role/f").await;
    assert_eq!((&shown["token_ttl"], &shown["bind_secret_id"]), (&json!(0), &json!(false)));
}

#[tokio::test]
async fn older_names_work_until_the_newer_ones_are_used() {
    let bench = mount().await;
    role(&bench, "o", json!({"policies": "a,b", "period": "1h", "bound_cidr_list": ["10.0.0.0/8"]})).await;
    let shown = read(&bench, "role/o").await;
    for name in ["policies", "token_policies"] {
        assert_eq!(shown[name], json!(["a", "b"]));
    }
    assert_eq!((&shown["period"], &shown["token_period"]), (&json!(3600), &json!(3600)));
    assert_eq!(shown["secret_id_bound_cidrs"], json!(["10.0.0.0/8"]));
    assert_eq!(read(&bench, "role/o/policies").await, json!({"policies": ["a", "b"], "token_policies": ["a", "b"]}));
    write(&bench, "role/o", json!({"policies": "old", "token_policies": "new", "token_period": 60})).await;
    let shown = read(&bench, "role/o").await;
    assert_eq!((&shown["policies"], &shown["token_policies"], &shown["period"]), (&Value::Null, &json!(["new"]), &Value::Null));
}

#[tokio::test]
async fn a_kind_for_mounts_becomes_one_for_roles() {
    let bench = mount().await;
    let output = bench.ask(Verb::Write, "role/k", r#"{"token_type":"default-batch"}"#).await.unwrap();
    assert_eq!(output.warnings, ["default-batch has no useful meaning; adjusting to batch"]);
    assert_eq!(read(&bench, "role/k").await["token_type"], "batch");
}
