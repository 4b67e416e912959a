//! Secret ids: limits, lookup, destruction, and that each belongs to one role.

use super::*;

#[tokio::test]
async fn a_secret_id_stays_within_the_role() {
    let bench = mount().await;
    role(&bench, "r", json!({"secret_id_ttl": 600, "secret_id_num_uses": 5})).await;
    let role_cidrs = json!({"secret_id_bound_cidrs": "10.0.0.0/8", "token_bound_cidrs": "10.0.0.0/8"});
    write(&bench, "role/r", role_cidrs).await;
    for (body, part) in [
        (json!({"ttl": 601}), "secret_id_ttl"),
        (json!({"ttl": 0}), "secret_id_ttl"),
        (json!({"ttl": -1}), "ttl"),
        (json!({"num_uses": 6}), "secret_id_num_uses"),
        (json!({"num_uses": 0}), "secret_id_num_uses"),
        (json!({"num_uses": -1}), "negative"),
        (json!({"cidr_list": ["10.0.0.1"]}), "CIDR form"),
        (json!({"cidr_list": ["x/y"]}), "CIDR form"),
        (json!({"cidr_list": ["11.0.0.0/8"]}), "subset"),
        (json!({"cidr_list": ["10.0.0.0/7"]}), "subset"),
        (json!({"token_bound_cidrs": ["11.0.0.0/8"]}), "subset"),
        (json!({"metadata": "nonsense"}), "metadata"),
    ] {
        let (status, text) = write(&bench, "role/r/secret-id", body.clone()).await;
        assert!(status == 400 && text.as_str().unwrap().contains(part), "{body}: {text}");
    }
    assert_eq!(entries(&bench, "sec").await, 0);
    let (_, data) = write(&bench, "role/r/secret-id", json!({"ttl": 60, "num_uses": 1})).await;
    assert_eq!((&data["secret_id_ttl"], &data["secret_id_num_uses"]), (&json!(60), &json!(1)));
    let (_, data) = write(&bench, "role/r/secret-id", json!({})).await;
    assert_eq!((&data["secret_id_ttl"], &data["secret_id_num_uses"]), (&json!(600), &json!(5)));
    assert_eq!(write(&bench, "role/none/secret-id", json!({})).await.0, 404);
}

#[tokio::test]
async fn a_lookup_tells_all_but_the_secret_id() {
    let mut bench = mount().await;
    role(&bench, "r", json!({})).await;
    let wanted = json!({"ttl": 3600, "num_uses": 9, "metadata": {"k": "v"}, "cidr_list": "127.0.0.1/32"});
    let (text, accessor) = secret(&bench, "r", wanted).await;
    later(&mut bench, 5);
    let expected = json!({
        "cidr_list": ["127.0.0.1/32"], "creation_time": "2027-01-15T08:00:00Z", "expiration_time": "2027-01-15T09:00:00Z",
        "last_updated_time": "2027-01-15T08:00:00Z", "metadata": {"k": "v"}, "secret_id_accessor": accessor,
        "secret_id_num_uses": 9, "secret_id_ttl": 3600, "token_bound_cidrs": [],
    });
    let by_text = write(&bench, "role/r/secret-id/lookup", json!({"secret_id": text})).await;
    let by_accessor = write(&bench, "role/r/secret-id-accessor/lookup", json!({"secret_id_accessor": accessor})).await;
    assert_eq!((by_text, by_accessor), ((200, expected.clone()), (200, expected)));
    for (target, body, status) in [
        ("role/r/secret-id/lookup", json!({"secret_id": "other"}), 204),
        ("role/r/secret-id/lookup", json!({}), 400),
        ("role/none/secret-id/lookup", json!({"secret_id": text}), 404),
        ("role/r/secret-id-accessor/lookup", json!({"secret_id_accessor": "other"}), 204),
        ("role/r/secret-id-accessor/lookup", json!({"secret_id_accessor": "a/../b"}), 204),
        ("role/r/secret-id-accessor/lookup", json!({}), 400),
        ("role/r/secret-id-accessor/destroy", json!({"secret_id_accessor": "other"}), 404),
    ] {
        assert_eq!(write(&bench, target, body.clone()).await.0, status, "{target} {body}");
    }
}

