//! Many writers at once: no update is lost, no intermediate state is seen.

use std::sync::Arc;

use bytes::Bytes;

use super::{bytes, commit, only_if, put, value};
use crate::{Batch, Error, Precondition, Revision, Store};

const WRITERS: usize = 32;
const UPDATES_EACH: usize = 10;

/// Adds one to a counter until it got through.
async fn increment(store: &dyn Store, key: &str, on_queued: bool) {
    loop {
        let queued = if on_queued { store.queued(key.as_bytes()) } else { None };
        let (value, revision) = match queued {
            Some(queued) => queued,
            None => match store.get(key.as_bytes()).await.expect("get") {
                Some(record) => (Some(record.value), record.revision),
                None => (None, Revision(0)),
            },
        };
        let precondition = match &value {
            Some(_) => Precondition::KeyAt(bytes(key), revision),
            None => Precondition::KeyAbsent(bytes(key)),
        };
        match store.commit(only_if(precondition, put(key, &(count(value.as_ref()) + 1).to_string()))).await {
            Ok(_) => return,
            Err(error) => assert!(matches!(error, Error::Conflict), "{error}"),
        }
        tokio::task::yield_now().await;
    }
}

fn count(value: Option<&Bytes>) -> usize {
    value.map_or(0, |value| String::from_utf8_lossy(value).parse().expect("a counter holds a number"))
}

async fn race(stores: &[Arc<dyn Store>], on_queued: bool) {
    let writers: Vec<_> = stores
        .iter()
        .cycle()
        .take(WRITERS)
        .map(|store| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                for _ in 0..UPDATES_EACH {
                    increment(&*store, "hot", on_queued).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("writer");
    }
    for store in stores {
        assert_eq!(value(&**store, "hot").await, Some((WRITERS * UPDATES_EACH).to_string()), "updates were lost");
        assert_eq!(store.queued(b"hot"), None, "what is committed is not queued any more");
    }
}

pub(super) async fn no_update_of_a_hot_key_is_lost(store: Arc<dyn Store>) {
    race(&[store], false).await;
}

pub(super) async fn building_on_queued_values_loses_nothing(store: Arc<dyn Store>) {
    race(&[store], true).await;
}

pub(super) async fn two_handles_lose_no_update(stores: [Arc<dyn Store>; 2]) {
    race(&stores, false).await;
    race_is_over(&stores).await;
}

async fn race_is_over([a, b]: &[Arc<dyn Store>; 2]) {
    assert_eq!(a.head().await.expect("head"), b.head().await.expect("head"));
}

/// Units move between accounts in batches of two; whoever scans must always see the same sum.
pub(super) async fn transfers_keep_the_sum(store: Arc<dyn Store>) {
    const ACCOUNTS: usize = 8;
    let account = |n: usize| bytes(&format!("account/{}", n % ACCOUNTS));
    let puts = (0..ACCOUNTS).map(|n| (account(n), bytes("100"))).collect();
    commit(&*store, Batch { puts, ..Batch::default() }).await;
    let movers: Vec<_> = (0..8)
        .map(|mover: usize| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in 0..25 {
                    transfer(&*store, account(mover + n), account(mover + 3 * n + 1)).await;
                    assert_eq!(sum(&*store).await, 100 * ACCOUNTS, "half of a batch was seen");
                }
            })
        })
        .collect();
    for mover in movers {
        mover.await.expect("mover");
    }
}

/// Gives up on a conflict: the sum must hold either way.
async fn transfer(store: &dyn Store, from: Bytes, to: Bytes) {
    let (Some(a), Some(b)) = (store.get(&from).await.expect("get"), store.get(&to).await.expect("get")) else { return };
    let (a_count, b_count) = (count(Some(&a.value)), count(Some(&b.value)));
    if from == to || a_count == 0 {
        return;
    }
    let preconditions = vec![Precondition::KeyAt(from.clone(), a.revision), Precondition::KeyAt(to.clone(), b.revision)];
    let puts = vec![(from, bytes(&(a_count - 1).to_string())), (to, bytes(&(b_count + 1).to_string()))];
    let outcome = store.commit(Batch { puts, deletes: Vec::new(), preconditions }).await;
    assert!(matches!(outcome, Ok(_) | Err(Error::Conflict)), "{outcome:?}");
}

async fn sum(store: &dyn Store) -> usize {
    let page = store.scan(b"account/", None, 100).await.expect("scan");
    page.iter().map(|(_, record)| count(Some(&record.value))).sum()
}
