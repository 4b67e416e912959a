//! What every store promises, as tests: written against the trait alone, run by each implementation on fresh stores.
//! It panics where a promise is broken, so it must only be called from tests. It asserts nothing about time.

#![expect(clippy::expect_used, clippy::arithmetic_side_effects, reason = "a broken promise must fail the test that runs this")]

mod batches;
mod contention;
mod model;
mod reading;
mod watching;

use std::sync::Arc;

use bytes::Bytes;

use crate::{Batch, Precondition, Revision, Store};

/// Checks all promises of one handle. `make` makes an empty store each time it is called.
pub async fn suite(make: impl AsyncFn() -> Arc<dyn Store>) {
    batches::revisions_rise(&*make().await).await;
    batches::a_batch_happens_as_a_whole(&*make().await).await;
    batches::preconditions_hold_or_conflict(&*make().await).await;
    batches::a_prefix_is_changed_by_deletes_too(&*make().await).await;
    batches::limits_are_kept(&*make().await).await;
    batches::a_batch_is_not_taken_back(&*make().await).await;
    reading::names_stand_once_in_order(&*make().await).await;
    reading::pages_join_without_gap(&*make().await).await;
    reading::keys_are_plain_bytes(&*make().await).await;
    reading::folders_of_any_size_are_one_name(&*make().await).await;
    watching::a_watch_tells_all_after_its_revision(&*make().await).await;
    watching::a_watch_that_starts_in_the_dark_is_ended(&*make().await).await;
    watching::publishing_comes_first_and_in_order(make().await).await;
    contention::no_update_of_a_hot_key_is_lost(make().await).await;
    contention::building_on_queued_values_loses_nothing(make().await).await;
    contention::transfers_keep_the_sum(make().await).await;
    for seed in 1..=8 {
        model::agrees_with_a_sorted_map(&*make().await, seed).await;
    }
}

/// Checks what holds between two handles that are not alone. `make` makes two handles of one empty store.
pub async fn shared_suite(make: impl AsyncFn() -> [Arc<dyn Store>; 2]) {
    watching::a_watch_sees_what_others_commit(make().await).await;
    contention::two_handles_lose_no_update(make().await).await;
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put(key: &str, value: &str) -> Batch {
    Batch { puts: vec![(bytes(key), bytes(value))], ..Batch::default() }
}

fn delete(key: &str) -> Batch {
    Batch { deletes: vec![bytes(key)], ..Batch::default() }
}

fn only_if(precondition: Precondition, batch: Batch) -> Batch {
    Batch { preconditions: vec![precondition], ..batch }
}

async fn commit(store: &dyn Store, batch: Batch) -> Revision {
    store.commit(batch).await.expect("the commit must succeed")
}

async fn value(store: &dyn Store, key: &str) -> Option<String> {
    let record = store.get(key.as_bytes()).await.expect("the read must succeed")?;
    Some(String::from_utf8_lossy(&record.value).into_owned())
}