#[tokio::test]
async fn cve_2023_24999_nothing_reaches_the_secret_ids_of_another_role() {
    let bench = mount().await;
    let id = role(&bench, "theirs", json!({})).await;
    let other = role(&bench, "mine", json!({})).await;
    let (text, accessor) = secret(&bench, "theirs", json!({})).await;
    write(&bench, "role/theirs/custom-secret-id", json!({"secret_id": "chosen"})).await;
    for (target, status) in [
        ("role/mine/secret-id/lookup", 204),
        ("role/mine/secret-id/destroy", 204),
        ("role/mine/secret-id-accessor/lookup", 204),
        ("role/mine/secret-id-accessor/destroy", 404),
    ] {
        for secret_id in [text.as_str(), "chosen"] {
            let body = json!({"secret_id": secret_id, "secret_id_accessor": accessor});
            assert_eq!(write(&bench, target, body).await.0, status, "{target}");
        }
    }
    for secret_id in [text.as_str(), "chosen"] {
        assert_eq!(refused(&bench, &other, secret_id).await, WRONG);
        login(&bench, &id, secret_id).await.unwrap();
    }
    assert_eq!(ask(&bench, Verb::List, "role/mine/secret-id", Value::Null).await.0, 404);
}

#[tokio::test]
async fn cve_2026_115362_an_expired_secret_id_is_dead_before_any_tidy() {
    let mut bench = mount().await;
    let id = role(&bench, "r", json!({"secret_id_ttl": 60})).await;
    let (text, accessor) = secret(&bench, "r", json!({})).await;
    write(&bench, "role/r/custom-secret-id", json!({"secret_id": "chosen"})).await;
    later(&mut bench, 59);
    login(&bench, &id, &text).await.unwrap();
    later(&mut bench, 1);
    assert_eq!((refused(&bench, &id, &text).await, refused(&bench, &id, "chosen").await), (WRONG.into(), WRONG.into()));
    assert_eq!(write(&bench, "role/r/secret-id/lookup", json!({"secret_id": text})).await.0, 204);
    assert_eq!(write(&bench, "role/r/secret-id-accessor/lookup", json!({"secret_id_accessor": accessor})).await.0, 204);
}

#[tokio::test]
async fn the_last_use_takes_the_secret_id_away() {
    let bench = mount().await;
    let id = role(&bench, "r", json!({"secret_id_num_uses": 2, "secret_id_ttl": 60})).await;
    let (text, _) = secret(&bench, "r", json!({})).await;
    write(&bench, "role/r/custom-secret-id", json!({"secret_id": "chosen"})).await;
    for secret_id in [text.as_str(), "chosen"] {
        login(&bench, &id, secret_id).await.unwrap();
        login(&bench, &id, secret_id).await.unwrap();
        assert_eq!(refused(&bench, &id, secret_id).await, WRONG);
    }
    assert_eq!((entries(&bench, "sec").await, entries(&bench, "exp").await), (0, 0));
}

#[tokio::test]
async fn a_destroyed_secret_id_is_gone() {
    let bench = mount().await;
    let id = role(&bench, "r", json!({"secret_id_ttl": 60})).await;
    let (text, _) = secret(&bench, "r", json!({})).await;
    let (kept, accessor) = secret(&bench, "r", json!({})).await;
    assert_eq!(write(&bench, "role/r/secret-id/destroy", json!({"secret_id": text})).await.0, 204);
    assert_eq!(write(&bench, "role/r/secret-id/destroy", json!({"secret_id": text})).await.0, 204);
    assert_eq!(write(&bench, "role/r/secret-id/destroy", json!({})).await.0, 400);
    assert_eq!(refused(&bench, &id, &text).await, WRONG);
    login(&bench, &id, &kept).await.unwrap();
    let (_, listed) = ask(&bench, Verb::List, "role/r/secret-id", Value::Null).await;
    assert_eq!(listed, json!({"keys": [accessor]}));
    let target = format!("role/r/secret-id-accessor/destroy?secret_id_accessor={accessor}");
    assert_eq!(ask(&bench, Verb::Delete, &target, Value::Null).await.0, 204);
    assert_eq!(refused(&bench, &id, &kept).await, WRONG);
    assert_eq!((entries(&bench, "sec").await, entries(&bench, "exp").await), (0, 0));
}

