//! Background work: what expired ends, what a deleted role left goes, a tidy goes on where it stopped.

use super::*;

#[tokio::test]
async fn expired_secret_ids_leave_in_bounded_pieces() {
    let mut bench = mount().await;
    let id = role(&bench, "r", json!({})).await;
    for n in 0..50 {
        write(&bench, "role/r/custom-secret-id", json!({"secret_id": format!("s{n}"), "ttl": 60})).await;
    }
    let (kept, _) = secret(&bench, "r", json!({"ttl": 120})).await;
    assert!(!bench.tend().await.unwrap());
    later(&mut bench, 60);
    assert_eq!(tend_all(&bench).await, 2);
    assert_eq!((entries(&bench, "sec").await, entries(&bench, "exp").await), (1, 1));
    login(&bench, &id, &kept).await.unwrap();
}

#[tokio::test]
async fn the_secret_ids_of_a_deleted_role_are_dead_at_once_and_wiped_later() {
    let bench = mount().await;
    let id = role(&bench, "r", json!({"secret_id_ttl": 600})).await;
    let mut texts = vec!["chosen".to_owned()];
    write(&bench, "role/r/custom-secret-id", json!({"secret_id": "chosen"})).await;
    for _ in 0..70 {
        texts.push(secret(&bench, "r", json!({})).await.0);
    }
    ask(&bench, Verb::Delete, "role/r", Value::Null).await;
    let again = role(&bench, "r", json!({"role_id": id})).await;
    for text in &texts {
        assert_eq!(refused(&bench, &again, text).await, WRONG);
    }
    let (fresh, _) = secret(&bench, "r", json!({"ttl": 600})).await;
    assert!(bench.tend().await.unwrap());
    assert!(entries(&bench, "sec").await > 30, "one piece is bounded");
    tend_all(&bench).await;
    assert_eq!((entries(&bench, "sec").await, entries(&bench, "exp").await, entries(&bench, "wipe").await), (1, 1, 0));
    login(&bench, &id, &fresh).await.unwrap();
}

#[tokio::test]
async fn a_tidy_goes_on_where_it_stopped() {
    let mut bench = mount().await;
    role(&bench, "r", json!({})).await;
    for n in 0..250 {
        secret(&bench, "r", json!({"ttl": if n % 2 == 0 { 60 } else { 0 }})).await;
    }
    // Without the expiry order, as after a repair by hand: the tidy finds them by itself.
    let mut txn = bench.view.txn(strongroom_barrier::Intent::Write);
    let order = bench.view.scan(bench.mount.key("exp").as_bytes(), None, 1000).await.unwrap();
    for chunk in order.chunks(100) {
        for (key, _) in chunk {
            txn.delete(key.clone());
        }
        txn.commit().await.unwrap();
        txn = bench.view.txn(strongroom_barrier::Intent::Write);
    }
    later(&mut bench, 60);
    assert_eq!(tend_all(&bench).await, 0);
    assert_eq!(write(&bench, "tidy/secret-id", json!({})).await.0, 202);
    let second = bench.ask(Verb::Write, "tidy/secret-id", "{}").await.unwrap();
    assert_eq!((second.status, second.warnings[0].as_str()), (Some(202), "Tidy operation already in progress."));
    for _ in 0..3 {
        assert!(bench.tend().await.unwrap());
    }
    assert_eq!(entries(&bench, "sec").await, 250 - 90);
    tend_all(&bench).await;
    assert_eq!((entries(&bench, "sec").await, entries(&bench, "tidy").await), (125, 0));
}

#[tokio::test]
async fn an_expired_secret_id_is_taken_by_the_background_work_alone() {
    let mut bench = mount().await;
    role(&bench, "r", json!({})).await;
    let (text, _) = secret(&bench, "r", json!({"ttl": 60})).await;
    later(&mut bench, 60);
    write(&bench, "role/r/secret-id/destroy", json!({"secret_id": text})).await;
    assert_eq!(entries(&bench, "sec").await, 1);
    tend_all(&bench).await;
    assert_eq!((entries(&bench, "sec").await, entries(&bench, "exp").await), (0, 0));
}
