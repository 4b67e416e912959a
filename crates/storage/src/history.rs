//! What changed lately: a bounded log that answers `PrefixUnchanged` and feeds watchers. What it has forgotten it never
//! guesses: an older revision counts as changed, and a watcher that can't be told everything is ended with an error.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{Change, ChangeStream, Error, Result, Revision};

/// Most commits remembered.
pub(crate) const HISTORY_COMMITS_MAX: usize = 4096;
/// Most bytes of keys and values remembered.
pub(crate) const HISTORY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Commits a watcher may lag behind, beyond what it was given at its start.
pub(crate) const WATCH_LAG_COMMITS_MAX: usize = 1024;

pub(crate) struct History {
    commits: VecDeque<Arc<[Change]>>,
    bytes: usize,
    /// INVARIANT: every change after this revision is in `commits`.
    forgotten: Revision,
    watchers: Vec<Watcher>,
}

impl History {
    pub(crate) fn starting_at(head: Revision) -> Self {
        Self { commits: VecDeque::new(), bytes: 0, forgotten: head, watchers: Vec::new() }
    }

    /// True when surely no key that starts with the prefix changed after `since`.
    pub(crate) fn unchanged_since(&self, prefix: &[u8], since: Revision) -> bool {
        since >= self.forgotten && !self.after(since).any(|commit| commit.iter().any(|change| change.key.starts_with(prefix)))
    }

    /// Takes the next commit and tells the watchers.
    pub(crate) fn record(&mut self, commit: &Arc<[Change]>) {
        if commit.is_empty() {
            return;
        }
        self.watchers.retain_mut(|watcher| watcher.tell(commit));
        self.bytes = self.bytes.saturating_add(size_bytes(commit));
        self.commits.push_back(Arc::clone(commit));
        while self.commits.len() > HISTORY_COMMITS_MAX || self.bytes > HISTORY_BYTES_MAX {
            let Some(oldest) = self.commits.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(size_bytes(&oldest));
            self.forgotten = revision_of(&oldest);
        }
    }

    pub(crate) fn watch(&mut self, prefix: &[u8], from: Revision) -> ChangeStream {
        let missed: Vec<_> = self.after(from).filter_map(|commit| below(commit, prefix)).collect();
        // one more for the error that ends the stream
        let capacity = missed.len().saturating_add(WATCH_LAG_COMMITS_MAX).saturating_add(1);
        let (tx, rx) = mpsc::channel(capacity);
        let Ok(last_word) = tx.clone().try_reserve_owned() else { return rx };
        if from < self.forgotten {
            last_word.send(Err(Error::Unavailable(format!("changes after revision {} are no longer known", from.0))));
            return rx;
        }
        if missed.into_iter().all(|commit| tx.try_send(Ok(commit)).is_ok()) {
            self.watchers.push(Watcher { prefix: Bytes::copy_from_slice(prefix), from, tx, last_word: Some(last_word) });
        }
        rx
    }

    /// Commits after a revision, oldest first.
    fn after(&self, since: Revision) -> impl Iterator<Item = &Arc<[Change]>> {
        let first = self.commits.partition_point(|commit| revision_of(commit) <= since);
        self.commits.iter().skip(first)
    }
}

struct Watcher {
    prefix: Bytes,
    from: Revision,
    tx: mpsc::Sender<Result<Arc<[Change]>>>,
    /// A place in the channel that is kept free, so that a full one can still be ended with an error.
    last_word: Option<mpsc::OwnedPermit<Result<Arc<[Change]>>>>,
}

impl Watcher {
    /// False when the watcher is gone or was ended.
    fn tell(&mut self, commit: &Arc<[Change]>) -> bool {
        if self.tx.is_closed() {
            return false;
        }
        if revision_of(commit) <= self.from {
            return true;
        }
        let Some(seen) = below(commit, &self.prefix) else { return true };
        if self.tx.try_send(Ok(seen)).is_ok() {
            return true;
        }
        if let Some(last_word) = self.last_word.take() {
            last_word.send(Err(Error::Unavailable("the watcher lags too far behind".to_owned())));
        }
        false
    }
}

/// The changes below a prefix, None when there are none.
fn below(commit: &Arc<[Change]>, prefix: &[u8]) -> Option<Arc<[Change]>> {
    let matches = |change: &&Change| change.key.starts_with(prefix);
    match commit.iter().filter(matches).count() {
        0 => None,
        n if n == commit.len() => Some(Arc::clone(commit)),
        _ => Some(commit.iter().filter(matches).cloned().collect()),
    }
}

fn revision_of(commit: &[Change]) -> Revision {
    commit.first().map_or_else(Revision::default, |change| change.revision)
}

fn size_bytes(commit: &[Change]) -> usize {
    let size = |c: &Change| c.key.len().saturating_add(c.value.as_ref().map_or(0, Bytes::len));
    commit.iter().map(size).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(revision: u64, keys: &[&'static str]) -> Arc<[Change]> {
        let value = Some(Bytes::from_static(b"v"));
        keys.iter()
            .map(|k| Change { key: Bytes::from_static(k.as_bytes()), value: value.clone(), revision: Revision(revision) })
            .collect()
    }

    #[test]
    fn what_was_forgotten_counts_as_changed() {
        let mut history = History::starting_at(Revision(7));
        for revision in 8..8 + HISTORY_COMMITS_MAX as u64 {
            history.record(&commit(revision, &["a/1"]));
        }
        assert!(history.unchanged_since(b"b", Revision(7)), "full but not beyond");
        assert!(!history.unchanged_since(b"b", Revision(6)), "before the start");
        history.record(&commit(1_000_000, &["a/1"]));
        assert!(!history.unchanged_since(b"b", Revision(7)), "the oldest commit was dropped");
        assert!(history.unchanged_since(b"b", Revision(8)));
        assert!(!history.unchanged_since(b"a", Revision(999_999)));
        assert!(history.unchanged_since(b"a", Revision(1_000_000)));
        assert_eq!(history.commits.len(), HISTORY_COMMITS_MAX);
    }

    #[test]
    fn memory_is_bounded_in_bytes() {
        let mut history = History::starting_at(Revision(0));
        let value = Bytes::from(vec![0; HISTORY_BYTES_MAX / 4]);
        for revision in 1..=20 {
            let change = Change { key: Bytes::from_static(b"k"), value: Some(value.clone()), revision: Revision(revision) };
            history.record(&Arc::from([change]));
        }
        assert!(history.bytes <= HISTORY_BYTES_MAX && history.commits.len() == 3);
    }

    #[test]
    fn a_slow_watcher_is_ended_with_an_error_after_all_it_was_told() {
        let mut history = History::starting_at(Revision(0));
        let mut stream = history.watch(b"a/", Revision(0));
        for revision in 1..=WATCH_LAG_COMMITS_MAX as u64 + 5 {
            history.record(&commit(revision, &["a/x", "b/y"]));
        }
        for revision in 1..=WATCH_LAG_COMMITS_MAX as u64 {
            assert_eq!(stream.try_recv().unwrap().unwrap(), commit(revision, &["a/x"]));
        }
        assert!(matches!(stream.try_recv(), Ok(Err(Error::Unavailable(_)))));
        assert!(matches!(stream.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)));
        assert!(history.watchers.is_empty());
    }

    #[test]
    fn a_watcher_that_went_away_is_dropped() {
        let mut history = History::starting_at(Revision(0));
        drop(history.watch(b"", Revision(0)));
        history.record(&commit(1, &["a"]));
        assert!(history.watchers.is_empty());
    }
}
