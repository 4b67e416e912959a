use std::time::Duration;

use serde_json::json;

use super::House;

async fn term(house: &House) -> u64 {
    house.root("GET sys/key-status", json!(null)).await.at("/data/term").as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_kept_and_bounded() {
    let house = House::new(None, Vec::new()).await;
    let read = || async { house.root("GET sys/rotate/config", json!(null)).await.at("/data") };
    assert_eq!(read().await, json!({ "enabled": true, "interval": 0, "max_operations": 3_865_470_566u64 }));
    for body in [
        json!({ "max_operations": 5 }),
        json!({ "max_operations": 5_000_000_000u64 }),
        json!({ "interval": "1h" }),
        json!({ "interval": -1 }),
        json!({ "interval": "x" }),
    ] {
        assert_eq!(house.root("POST sys/rotate/config", body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(house.root("POST sys/rotate/config", json!({ "interval": "48h" })).await.status, 204);
    assert_eq!(house.root("POST sys/rotate/keyring/config", json!({ "max_operations": 2_000_000 })).await.status, 204);
    assert_eq!(read().await, json!({ "enabled": true, "interval": "48h0m0s", "max_operations": 2_000_000 }));
    assert!(house.reopens_with(&house.keys).await);
    assert_eq!(read().await["max_operations"], 2_000_000);
    let token = house.root("POST auth/token/create", json!({ "policies": ["default"] })).await.text("/auth/client_token");
    for what in ["GET sys/rotate/config", "POST sys/rotate/config", "POST sys/rotate"] {
        assert_eq!(house.test.call(what, &token, json!({})).await.status, 403, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_term_is_replaced_by_itself() {
    let house = House::new(None, Vec::new()).await;
    house.root("POST sys/rotate/config", json!({ "interval": "24h" })).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(term(&house).await, 1, "not before its time");
    house.test.clock.advance_s(25 * 3600);
    for _ in 0..100 {
        if term(&house).await == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(term(&house).await, 2);
    assert_eq!(house.root("GET kv/k", json!(null)).await.at("/data/v"), 1);
    house.root("POST sys/rotate/config", json!({ "enabled": false })).await;
    house.test.clock.advance_s(25 * 3600);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(term(&house).await, 2, "switched off");
}

#[tokio::test(flavor = "multi_thread")]
async fn encryptions_are_counted_across_restarts() {
    let house = House::new(None, Vec::new()).await;
    for n in 0..1100 {
        house.root("POST kv/k", json!({ "v": 1, "n": n })).await;
    }
    let encryptions = || async { house.root("GET sys/key-status", json!(null)).await.at("/data/encryptions").as_u64().unwrap() };
    let before = encryptions().await;
    assert!(before >= 1100, "{before}");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(house.reopens_with(&house.keys).await);
    let after = encryptions().await;
    assert!(after >= 1000, "{after} after {before}");
    house.root("POST sys/rotate/keyring", json!({})).await;
    assert!(encryptions().await < 100, "a new term begins again");
}
