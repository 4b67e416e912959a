use serde_json::json;

use super::{House, shares, unseal};

const TWO_OF_TWO: fn() -> serde_json::Value = || json!({ "secret_shares": 2, "secret_threshold": 2 });

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_take_the_place_of_the_old_ones() {
    let house = House::new(None, Vec::new()).await;
    let nonce = house.start(TWO_OF_TWO()).await;
    let first = house.give(&nonce, &house.keys[..1]).await;
    assert_eq!((first.at("/data/progress"), first.at("/data/required")), (json!(1), json!(2)));
    let done = house.give(&nonce, &house.keys[1..2]).await;
    assert_eq!((done.at("/data/complete"), done.at("/data/nonce")), (json!(true), json!(nonce)));
    let new = shares(&done, "/data/keys");
    assert_eq!((new.len(), shares(&done, "/data/keys_base64").len()), (2, 2));
    let idle = house.root("GET sys/rotate/root/init", json!(null)).await;
    assert_eq!(idle.at("/data"), json!({ "n": 0, "t": 0, "required": 2, "started": false }));
    house.seal().await;
    assert!(!unseal(&house.test.server, &house.keys).await, "old keys open nothing any more");
    assert!(unseal(&house.test.server, &new).await);
    assert_eq!(house.root("GET kv/k", json!(null)).await.at("/data/v"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_shares_do_not_count_and_wrong_ones_start_again() {
    let house = House::new(None, Vec::new()).await;
    let foreign = House::new(None, Vec::new()).await;
    let nonce = house.start(TWO_OF_TWO()).await;
    house.give(&nonce, &house.keys[..1]).await;
    let repeated = house.give(&nonce, &house.keys[..1]).await;
    assert_eq!((repeated.status, repeated.text("/errors/0").contains("already been provided")), (400, true));
    let wrong = house.give(&nonce, &foreign.keys[1..2]).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let status = house.root("GET sys/rotate/root/init", json!(null)).await;
    assert_eq!((status.at("/data/progress"), status.text("/data/nonce")), (json!(0), nonce.clone()));
    for (body, part) in [
        (json!({ "nonce": nonce, "key": "0011" }), "shorter"),
        (json!({ "nonce": nonce, "key": "zz" }), "hex or base64"),
        (json!({ "nonce": nonce }), "'key'"),
        (json!({ "key": house.keys[0] }), "'nonce'"),
        (json!({ "nonce": "other", "key": house.keys[0] }), "incorrect nonce"),
    ] {
        let refused = house.root("POST sys/rotate/root/update", body).await;
        assert!(refused.status == 400 && refused.text("/errors/0").contains(part), "{refused:?}");
    }
    assert_eq!(house.give(&nonce, &house.keys[1..]).await.at("/data/complete"), true);
}

#[tokio::test(flavor = "multi_thread")]
async fn verified_keys_come_into_force_when_enough_were_given_back() {
    let house = House::new(None, Vec::new()).await;
    let body = json!({ "secret_shares": 3, "secret_threshold": 2, "require_verification": true });
    let nonce = house.start(body).await;
    assert_eq!(house.root("GET sys/rotate/root/verify", json!(null)).await.at("/data/started"), false);
    let done = house.give(&nonce, &house.keys[..2]).await;
    let (new, verification) = (shares(&done, "/data/keys"), done.text("/data/verification_nonce"));
    assert_eq!((new.len(), verification.len(), done.at("/data/verification_required")), (3, 36, json!(true)));

    let give_back = |nonce: String, key: String| {
        let house = &house;
        async move { house.root("POST sys/rotate/root/verify", json!({ "nonce": nonce, "key": key })).await }
    };
    assert_eq!(give_back(verification.clone(), new[0].clone()).await.at("/data/progress"), 1);
    let failed = give_back(verification.clone(), house.keys[0].clone()).await;
    assert_eq!(failed.status, 400, "{failed:?}");
    let again = house.root("GET sys/rotate/root/verify", json!(null)).await;
    assert_eq!(again.at("/data/progress"), 0);
    assert_ne!(again.text("/data/nonce"), verification, "a failed verification begins again under a new nonce");
    let verification = again.text("/data/nonce");
    give_back(verification.clone(), new[2].clone()).await;
    let verified = give_back(verification.clone(), new[0].clone()).await;
    assert_eq!(verified.at("/data"), json!({ "nonce": verification, "complete": true }));
    assert!(house.reopens_with(&new[1..]).await);
    house.seal().await;
    assert!(!unseal(&house.test.server, &house.keys).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_were_not_verified_are_forgotten_by_cancelling_or_sealing() {
    let house = House::new(None, Vec::new()).await;
    let body = json!({ "secret_shares": 2, "secret_threshold": 2, "require_verification": true });
    for by_sealing in [false, true] {
        let nonce = house.start(body.clone()).await;
        let new = shares(&house.give(&nonce, &house.keys[..2]).await, "/data/keys");
        if by_sealing {
            house.seal().await;
            assert!(!unseal(&house.test.server, &new).await);
            assert!(unseal(&house.test.server, &house.keys).await);
        } else {
            assert_eq!(house.root("DELETE sys/rotate/root/init", json!(null)).await.status, 204);
            assert!(house.reopens_with(&house.keys).await);
        }
        assert_eq!(house.root("GET sys/rotate/root/init", json!(null)).await.at("/data/started"), false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replacement_at_a_time_and_bad_wishes_start_none() {
    let house = House::new(None, Vec::new()).await;
    for (body, part) in [
        (json!({}), "shares must be at least one"),
        (json!({ "secret_shares": 3, "secret_threshold": 1 }), "greater than one"),
        (json!({ "secret_shares": 2, "secret_threshold": 3 }), "larger than shares"),
        (json!({ "secret_shares": 256, "secret_threshold": 3 }), "less than 256"),
        (json!({ "secret_shares": -1, "secret_threshold": 3 }), "at least one"),
        (json!({ "secret_shares": 1, "secret_threshold": 1, "backup": true }), "without providing PGP keys"),
        (json!({ "secret_shares": 2, "secret_threshold": 2, "pgp_keys": ["eA=="] }), "count mismatch"),
        (json!({ "secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["!"] }), "not base64"),
        (json!({ "secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["keybase:x"] }), "opens no connection"),
    ] {
        let refused = house.root("POST sys/rotate/root/init", body).await;
        assert!(refused.status == 400 && refused.text("/errors/0").contains(part), "{part}: {refused:?}");
    }
    house.start(TWO_OF_TWO()).await;
    let second = house.root("POST sys/rotate/root/init", TWO_OF_TWO()).await;
    assert_eq!((second.status, second.text("/errors/0")), (400, "rotation already in progress".to_owned()));
}

/// CVE-2026-5807, CVE-2025-4656, CVE-2025-52894: nobody without authority starts, sees or cancels a replacement.
#[tokio::test(flavor = "multi_thread")]
async fn cve_2026_5807_starting_needs_sudo_and_cancelling_the_nonce_or_sudo() {
    let house = House::new(None, Vec::new()).await;
    for what in
        ["GET sys/rekey/init", "PUT sys/rekey/init", "DELETE sys/rekey/init", "PUT sys/rekey/update", "PUT sys/rekey/verify"]
    {
        for token in ["", house.root.as_str()] {
            let refused = house.test.call(what, token, TWO_OF_TWO()).await;
            assert_eq!((refused.status, refused.body.clone()), (405, json!({ "errors": ["unsupported operation"] })), "{what}");
        }
    }
    let rules = r#"path "sys/rotate/root/*" { capabilities = ["create", "read", "update", "delete"] }"#;
    house.root("POST sys/policies/acl/holder", json!({ "policy": rules })).await;
    let made = house.root("POST auth/token/create", json!({ "policies": ["holder"] })).await;
    let holder = made.text("/auth/client_token");
    assert_eq!(house.test.call("POST sys/rotate/root/init", &holder, TWO_OF_TWO()).await.status, 403);
    assert_eq!(house.test.call("POST sys/rotate/root/init", "", TWO_OF_TWO()).await.status, 403);
    assert_eq!(house.test.call("GET sys/rotate/root/backup", &holder, json!(null)).await.status, 403);
    let nonce = house.start(TWO_OF_TWO()).await;
    // A share is its own proof: its holder needs a policy, and no sudo.
    let share = json!({ "nonce": nonce, "key": house.keys[0] });
    assert_eq!(house.test.call("POST sys/rotate/root/update", &holder, share).await.at("/data/progress"), 1);
    for body in [json!(null), json!({ "nonce": "other" })] {
        assert_eq!(house.test.call("DELETE sys/rotate/root/init", &holder, body).await.status, 400);
    }
    assert_eq!(house.test.call("DELETE sys/rotate/root/init", &holder, json!({ "nonce": nonce })).await.status, 204);
    let nonce = house.start(TWO_OF_TWO()).await;
    house.give(&nonce, &house.keys[..1]).await;
    assert_eq!(house.root("DELETE sys/rotate/root/init", json!(null)).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_opens_it_serves_a_replacement_without_a_token() {
    let house = House::new(None, Vec::new()).await;
    let started = house.open("PUT sys/rekey/init", json!({ "secret_shares": 1, "secret_threshold": 1 })).await;
    let nonce = started.text("/nonce");
    house.open("PUT sys/rekey/update", json!({ "nonce": nonce, "key": house.keys[2] })).await;
    assert_eq!(house.open("DELETE sys/rekey/init", json!(null)).await.status, 400, "a share was given");
    let done = house.open("PUT sys/rekey/update", json!({ "nonce": nonce, "key": house.keys[0] })).await;
    assert_eq!((done.at("/complete"), done.at("/verification_nonce")), (json!(true), json!(null)));
    assert!(house.reopens_with(&shares(&done, "/keys")).await);
}

/// hvac can't send a nonce with a cancellation; what it can send is a token.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_sudo_cancels_at_a_listener_that_opens_it_and_no_other_token_does() {
    let house = House::new(None, Vec::new()).await;
    let made = house.root("POST auth/token/create", json!({ "policies": ["default"] })).await;
    let plain = made.text("/auth/client_token");
    let started = house.open("PUT sys/rekey/init", json!({ "secret_shares": 1, "secret_threshold": 1 })).await;
    house.open("PUT sys/rekey/update", json!({ "nonce": started.text("/nonce"), "key": house.keys[2] })).await;
    for token in ["", "nobody", plain.as_str()] {
        assert_eq!(house.test.at_open_listener("DELETE sys/rekey/init", token, json!(null)).await.status, 400, "{token}");
    }
    assert_eq!(house.test.at_open_listener("DELETE sys/rekey/init", &house.root, json!(null)).await.status, 204);
    assert_eq!(house.open("GET sys/rekey/init", json!(null)).await.at("/started"), false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_token_pays_once_for_each_share() {
    let house = House::new(None, Vec::new()).await;
    let rules = r#"path "sys/rotate/root/update" { capabilities = ["update"] }"#;
    house.root("POST sys/policies/acl/holder", json!({ "policy": rules })).await;
    let made = house.root("POST auth/token/create", json!({ "policies": ["holder"], "num_uses": 2 })).await;
    let holder = made.text("/auth/client_token");
    let nonce = house.start(TWO_OF_TWO()).await;
    let give = |key: String| {
        let (house, holder, nonce) = (&house, &holder, &nonce);
        async move { house.test.call("POST sys/rotate/root/update", holder, json!({ "nonce": nonce, "key": key })).await }
    };
    assert_eq!(give(house.keys[0].clone()).await.at("/data/progress"), 1);
    assert_eq!(give(house.keys[1].clone()).await.at("/data/complete"), true);
    assert_eq!(give(house.keys[1].clone()).await.status, 403);
}
