//! Batches: all or nothing, only while their preconditions hold, within the limits.

use super::{bytes, commit, delete, only_if, put, value};
use crate::{
    BATCH_BYTES_MAX, BATCH_OPS_MAX, BATCH_PRECONDITIONS_MAX, Batch, Error, KEY_BYTES_MAX,
    Precondition::{KeyAbsent, KeyAt, PrefixUnchanged},
    Revision, Store,
};

pub(super) async fn revisions_rise(store: &dyn Store) {
    assert_eq!(store.head().await.expect("head"), Revision(0), "a fresh store is before its first commit");
    let mut last = Revision(0);
    for n in 0..20 {
        let revision = commit(store, if n % 5 == 4 { delete("a") } else { put("a", &n.to_string()) }).await;
        assert!(revision > last, "a later commit has a later revision");
        assert_eq!(store.head().await.expect("head"), revision);
        let record = store.get(b"a").await.expect("get");
        assert_eq!(record.map(|r| r.revision), (n % 5 != 4).then_some(revision), "a record is at the commit that wrote it");
        last = revision;
    }
    let nothing = commit(store, Batch::default()).await;
    assert!(nothing >= last, "an empty batch is a commit without changes");
}

pub(super) async fn a_batch_happens_as_a_whole(store: &dyn Store) {
    commit(store, put("old", "1")).await;
    let both = || Batch { puts: vec![(bytes("new"), bytes("2"))], deletes: vec![bytes("old")], ..Batch::default() };
    let refused = store.commit(only_if(KeyAbsent(bytes("old")), both())).await;
    assert!(matches!(refused, Err(Error::Conflict)));
    assert_eq!((value(store, "old").await, value(store, "new").await), (Some("1".to_owned()), None), "nothing happened");
    let revision = commit(store, both()).await;
    assert_eq!((value(store, "old").await, value(store, "new").await), (None, Some("2".to_owned())), "all happened");
    assert_eq!(store.get(b"new").await.expect("get").map(|r| r.revision), Some(revision));
    commit(store, delete("never there")).await;
}

pub(super) async fn preconditions_hold_or_conflict(store: &dyn Store) {
    let first = commit(store, put("a", "1")).await;
    let second = commit(store, put("a", "2")).await;
    for (precondition, holds) in [
        (KeyAt(bytes("a"), second), true),
        (KeyAt(bytes("a"), first), false),
        (KeyAt(bytes("a"), Revision(second.0 + 1)), false),
        (KeyAt(bytes("b"), second), false),
        (KeyAt(bytes("b"), Revision(0)), false),
        (KeyAbsent(bytes("b")), true),
        (KeyAbsent(bytes("a")), false),
        (PrefixUnchanged(bytes("a"), first), false),
        (PrefixUnchanged(bytes("a"), second), true),
        (PrefixUnchanged(bytes("b"), second), true),
    ] {
        let outcome = store.commit(only_if(precondition.clone(), put("other", "x"))).await;
        assert!(matches!((&outcome, holds), (Ok(_), true) | (Err(Error::Conflict), false)), "{precondition:?}: {outcome:?}");
    }
    let mixed = Batch { preconditions: vec![KeyAbsent(bytes("b")), KeyAbsent(bytes("a"))], ..put("b", "x") };
    assert!(store.commit(mixed).await.is_err(), "one that fails is enough");
    commit(store, only_if(KeyAt(bytes("a"), second), delete("a"))).await;
    commit(store, only_if(KeyAbsent(bytes("a")), put("a", "3"))).await;
    let check_only = only_if(KeyAbsent(bytes("a")), Batch::default());
    assert!(matches!(store.commit(check_only).await, Err(Error::Conflict)), "an empty batch is judged as well");
}

pub(super) async fn a_prefix_is_changed_by_deletes_too(store: &dyn Store) {
    commit(store, put("dir/a", "1")).await;
    commit(store, put("dir/b", "1")).await;
    let seen = commit(store, put("elsewhere", "1")).await;
    let unchanged = || PrefixUnchanged(bytes("dir/"), seen);
    commit(store, only_if(unchanged(), put("index", "a,b"))).await;
    commit(store, put("dir", "not below")).await;
    commit(store, only_if(unchanged(), put("index", "a,b"))).await;
    let deleted = commit(store, delete("dir/a")).await;
    assert!(matches!(store.commit(only_if(unchanged(), put("index", "a,b"))).await, Err(Error::Conflict)));
    commit(store, only_if(PrefixUnchanged(bytes("dir/"), deleted), put("index", "b"))).await;
    commit(store, put("dir/deeper/c", "1")).await;
    let stale = only_if(PrefixUnchanged(bytes("dir/"), deleted), put("index", "b"));
    assert!(matches!(store.commit(stale).await, Err(Error::Conflict)));
}

pub(super) async fn limits_are_kept(store: &dyn Store) {
    let numbered = |n: usize| (bytes(&format!("k{n}")), bytes("v"));
    let puts = |n: usize| Batch { puts: (0..n).map(numbered).collect(), ..Batch::default() };
    let key = |n: usize| put(&"k".repeat(n), "v");
    let size = |n: usize| put("k", &"v".repeat(n - 1));
    let checks = |n: usize| Batch { preconditions: vec![KeyAbsent(bytes("none")); n], ..put("k", "v") };
    let twice = Batch { deletes: vec![bytes("k")], ..put("k", "v") };
    for (batch, fits) in [
        (puts(BATCH_OPS_MAX), true),
        (puts(BATCH_OPS_MAX + 1), false),
        (key(KEY_BYTES_MAX), true),
        (key(KEY_BYTES_MAX + 1), false),
        (key(0), false),
        (size(BATCH_BYTES_MAX), true),
        (size(BATCH_BYTES_MAX + 1), false),
        (checks(BATCH_PRECONDITIONS_MAX), true),
        (checks(BATCH_PRECONDITIONS_MAX + 1), false),
        (twice, false),
    ] {
        let before = store.head().await.expect("head");
        let outcome = store.commit(batch).await;
        assert!(matches!((&outcome, fits), (Ok(_), true) | (Err(Error::TooLarge(_)), false)), "{outcome:?}");
        assert_eq!(store.head().await.expect("head") > before, fits);
    }
    assert_eq!(value(store, "k").await.map(|v| v.len()), Some(1), "the last put that fits");
}

pub(super) async fn a_batch_is_not_taken_back(store: &dyn Store) {
    drop(store.commit(put("a", "1")));
    commit(store, put("b", "1")).await;
    assert_eq!(value(store, "a").await, Some("1".to_owned()), "handed over by the call, in the order of calls");
}
