//! Random interleavings of two transactions against a model that knows every answer and every conflict.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::testing::memory_view;
use crate::{Error, Intent, Revision, Txn, View};

const KEYS: [&str; 7] = ["f/a", "f/b", "f/d/1", "f/d/2", "f/d/e/3", "g", "h/1"];
const PREFIXES: [&str; 4] = ["f/", "f/d/", "h/", "d/none/"];

#[derive(Clone, Debug)]
enum Op {
    Get(usize),
    Put(usize, u8),
    Delete(usize),
    List(usize, Option<usize>, usize),
    Commit,
}

fn op() -> impl Strategy<Value = (usize, Op)> {
    let key = 0..KEYS.len();
    let op = prop_oneof![
        4 => key.clone().prop_map(Op::Get),
        4 => (key.clone(), any::<u8>()).prop_map(|(k, v)| Op::Put(k, v)),
        2 => key.clone().prop_map(Op::Delete),
        2 => (0..PREFIXES.len(), proptest::option::of(key), 1..5usize).prop_map(|(p, a, l)| Op::List(p, a, l)),
        2 => Just(Op::Commit),
    ];
    (0..2usize, op)
}

type Map = BTreeMap<&'static str, (u8, Revision)>;

/// What is committed, and when each key was last touched.
#[derive(Default)]
struct Model {
    committed: Map,
    touched: BTreeMap<&'static str, Revision>,
}

/// What the model knows of a transaction.
#[derive(Default)]
struct Known {
    /// Committed value and revision when first read.
    reads: BTreeMap<&'static str, Option<(u8, Revision)>>,
    lists: Vec<(&'static str, Revision)>,
    writes: BTreeMap<&'static str, Option<u8>>,
}

impl Model {
    fn revision(&self, key: &str) -> Option<Revision> {
        self.committed.get(key).map(|(_, revision)| *revision)
    }

    fn seen(&self, known: &Known) -> BTreeMap<&'static str, u8> {
        let mut seen: BTreeMap<_, _> = self.committed.iter().map(|(k, (v, _))| (*k, *v)).collect();
        for (key, value) in &known.writes {
            match value {
                Some(value) => seen.insert(key, *value),
                None => seen.remove(key),
            };
        }
        seen
    }

    fn conflicts(&self, known: &Known) -> bool {
        let read = known.reads.iter().any(|(key, read)| self.revision(key) != read.map(|(_, revision)| revision));
        let changed_since = |prefix: &str, head: Revision| self.touched.iter().any(|(k, r)| k.starts_with(prefix) && *r > head);
        read || known.lists.iter().any(|(prefix, head)| changed_since(prefix, *head))
    }

    fn commit(&mut self, known: &Known, revision: Revision) {
        for (key, value) in &known.writes {
            self.touched.insert(key, revision);
            match value {
                Some(value) => self.committed.insert(key, (*value, revision)),
                None => self.committed.remove(key),
            };
        }
    }
}

fn names(seen: &BTreeMap<&'static str, u8>, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
    let rests = seen.keys().filter_map(|key| key.strip_prefix(prefix));
    let names: BTreeSet<String> = rests.map(|rest| rest.split_inclusive('/').next().unwrap_or_default().to_owned()).collect();
    names.into_iter().filter(|n| after.is_none_or(|after| n.as_str() > after)).take(limit).collect()
}

async fn step(view: &View, model: &mut Model, txn: &mut Option<Txn>, known: &mut Known, op: Op) {
    let live = txn.get_or_insert_with(|| view.txn(Intent::Write));
    match op {
        Op::Get(k) => {
            let key = KEYS[k];
            let expected = match known.writes.get(key) {
                Some(own) => *own,
                // Read again, it is what it was.
                None => known.reads.entry(key).or_insert(model.committed.get(key).copied()).map(|(value, _)| value),
            };
            let entry = live.get(key.as_bytes()).await.unwrap();
            assert_eq!(entry.map(|e| e.value()[0]), expected);
        }
        Op::Put(k, v) => {
            live.put(KEYS[k], vec![v]);
            known.writes.insert(KEYS[k], Some(v));
        }
        Op::Delete(k) => {
            live.delete(KEYS[k]);
            known.writes.insert(KEYS[k], None);
        }
        Op::List(p, after, limit) => {
            let after = after.map(|k| KEYS[k].rsplit('/').next().unwrap_or_default());
            known.lists.push((PREFIXES[p], view.head().await.unwrap()));
            let listed = live.list(PREFIXES[p].as_bytes(), after.map(str::as_bytes), limit).await.unwrap();
            let listed: Vec<_> = listed.iter().map(|n| String::from_utf8(n.to_vec()).unwrap()).collect();
            assert_eq!(listed, names(&model.seen(known), PREFIXES[p], after, limit));
        }
        Op::Commit => {
            let outcome = txn.take().unwrap().commit().await;
            let known = std::mem::take(known);
            match outcome {
                Ok(_) if known.writes.is_empty() => {}
                Ok(revision) => {
                    assert!(!model.conflicts(&known));
                    model.commit(&known, revision);
                }
                Err(Error::Conflict) => assert!(model.conflicts(&known)),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn two_interleaved_transactions_do_what_the_model_says(ops in proptest::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let view = memory_view().await;
            let (mut model, mut txns, mut knowns) = (Model::default(), [None, None], [Known::default(), Known::default()]);
            for (who, op) in ops {
                step(&view, &mut model, &mut txns[who], &mut knowns[who], op).await;
            }
        });
    }
}
