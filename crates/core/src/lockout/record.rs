//! A row of the store: the failures of the names that share a slot. Bounded, so that random names can't fill the store:
//! where a row is full, the name with the fewest and oldest failures goes.

use serde::{Deserialize, Serialize};
use strongroom_types::Timestamp;

use super::rules::Rules;

/// Names of one row.
const NAMES_MAX: usize = 64;

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub names: Vec<Failures>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    pub name: String,
    pub count: u32,
    pub last: Timestamp,
}

impl Failures {
    pub fn is_locked(&self, rules: &Rules, now: Timestamp) -> bool {
        self.count >= rules.threshold && now < self.last.plus(rules.duration)
    }

    /// Whether they count at all: a lock that is over, or failures long ago, are forgotten.
    pub fn counts(&self, rules: &Rules, now: Timestamp) -> bool {
        self.is_locked(rules, now) || (self.count < rules.threshold && now < self.last.plus(rules.counter_reset))
    }
}

impl Row {
    /// Failures of a name that still count.
    pub fn find(&self, name: &str, rules: &Rules, now: Timestamp) -> Option<&Failures> {
        self.names.iter().find(|f| f.name == name && f.counts(rules, now))
    }

    pub fn forget_what_is_over(&mut self, rules: &Rules, now: Timestamp) {
        self.names.retain(|f| f.counts(rules, now));
    }

    /// Adds a failure. What no longer counts goes.
    pub fn add(&mut self, name: &str, rules: &Rules, now: Timestamp) {
        self.forget_what_is_over(rules, now);
        match self.names.iter_mut().find(|f| f.name == name) {
            Some(found) => (found.count, found.last) = (found.count.saturating_add(1), now),
            None => {
                self.make_room();
                self.names.push(Failures { name: name.to_owned(), count: 1, last: now });
            }
        }
    }

    fn make_room(&mut self) {
        if self.names.len() < NAMES_MAX {
            return;
        }
        let least = self.names.iter().enumerate().min_by_key(|(_, f)| (f.count, f.last)).map(|(index, _)| index);
        if let Some(index) = least {
            self.names.swap_remove(index);
        }
    }

    /// Whether there was something to remove.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.names.len();
        self.names.retain(|f| f.name != name);
        self.names.len() < before
    }
}
