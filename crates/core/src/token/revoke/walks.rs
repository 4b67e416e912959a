//! Revocations that run at the same time on one node. Two that meet in one tree share the work, and each must know when the
//! other's part is done, or it would answer while tokens of its own tree are still honoured.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_engine::{Error, Result};
use tokio::sync::watch;

/// All that are on their way.
#[derive(Default)]
pub struct Walks(Arc<Mutex<Vec<Arc<Walk>>>>);

struct Walk {
    /// Where it began, and the parents of those.
    tops: Vec<String>,
    parents: Vec<String>,
    /// All that it ended or found ended, its tops among them.
    ended: Mutex<BTreeSet<String>>,
    /// True when nothing is left below its tops, but for what others are busy with.
    through: watch::Sender<Option<bool>>,
}

/// One revocation on its way; it leaves the list when dropped.
pub struct Walking {
    walk: Arc<Walk>,
    all: Arc<Mutex<Vec<Arc<Walk>>>>,
}

impl Walks {
    pub fn begin(&self, tops: &[String], parents: Vec<String>) -> Walking {
        let ended = Mutex::new(tops.iter().cloned().collect());
        let walk = Arc::new(Walk { tops: tops.to_vec(), parents, ended, through: watch::Sender::new(None) });
        locked(&self.0).push(walk.clone());
        Walking { walk, all: self.0.clone() }
    }

    /// Waits until all that met this one are through too. Each first ends its own part and then waits, so they never wait in a
    /// ring. Errors: `Unavailable` when one of them failed; the background work ends its part.
    pub async fn wait_for_others(&self, mine: Walking) -> Result<()> {
        let mut tree = locked(&mine.walk.ended).clone();
        let mut waited_for: Vec<Arc<Walk>> = vec![mine.walk.clone()];
        while let Some(other) = self.next_met(&mine.walk, &tree, &waited_for) {
            let mut through = other.through.subscribe();
            let outcome = through.wait_for(Option::is_some).await.map(|outcome| *outcome);
            if !matches!(outcome, Ok(Some(true))) {
                return Err(Error::Unavailable("tokens below are still being revoked, try again".into()));
            }
            tree.extend(locked(&other.ended).iter().cloned());
            waited_for.push(other);
        }
        Ok(())
    }

    fn next_met(&self, mine: &Walk, tree: &BTreeSet<String>, not: &[Arc<Walk>]) -> Option<Arc<Walk>> {
        let all = locked(&self.0);
        let met = all.iter().find(|other| !not.iter().any(|n| Arc::ptr_eq(n, other)) && other.meets(mine, tree));
        met.cloned()
    }
}

impl Walk {
    /// Whether it began within the tree, or passed through where `mine` began.
    fn meets(&self, mine: &Self, tree: &BTreeSet<String>) -> bool {
        let begins_within = self.tops.iter().chain(&self.parents).any(|family| tree.contains(family));
        begins_within || mine.tops.iter().any(|top| locked(&self.ended).contains(top))
    }
}

impl Walking {
    /// Tokens that it is about to end.
    pub fn ends(&mut self, families: &[String]) {
        locked(&self.walk.ended).extend(families.iter().cloned());
    }

    pub fn is_through(&self) {
        self.walk.through.send_replace(Some(true));
    }
}

impl Drop for Walking {
    fn drop(&mut self) {
        // Whoever waits for a part that was given up must not take it for done.
        self.walk.through.send_if_modified(|through| through.is_none() && through.replace(false).is_none());
        locked(&self.all).retain(|other| !Arc::ptr_eq(other, &self.walk));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Walks;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    async fn waits(walks: &Walks, mine: super::Walking) -> bool {
        tokio::time::timeout(Duration::from_millis(20), walks.wait_for_others(mine)).await.is_err()
    }

    #[tokio::test]
    async fn only_what_meets_in_one_tree_waits() {
        let walks = Walks::default();
        let mut below = walks.begin(&names("c"), names("b"));
        below.ends(&names("d"));
        let begin = |top: &str, ended: &str| {
            let mut mine = walks.begin(&names(top), Vec::new());
            mine.ends(&names(ended));
            mine
        };
        assert!(!waits(&walks, begin("x", "y z")).await, "another tree");
        assert!(waits(&walks, begin("a", "b")).await, "a part of it is ended by the other");
        assert!(waits(&walks, begin("d", "")).await, "the other passed through its top");
        below.is_through();
        assert!(!waits(&walks, begin("a", "b")).await && !waits(&walks, begin("d", "")).await);
    }

    #[tokio::test]
    async fn a_chain_of_three_is_waited_for_to_its_end() {
        let walks = Walks::default();
        let middle = walks.begin(&names("c"), names("b"));
        let last = walks.begin(&names("e"), names("c"));
        middle.is_through();
        let top = walks.begin(&names("b"), Vec::new());
        assert!(waits(&walks, top).await, "what the middle one met is not through");
        last.is_through();
        assert!(!waits(&walks, walks.begin(&names("b"), Vec::new())).await);
    }

    #[tokio::test]
    async fn a_part_that_was_given_up_is_not_taken_for_done() {
        let walks = std::sync::Arc::new(Walks::default());
        let other = walks.begin(&names("b"), names("a"));
        let mine = walks.begin(&names("a"), Vec::new());
        let waiting = tokio::spawn({
            let walks = walks.clone();
            async move { walks.wait_for_others(mine).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(other);
        assert!(waiting.await.unwrap().is_err());
        assert!(super::locked(&walks.0).is_empty());
    }
}
