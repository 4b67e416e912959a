use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;
use strongroom_testkit::Reply;

use super::House;

/// As the operator's own tool does it.
pub fn decoded(encoded: &str, otp: &str) -> String {
    let mixed = STANDARD_NO_PAD.decode(encoded).unwrap();
    String::from_utf8(mixed.iter().zip(otp.bytes()).map(|(m, o)| m ^ o).collect()).unwrap()
}

async fn ceremony(house: &House, body: serde_json::Value) -> (Reply, Reply) {
    let started = house.root("POST sys/generate-root-token/attempt", body).await;
    assert_eq!(started.status, 200, "{started:?}");
    let mut last = started.clone();
    for key in &house.keys[..2] {
        let share = json!({ "nonce": started.text("/data/nonce"), "key": key });
        last = house.root("POST sys/generate-root-token/update", share).await;
    }
    (started, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn enough_keys_give_a_root_token_under_the_one_time_password() {
    let house = House::new(None, Vec::new()).await;
    let (started, done) = ceremony(&house, json!({})).await;
    let otp = started.text("/data/otp");
    assert_eq!((otp.len(), started.at("/data/otp_length"), started.at("/data/required")), (26, json!(26), json!(2)));
    assert_eq!((done.at("/data/complete"), done.at("/data/progress")), (json!(true), json!(2)));
    let encoded = done.text("/data/encoded_token");
    let token = decoded(&encoded, &otp);
    assert!(token.starts_with("s.") && token.len() == 26);
    let decoded = house.test.call("POST sys/decode-token", "", json!({ "encoded_token": encoded, "otp": otp })).await;
    assert_eq!(decoded.text("/data/token"), token);
    let looked_up = house.test.call("GET auth/token/lookup-self", &token, json!(null)).await;
    assert_eq!((looked_up.at("/data/policies"), looked_up.at("/data/orphan")), (json!(["root"]), json!(true)));
    assert_eq!(house.test.call("GET sys/mounts", &token, json!(null)).await.status, 200);
    assert_eq!(house.root("GET sys/generate-root-token/attempt", json!(null)).await.at("/data/started"), false);
    assert_eq!(house.test.call("POST auth/token/revoke-self", &token, json!({})).await.status, 204);
    assert_eq!(house.test.call("GET sys/mounts", &token, json!(null)).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_may_be_given_and_must_fit() {
    let house = House::new(None, Vec::new()).await;
    for (body, part) in [
        (json!({ "otp": "short" }), "incorrect length"),
        (json!({ "otp": "x".repeat(26), "pgp_key": "eA==" }), "not both"),
        (json!({ "pgp_key": "!!" }), "error decoding given PGP key"),
    ] {
        let refused = house.root("POST sys/generate-root-token/attempt", body).await;
        assert!(refused.status == 400 && refused.text("/errors/0").contains(part), "{refused:?}");
    }
    let (started, done) = ceremony(&house, json!({ "otp": "x".repeat(26) })).await;
    assert_eq!(started.text("/data/otp"), "", "who brought it knows it");
    let decoded = json!({ "encoded_token": done.text("/data/encoded_token"), "otp": "x".repeat(26) });
    let token = house.test.call("POST sys/decode-token", "", decoded).await.text("/data/token");
    assert_eq!(house.test.call("GET sys/mounts", &token, json!(null)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_give_nothing() {
    let house = House::new(None, Vec::new()).await;
    let foreign = House::new(None, Vec::new()).await;
    let nonce = house.root("POST sys/generate-root-token/attempt", json!({})).await.text("/data/nonce");
    let give = |key: String| {
        let (house, nonce) = (&house, &nonce);
        async move { house.root("POST sys/generate-root-token/update", json!({ "nonce": nonce, "key": key })).await }
    };
    give(house.keys[0].clone()).await;
    let refused = give(foreign.keys[1].clone()).await;
    assert!(refused.status == 400 && refused.text("/errors/0").starts_with("root generation aborted"), "{refused:?}");
    assert_eq!(house.root("GET sys/generate-root-token/attempt", json!(null)).await.at("/data/progress"), 0);
    let accessors = house.root("LIST auth/token/accessors", json!(null)).await.at("/data/keys");
    assert_eq!(accessors.as_array().unwrap().len(), 1, "only the first root token exists");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_without_any_token_uses_the_open_listener() {
    let house = House::new(None, Vec::new()).await;
    assert_eq!(house.root("POST auth/token/revoke-self", json!({})).await.status, 204);
    for what in ["GET sys/generate-root/attempt", "PUT sys/generate-root/attempt", "PUT sys/generate-root/update"] {
        assert_eq!(house.test.call(what, "", json!({})).await.status, 405, "{what} at another listener");
    }
    let started = house.open("PUT sys/generate-root/attempt", json!({})).await;
    let nonce = started.text("/nonce");
    house.open("PUT sys/generate-root/update", json!({ "nonce": nonce, "key": house.keys[2] })).await;
    assert_eq!(house.open("DELETE sys/generate-root/attempt", json!(null)).await.status, 400, "a share was given");
    let done = house.open("PUT sys/generate-root/update", json!({ "nonce": nonce, "key": house.keys[1] })).await;
    let body = json!({ "encoded_token": done.text("/encoded_root_token"), "otp": started.text("/otp") });
    let token = house.open("POST sys/decode-token", body).await.text("/data/token");
    assert_eq!(house.test.call("GET sys/mounts", &token, json!(null)).await.status, 200);
}

/// Starting needs sudo; a share needs a policy alone.
#[tokio::test(flavor = "multi_thread")]
async fn starting_needs_sudo() {
    let house = House::new(None, Vec::new()).await;
    let rules = r#"path "sys/generate-root-token/*" { capabilities = ["create", "read", "update", "delete"] }"#;
    house.root("POST sys/policies/acl/holder", json!({ "policy": rules })).await;
    let holder = house.root("POST auth/token/create", json!({ "policies": ["holder"] })).await.text("/auth/client_token");
    assert_eq!(house.test.call("POST sys/generate-root-token/attempt", &holder, json!({})).await.status, 403);
    let nonce = house.root("POST sys/generate-root-token/attempt", json!({})).await.text("/data/nonce");
    let share = json!({ "nonce": nonce, "key": house.keys[0] });
    assert_eq!(house.test.call("POST sys/generate-root-token/update", &holder, share).await.at("/data/progress"), 1);
    assert_eq!(house.test.call("DELETE sys/generate-root-token/attempt", &holder, json!(null)).await.status, 400);
    assert_eq!(house.root("DELETE sys/generate-root-token/attempt", json!(null)).await.status, 204);
}
