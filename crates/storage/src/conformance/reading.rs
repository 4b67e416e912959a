//! Listing and scanning: sorted, complete, in pages that join, for keys of any bytes.

use bytes::Bytes;

use super::{commit, put};
use crate::{Batch, Store};

async fn fill(store: &dyn Store, keys: &[&[u8]]) {
    for chunk in keys.chunks(100) {
        let puts = chunk.iter().map(|key| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(key))).collect();
        commit(store, Batch { puts, ..Batch::default() }).await;
    }
}

async fn names(store: &dyn Store, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<Bytes> {
    store.list(prefix, after, limit).await.expect("list")
}

async fn keys(store: &dyn Store, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<Bytes> {
    let page = store.scan(prefix, after, limit).await.expect("scan");
    assert!(page.iter().all(|(key, record)| record.value == key), "each key comes with its own value");
    page.into_iter().map(|(key, _)| key).collect()
}

pub(super) async fn names_stand_once_in_order(store: &dyn Store) {
    fill(store, &[b"a/x", b"a", b"a-b", b"a/y/z", b"a/y/zz", b"b/", b"b/c", b"c", b"A"]).await;
    assert_eq!(names(store, b"", None, 99).await, ["A", "a", "a-b", "a/", "b/", "c"], "a key and a folder of one name");
    assert_eq!(names(store, b"a/", None, 99).await, ["x", "y/"]);
    assert_eq!(names(store, b"a/y/", None, 99).await, ["z", "zz"]);
    assert_eq!(names(store, b"b/", None, 99).await, ["c"], "the key that equals the folder has no name in it");
    assert_eq!(names(store, b"a", None, 99).await, ["-b", "/"], "a prefix need not be a folder");
    assert_eq!(names(store, b"nothing/", None, 99).await, Vec::<Bytes>::new());
    for (after, rest) in [("A", 5), ("a", 4), ("a-", 4), ("a-b", 3), ("a/", 2), ("a/zzz", 2), ("b", 2), ("b/", 1), ("c", 0)] {
        let found = names(store, b"", Some(after.as_bytes()), 99).await;
        assert_eq!(found.len(), rest, "after `{after}`: {found:?}");
    }
    assert_eq!(names(store, b"", None, 2).await, ["A", "a"]);
    assert_eq!(names(store, b"", None, 0).await, Vec::<Bytes>::new());
    assert_eq!(keys(store, b"a", None, 99).await, ["a", "a-b", "a/x", "a/y/z", "a/y/zz"]);
    assert_eq!(keys(store, b"a/", Some(b"a/x"), 1).await, ["a/y/z"]);
    assert_eq!(keys(store, b"b", Some(b"a"), 99).await, ["b/", "b/c"], "an `after` before the prefix");
    assert_eq!(keys(store, b"a", Some(b"c"), 99).await, Vec::<Bytes>::new(), "an `after` beyond the prefix");
    assert_eq!(keys(store, b"a", None, 0).await, Vec::<Bytes>::new());
}

pub(super) async fn pages_join_without_gap(store: &dyn Store) {
    let made: Vec<String> = (0..300).map(|n| format!("p/{n:03}{}", ["", "/x", "/y"].get(n % 3).unwrap_or(&""))).collect();
    fill(store, &made.iter().map(String::as_bytes).collect::<Vec<_>>()).await;
    commit(store, put("q", "q")).await;
    for limit in [1, 7, 100, 300, 1000] {
        let mut listed: Vec<Bytes> = Vec::new();
        loop {
            let page = names(store, b"p/", listed.last().map(Bytes::as_ref), limit).await;
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            listed.extend(page);
        }
        assert!(listed.len() == 300 && listed.is_sorted(), "list in pages of {limit}");
        let mut scanned: Vec<Bytes> = Vec::new();
        loop {
            let page = keys(store, b"p/", scanned.last().map(Bytes::as_ref), limit).await;
            if page.is_empty() {
                break;
            }
            scanned.extend(page);
        }
        assert!(scanned.iter().eq(made.iter().map(String::as_bytes)), "scan in pages of {limit}");
    }
}

pub(super) async fn keys_are_plain_bytes(store: &dyn Store) {
    let all: [&[u8]; 8] = [b"\0", b"\0/\0", b"f\xff", b"f\xff/\xff\xff", b"f\xff\xff", b"g", b"\xff", b"\xff\xff/\xff"];
    fill(store, &all).await;
    let expected: Vec<&[u8]> = vec![b"\0", b"\0/", b"f\xff", b"f\xff/", b"f\xff\xff", b"g", b"\xff", b"\xff\xff/"];
    assert_eq!(names(store, b"", None, 99).await, expected);
    assert_eq!(keys(store, b"f\xff", None, 99).await, all.get(2..5).unwrap_or_default());
    assert_eq!(keys(store, b"\xff", None, 99).await, all.get(6..).unwrap_or_default(), "nothing comes after such a prefix");
    assert_eq!(names(store, b"\xff\xff/", None, 99).await, [b"\xff".as_slice()]);
    for key in all {
        let record = store.get(key).await.expect("get");
        assert_eq!(record.map(|r| r.value), Some(Bytes::copy_from_slice(key)));
    }
    commit(store, Batch { puts: vec![(Bytes::from_static(b"empty"), Bytes::new())], ..Batch::default() }).await;
    assert_eq!(store.get(b"empty").await.expect("get").map(|r| r.value.len()), Some(0), "an empty value is a value");
}

pub(super) async fn folders_of_any_size_are_one_name(store: &dyn Store) {
    let sizes = [("a", 1), ("b", 11), ("c", 12), ("d", 13), ("e", 14), ("f", 300), ("g", 1)];
    let made: Vec<String> = sizes.iter().flat_map(|(folder, size)| (0..*size).map(move |n| format!("t/{folder}/{n}"))).collect();
    fill(store, &made.iter().map(String::as_bytes).collect::<Vec<_>>()).await;
    assert_eq!(names(store, b"t/", None, 99).await, ["a/", "b/", "c/", "d/", "e/", "f/", "g/"]);
    assert_eq!(names(store, b"t/", Some(b"e/"), 99).await, ["f/", "g/"]);
    assert_eq!(names(store, b"t/", Some(b"f/2"), 99).await, ["g/"]);
    assert_eq!(names(store, b"t/f/", None, 999).await.len(), 300);
}
