//! Logins and their renewal.

use super::*;

fn at(bench: &mut Bench, address: &str) {
    bench.remote = Some(address.parse().unwrap());
}

#[tokio::test]
async fn a_login_vouches_for_the_role() {
    let bench = mount().await;
    let id = role(&bench, "Web", json!({"token_policies": ["web"], "token_ttl": 60})).await;
    let (text, _) = secret(&bench, "web", json!({"metadata": {"team": "core", "role_name": "root", "path": "a/b"}})).await;
    let login = login(&bench, &format!(" {id} "), &format!(" {text}\n")).await.unwrap();
    assert_eq!((login.alias.as_str(), login.display_name.as_str()), (id.as_str(), ""));
    let metadata: Vec<_> = login.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(metadata, [("path", "a/b"), ("role_name", "web"), ("team", "core")]);
    assert_eq!((login.alias_metadata == login.metadata, login.terms.ttl), (true, Ttl::from_s(60)));
}

#[tokio::test]
async fn wrong_role_ids_and_wrong_secret_ids_are_told_alike() {
    let bench = mount().await;
    let id = role(&bench, "r", json!({})).await;
    let (text, accessor) = secret(&bench, "r", json!({})).await;
    let mut forged = text.clone();
    let last = if forged.ends_with('1') { "2" } else { "1" };
    forged.replace_range(forged.len() - 1.., last);
    let long = "x".repeat(5000);
    for (role_id, secret_id) in [
        (id.as_str(), "wrong"),
        (id.as_str(), accessor.as_str()),
        (id.as_str(), forged.as_str()),
        (id.as_str(), long.as_str()),
        ("wrong", text.as_str()),
        (long.as_str(), text.as_str()),
        ("wrong", "wrong"),
        ("r", text.as_str()),
    ] {
        assert_eq!(super::refused(&bench, role_id, secret_id).await, WRONG, "{role_id} {secret_id}");
    }
    for role_id in [id.as_str(), "wrong"] {
        assert_eq!(super::refused(&bench, role_id, " ").await, "missing secret_id");
    }
    assert_eq!(super::refused(&bench, " ", &text).await, "missing role_id");
    login(&bench, &id, &text).await.unwrap();
}

#[tokio::test]
async fn a_role_without_secret_ids_needs_the_right_address() {
    let mut bench = mount().await;
    for (n, field) in ["token_bound_cidrs", "secret_id_bound_cidrs"].into_iter().enumerate() {
        let id = role(&bench, &format!("r{n}"), json!({"bind_secret_id": false, field: ["10.0.0.0/8"]})).await;
        at(&mut bench, "10.1.2.3");
        login(&bench, &id, "").await.unwrap();
        login(&bench, &id, "whatever").await.unwrap();
        at(&mut bench, "11.1.2.3");
        assert!(super::refused(&bench, &id, "").await.contains("CIDR restrictions on the role"), "{field}");
        bench.remote = None;
        assert!(super::refused(&bench, &id, "").await.contains("CIDR restrictions on the role"), "{field}");
    }
    assert_eq!(write(&bench, "role/r0/secret-id", json!({})).await.0, 400);
}

#[tokio::test]
async fn a_secret_id_works_from_its_own_and_its_roles_networks() {
    let mut bench = mount().await;
    let id = role(&bench, "r", json!({"secret_id_bound_cidrs": ["10.0.0.0/8"], "secret_id_num_uses": 2})).await;
    let (text, accessor) = secret(&bench, "r", json!({"cidr_list": ["10.1.0.0/16"]})).await;
    for (address, part) in [("11.0.0.1", "secret ID"), ("10.2.0.1", "secret ID")] {
        at(&mut bench, address);
        assert!(super::refused(&bench, &id, &text).await.contains(part), "{address}");
    }
    at(&mut bench, "::ffff:10.1.0.9");
    login(&bench, &id, &text).await.unwrap();
    // The role's networks moved on: the secret id's own do not outlive them. A refusal costs no use.
    write(&bench, "role/r", json!({"secret_id_bound_cidrs": ["10.2.0.0/16"]})).await;
    assert!(super::refused(&bench, &id, &text).await.contains("on the role"));
    let (_, facts) = write(&bench, "role/r/secret-id-accessor/lookup", json!({"secret_id_accessor": accessor})).await;
    assert_eq!(facts["secret_id_num_uses"], 1);
}

#[tokio::test]
async fn token_networks_of_a_secret_id_never_widen_the_roles() {
    let bench = mount().await;
    let id = role(&bench, "r", json!({"token_bound_cidrs": ["10.0.0.0/8"]})).await;
    let (text, _) = secret(&bench, "r", json!({"token_bound_cidrs": ["10.1.0.0/16"]})).await;
    assert_eq!(login(&bench, &id, &text).await.unwrap().terms.bound_cidrs.texts(), ["10.1.0.0/16"]);
    write(&bench, "role/r", json!({"token_bound_cidrs": ["10.2.0.0/16"]})).await;
    assert_eq!(login(&bench, &id, &text).await.unwrap().terms.bound_cidrs.texts(), ["10.2.0.0/16"]);
}

#[tokio::test]
async fn a_renewal_goes_by_the_role_of_today_and_not_by_its_name() {
    let bench = mount().await;
    let id = role(&bench, "r", json!({"token_ttl": 60})).await;
    let (text, _) = secret(&bench, "r", json!({})).await;
    let renewal = login(&bench, &id, &text).await.unwrap().renewal;
    write(&bench, "role/r", json!({"token_ttl": 90})).await;
    assert_eq!(bench.renew(&renewal).await.unwrap().unwrap().ttl, Ttl::from_s(90));
    ask(&bench, Verb::Delete, "role/r", Value::Null).await;
    assert_eq!(bench.renew(&renewal).await.unwrap(), None);
    role(&bench, "r", json!({"role_id": id})).await;
    assert_eq!(bench.renew(&renewal).await.unwrap(), None);
    assert_eq!(super::refused(&bench, &id, &text).await, WRONG);
}
