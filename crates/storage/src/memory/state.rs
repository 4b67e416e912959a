//! The map itself and its history. Plain and synchronous; whoever holds the lock sees a whole revision.

use std::{
    collections::{BTreeMap, btree_map::Range},
    ops::Bound,
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    Batch, Change, ChangeStream, Error, Record, Replacement, Result, Revision,
    history::History,
    order::{child, list_start, past_child, scan_start},
};

pub(super) struct State {
    records: BTreeMap<Bytes, Record>,
    head: Revision,
    history: History,
}

impl Default for State {
    fn default() -> Self {
        let head = Revision::default();
        Self { records: BTreeMap::new(), head, history: History::starting_at(head) }
    }
}

impl State {
    pub(super) fn head(&self) -> Revision {
        self.head
    }

    pub(super) fn record(&self, key: &[u8]) -> Option<&Record> {
        self.records.get(key)
    }

    pub(super) fn watch(&mut self, prefix: &[u8], from: Revision) -> ChangeStream {
        self.history.watch(prefix, from)
    }

    /// All or nothing. Errors: `Conflict`.
    pub(super) fn apply(&mut self, batch: Batch) -> Result<Arc<[Change]>> {
        let revision = Revision(self.head.0.saturating_add(1));
        let (changes, preconditions) = batch.into_changes(revision);
        for precondition in &preconditions {
            let at = |key: &Bytes| Ok(self.record(key).map(|record| record.revision));
            if !precondition.holds(at, |prefix, since| self.history.unchanged_since(prefix, since))? {
                return Err(Error::Conflict);
            }
        }
        for Change { key, value, revision } in changes.iter() {
            match value {
                Some(value) => self.records.insert(key.clone(), Record { value: value.clone(), revision: *revision }),
                None => self.records.remove(key),
            };
        }
        self.head = revision;
        self.history.record(&changes);
        Ok(changes)
    }

    pub(super) fn list(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<Bytes> {
        let mut names: Vec<Bytes> = Vec::new();
        let mut from = list_start(prefix, after);
        while names.len() < limit
            && let Some((key, _)) = self.from(&from).next()
            && let Some(rest) = key.strip_prefix(prefix)
        {
            let name = child(rest);
            if after.is_none_or(|after| name > after) {
                names.push(key.slice_ref(name));
            }
            from = past_child(prefix, name);
        }
        names
    }

    pub(super) fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<(Bytes, Record)> {
        let from = scan_start(prefix, after);
        let below = self.from(&from).take_while(|(key, _)| key.starts_with(prefix));
        below.take(limit).map(|(key, record)| (key.clone(), record.clone())).collect()
    }

    pub(super) fn all(&self) -> (BTreeMap<Bytes, Record>, Revision) {
        (self.records.clone(), self.head)
    }

    /// All or nothing.
    pub(super) fn replace(&mut self, with: Replacement) -> Result<Revision> {
        let is_kept = |key: &Bytes| Replacement::is_kept(&with.keeps, key);
        let mut records = BTreeMap::new();
        for entry in with.contents {
            let (key, record) = entry?;
            if !is_kept(&key) {
                records.insert(key, record);
            }
        }
        let kept = self.records.iter().filter(|(key, _)| is_kept(key));
        records.extend(kept.map(|(key, record)| (key.clone(), record.clone())));
        let head = Revision(self.head.max(with.revision).0.saturating_add(1));
        records.extend(with.puts.into_iter().map(|(key, value)| (key, Record { value, revision: head })));
        (self.records, self.head, self.history) = (records, head, History::starting_at(head));
        Ok(head)
    }

    fn from(&self, key: &[u8]) -> Range<'_, Bytes, Record> {
        self.records.range::<[u8], _>((Bound::Included(key), Bound::Unbounded))
    }
}
