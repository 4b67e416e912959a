//! Random runs of an embedded store, reopened now and then, against a sorted map.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use strongroom_storage::{Batch, Store};

use crate::embedded::open;

#[derive(Clone, Debug)]
enum Step {
    /// Batches handed over together; None deletes.
    Commit(Vec<BTreeMap<Vec<u8>, Option<Vec<u8>>>>),
    Reopen,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'/'), Just(0), Just(0xff)], 1..6)
}

fn step() -> impl Strategy<Value = Step> {
    let batch = proptest::collection::btree_map(key(), proptest::option::weighted(0.7, vec(any::<u8>(), 0..40)), 1..8);
    prop_oneof![6 => vec(batch, 1..20).prop_map(Step::Commit), 1 => Just(Step::Reopen)]
}

fn batch(changes: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in changes {
        match value {
            Some(value) => batch.puts.push((key.clone().into(), value.clone().into())),
            None => batch.deletes.push(key.clone().into()),
        }
    }
    batch
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn it_holds_what_a_sorted_map_holds(steps in vec(step(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Some(open(&folder));
            let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Reopen => {
                        drop(store.take());
                        store = Some(open(&folder));
                    }
                    Step::Commit(batches) => {
                        let store = store.as_ref().unwrap();
                        let waiting: Vec<_> = batches.iter().map(|changes| store.commit(batch(changes))).collect();
                        for commit in waiting {
                            commit.await.unwrap();
                        }
                        for (key, value) in batches.into_iter().flatten() {
                            match value {
                                Some(value) => drop(model.insert(key, value)),
                                None => drop(model.remove(&key)),
                            }
                        }
                    }
                }
                let found = store.as_ref().unwrap().scan(b"", None, 1000).await.unwrap();
                let found: Vec<_> = found.into_iter().map(|(key, record)| (key, record.value)).collect();
                let expected: Vec<_> =
                    model.iter().map(|(k, v)| (Bytes::copy_from_slice(k), Bytes::copy_from_slice(v))).collect();
                assert_eq!(found, expected);
            }
        });
    }
}
