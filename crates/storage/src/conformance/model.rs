//! Random batches against a sorted map that does the same: the two must agree on everything that can be read.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::bytes;
use crate::{Batch, Error, Precondition, Revision, Store};

const STEPS: usize = 120;

/// A small reproducible source of choices (xorshift).
struct Choices(u64);

impl Choices {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n.max(1)
    }

    fn key(&mut self) -> Bytes {
        let parts = ["a", "b", "a/", "b/", "a\u{ff}", "0", "-", "a/b/"];
        let depth = 1 + self.below(3);
        bytes(&(0..depth).map(|_| parts.get(self.below(8) as usize).copied().unwrap_or("z")).collect::<String>())
    }
}

type Map = BTreeMap<Bytes, (Bytes, Revision)>;

/// The map, and when a key was last touched.
#[derive(Default)]
struct Model {
    map: Map,
    touched: BTreeMap<Bytes, Revision>,
}

impl Model {
    fn holds(&self, precondition: &Precondition) -> bool {
        match precondition {
            Precondition::KeyAt(key, revision) => self.map.get(key).is_some_and(|(_, at)| at == revision),
            Precondition::KeyAbsent(key) => !self.map.contains_key(key),
            Precondition::PrefixUnchanged(prefix, since) => {
                !self.touched.iter().any(|(key, at)| key.starts_with(prefix) && at > since)
            }
        }
    }

    fn apply(&mut self, batch: &Batch, revision: Revision) {
        for (key, value) in &batch.puts {
            self.map.insert(key.clone(), (value.clone(), revision));
            self.touched.insert(key.clone(), revision);
        }
        for key in &batch.deletes {
            self.map.remove(key);
            self.touched.insert(key.clone(), revision);
        }
    }

    fn names(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<Bytes> {
        let below = self.map.keys().filter_map(|key| key.strip_prefix(prefix)).filter(|rest| !rest.is_empty());
        let mut names: Vec<Bytes> = below
            .map(|rest| rest.split_inclusive(|b| *b == b'/').next().unwrap_or_default())
            .filter(|name| after.is_none_or(|after| *name > after))
            .map(Bytes::copy_from_slice)
            .collect();
        names.sort();
        names.dedup();
        names.truncate(limit);
        names
    }
}

pub(super) async fn agrees_with_a_sorted_map(store: &dyn Store, seed: u64) {
    let (mut choices, mut model) = (Choices(seed), Model::default());
    let mut head = Revision(0);
    for step in 0..STEPS {
        let batch = random_batch(&mut choices, &model, head, step);
        let holds = batch.preconditions.iter().all(|precondition| model.holds(precondition));
        match store.commit(batch.clone()).await {
            Ok(revision) => {
                assert!(holds, "seed {seed}, step {step}: accepted {batch:?}");
                model.apply(&batch, revision);
                head = revision;
            }
            Err(error) => assert!(!holds && matches!(error, Error::Conflict), "seed {seed}, step {step}: {error} for {batch:?}"),
        }
        compare(store, &model, &mut choices).await;
    }
}

fn random_batch(choices: &mut Choices, model: &Model, head: Revision, step: usize) -> Batch {
    let mut batch = Batch::default();
    let mut used = Vec::new();
    for _ in 0..1 + choices.below(5) {
        let key = choices.key();
        if used.contains(&key) {
            continue;
        }
        used.push(key.clone());
        match choices.below(3) {
            0 => batch.deletes.push(key),
            _ => batch.puts.push((key, bytes(&step.to_string()))),
        }
    }
    for _ in 0..choices.below(3) {
        let key = choices.key();
        let since = Revision(head.0.saturating_sub(choices.below(6)));
        let known = model.map.get(&key).map(|(_, revision)| *revision);
        batch.preconditions.push(match (choices.below(8), known) {
            (0, _) => Precondition::PrefixUnchanged(key, since),
            (1, _) => Precondition::KeyAt(key, since),
            (_, Some(revision)) => Precondition::KeyAt(key, revision),
            (_, None) => Precondition::KeyAbsent(key),
        });
    }
    batch
}

async fn compare(store: &dyn Store, model: &Model, choices: &mut Choices) {
    let key = choices.key();
    let record = store.get(&key).await.expect("get").map(|record| (record.value, record.revision));
    assert_eq!(record.as_ref(), model.map.get(&key), "get {key:?}");
    let prefix = if choices.below(4) == 0 { Bytes::new() } else { choices.key() };
    let after = (choices.below(2) == 0).then(|| choices.key());
    let limit = choices.below(12) as usize;
    let names = store.list(&prefix, after.as_deref(), limit).await.expect("list");
    assert_eq!(names, model.names(&prefix, after.as_deref(), limit), "list {prefix:?} after {after:?}");
    let page = store.scan(&prefix, after.as_deref(), limit).await.expect("scan");
    let expected = model
        .map
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after))
        .map(|(key, (value, revision))| (key.clone(), value.clone(), *revision));
    assert!(
        page.into_iter().map(|(key, record)| (key, record.value, record.revision)).eq(expected.take(limit)),
        "scan {prefix:?} after {after:?}"
    );
}