#[tokio::test]
async fn a_chosen_secret_id_is_one_per_role() {
    let bench = mount().await;
    let (a, b) = (role(&bench, "a", json!({})).await, role(&bench, "b", json!({})).await);
    for target in ["role/a/custom-secret-id", "role/b/custom-secret-id"] {
        assert_eq!(write(&bench, target, json!({"secret_id": "same"})).await.0, 200);
        let again = write(&bench, target, json!({"secret_id": "same"})).await;
        assert!(again.0 == 400 && again.1.as_str().unwrap().contains("already registered"));
    }
    for (body, part) in
        [(json!({}), "missing"), (json!({"secret_id": "x "}), "white space"), (json!({"secret_id": "x".repeat(4097)}), "4096")]
    {
        let (status, text) = write(&bench, "role/a/custom-secret-id", body).await;
        assert!(status == 400 && text.as_str().unwrap().contains(part));
    }
    write(&bench, "role/a/secret-id/destroy", json!({"secret_id": "same"})).await;
    assert_eq!(refused(&bench, &a, "same").await, WRONG);
    login(&bench, &b, "same").await.unwrap();
}

/// Secret ids move between servers as chosen ones; a text that has the form of our own is no exception.
#[tokio::test]
async fn a_chosen_text_may_look_like_a_generated_one() {
    let (bench, elsewhere) = (mount().await, mount().await);
    let id = role(&bench, "r", json!({})).await;
    role(&elsewhere, "warm-up", json!({})).await;
    role(&elsewhere, "r", json!({})).await;
    let (foreign, _) = secret(&elsewhere, "r", json!({})).await;
    let (own, _) = secret(&bench, "r", json!({})).await;
    write(&bench, "role/r/secret-id/destroy", json!({"secret_id": own})).await;
    for text in [foreign, own] {
        assert_eq!(refused(&bench, &id, &text).await, WRONG);
        assert_eq!(write(&bench, "role/r/custom-secret-id", json!({"secret_id": text})).await.0, 200);
        assert_eq!(write(&bench, "role/r/custom-secret-id", json!({"secret_id": text})).await.0, 400);
        login(&bench, &id, &text).await.unwrap();
    }
}

#[tokio::test]
async fn the_store_holds_no_secret_id_and_role_ids_only_in_their_roles() {
    let bench = mount().await;
    let id = role(&bench, "r", json!({})).await;
    let (text, _) = secret(&bench, "r", json!({})).await;
    write(&bench, "role/r/custom-secret-id", json!({"secret_id": "chosen-text"})).await;
    let all = bench.view.scan(b"d/", None, 1000).await.unwrap();
    assert!(all.len() >= 5);
    for (key, entry) in all {
        let entry = entry.unwrap();
        let has = |needle: &str| {
            let inside = |bytes: &[u8]| bytes.windows(needle.len()).any(|w| w == needle.as_bytes());
            inside(&key) || inside(entry.value())
        };
        assert!(!has(&text) && !has("chosen-text"), "{}", key.escape_ascii());
        assert!(!has(&id) || key.starts_with(bench.mount.key("role").as_bytes()), "{}", key.escape_ascii());
    }
}

/// Records of secret ids lie in the order of their making, which keeps inserts cheap.
#[tokio::test]
async fn accessors_sort_by_time() {
    let mut bench = mount().await;
    role(&bench, "r", json!({})).await;
    let mut made = Vec::new();
    for _ in 0..20 {
        made.push(secret(&bench, "r", json!({})).await.1);
        later(&mut bench, 1);
    }
    let (_, listed) = ask(&bench, Verb::List, "role/r/secret-id", Value::Null).await;
    assert_eq!(listed, json!({"keys": made}));
    let (_, page) = ask(&bench, Verb::List, &format!("role/r/secret-id?after={}&limit=2", made[3]), Value::Null).await;
    assert_eq!(page, json!({"keys": made[4..6]}));
}
