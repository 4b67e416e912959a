//! What the rig knows about a thing it made in the server: the state that was acknowledged last, and the state that an
//! unanswered request may or may not have brought about. After a crash the thing must be in one of the two, whole.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::Value;

use super::thing::Thing;

/// One version of a secret.
#[derive(Debug, Clone, PartialEq)]
pub enum Version {
    Live(Value),
    /// Soft deleted; undelete must bring the value back.
    Deleted(Value),
    Destroyed,
}

/// A KV v2 secret: dense versions from 1, and custom metadata.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Secret {
    pub versions: Vec<Version>,
    pub custom: BTreeMap<String, String>,
}

/// A token as a caller can see it.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenState {
    /// Served; `renewed` when its time left is the longer one that a renewal gave.
    Live {
        renewed: bool,
    },
    Gone,
}

/// A mount: absent, or there with the one secret that was written into it.
#[derive(Debug, Clone, PartialEq)]
pub enum MountState {
    Absent,
    Empty,
    Holds(Value),
}

/// The acknowledged state and what a pending request could have made of it.
#[derive(Debug, Clone)]
pub struct Claim<T> {
    pub acked: T,
    pub pending: Option<T>,
}

impl<T: Clone + PartialEq + std::fmt::Debug> Claim<T> {
    pub fn new(acked: T) -> Self {
        Self { acked, pending: None }
    }

    /// Notes what the next request will bring about if it is done.
    pub fn expect(&mut self, next: T) {
        self.pending = Some(next);
    }

    /// The request was acknowledged.
    pub fn ack(&mut self) {
        if let Some(next) = self.pending.take() {
            self.acked = next;
        }
    }

    /// Compares with what the server shows after the crash; from then on that is what holds.
    pub fn settle(&mut self, seen: T) -> Result<()> {
        let allowed = seen == self.acked || self.pending.as_ref() == Some(&seen);
        if !allowed {
            bail!("acknowledged {:?}, pending {:?}, but the server holds {seen:?}", self.acked, self.pending);
        }
        self.pending = None;
        self.acked = seen;
        Ok(())
    }
}

/// A thing with its name in the server. It is printed with a violation: its values are random test data.
#[derive(Debug)]
pub enum Resource {
    /// Path below the mount `secret/`.
    Secret {
        path: String,
        claim: Claim<Secret>,
    },
    /// `parent` is the token whose revocation ends this one too; a `limited` one serves a single request.
    Token {
        id: String,
        accessor: String,
        parent: Option<String>,
        limited: bool,
        claim: Claim<TokenState>,
    },
    Policy {
        name: String,
        claim: Claim<Option<String>>,
    },
    Mount {
        path: String,
        claim: Claim<MountState>,
    },
    Thing(Box<dyn Thing>),
}

impl Resource {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Secret { .. } => "Secret",
            Self::Token { .. } => "Token",
            Self::Policy { .. } => "Policy",
            Self::Mount { .. } => "Mount",
            Self::Thing(thing) => thing.kind(),
        }
    }
}

/// The hot key of a cycle: many writers, each write bound to the version before it.
#[derive(Debug, Default)]
pub struct Hot {
    pub acked: BTreeMap<u64, Value>,
    pub pending: Vec<(u64, Value)>,
}

impl Hot {
    /// Checks the versions that the server shows (dense from 1). Each acknowledged one must be there with its value, each
    /// other one must be a write that was under way.
    pub fn settle(&self, seen: &Secret) -> Result<()> {
        if let Some((lost, _)) = self.acked.iter().find(|(n, _)| **n > seen.versions.len() as u64) {
            bail!("version {lost} was acknowledged, the server has {}", seen.versions.len());
        }
        for (number, version) in (1..).zip(&seen.versions) {
            let Version::Live(value) = version else { bail!("version {number} is {version:?}") };
            let known = match self.acked.get(&number) {
                Some(acked) => acked == value,
                None => self.pending.iter().any(|(n, v)| *n == number && v == value),
            };
            if !known {
                bail!("version {number} holds {value}, acknowledged was {:?}", self.acked.get(&number));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_takes_the_acknowledged_or_the_pending_state_and_no_other() {
        for (seen, fits) in [(1, true), (2, true), (3, false)] {
            let mut claim = Claim::new(1);
            claim.expect(2);
            assert_eq!(claim.settle(seen).is_ok(), fits, "{seen}");
        }
    }

    #[test]
    fn a_hot_key_may_miss_no_acknowledged_version_and_hold_no_foreign_one() {
        let hot = Hot { acked: BTreeMap::from([(1, json!(1))]), pending: vec![(2, json!(2))] };
        let live =
            |values: &[i32]| Secret { versions: values.iter().map(|v| Version::Live(json!(v))).collect(), ..Secret::default() };
        for (seen, fits) in
            [(&[1][..], true), (&[1, 2], true), (&[], false), (&[2], false), (&[1, 3], false), (&[1, 2, 2], false)]
        {
            assert_eq!(hot.settle(&live(seen)).is_ok(), fits, "{seen:?}");
        }
    }
}
