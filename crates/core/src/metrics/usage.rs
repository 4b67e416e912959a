//! How many tokens there are, and of which kinds: counted in the background, because it takes a look at each of them.

use std::collections::BTreeMap;

use strongroom_metrics::Page;
use strongroom_types::Timestamp;

use super::mount::{LIFETIMES, lifetime_class};
use crate::token::TokenEntry;

/// Policies and mounts that are told apart; the rest is one figure named `other`.
const NAMES_MAX: usize = 100;
const OTHER: &str = "other";

/// One count of all tokens.
#[derive(Default)]
pub struct Usage {
    tokens: u64,
    /// Tokens with an end.
    ending: u64,
    by_policy: BTreeMap<String, u64>,
    by_auth: BTreeMap<String, u64>,
    by_lifetime: [u64; LIFETIMES.len()],
}

impl Usage {
    pub fn add(&mut self, token: &TokenEntry, now: Timestamp) {
        if !token.is_live(now) {
            return;
        }
        self.tokens = self.tokens.saturating_add(1);
        token.grant.policies.iter().for_each(|policy| count(&mut self.by_policy, policy));
        // `auth/token/create` was made by the mount `auth/token/`.
        let made_at = token.path.split_inclusive('/').take(2).collect::<String>();
        count(&mut self.by_auth, &made_at);
        if let Some(n) = self.by_lifetime.get_mut(lifetime_class(token.life.creation_ttl)) {
            *n = n.saturating_add(1);
        }
    }

    pub fn set_ending(&mut self, n: u64) {
        self.ending = n;
    }

    pub(super) fn ending(&self) -> u64 {
        self.ending
    }

    pub(super) fn report(&self, page: &mut Page) {
        page.gauge("vault.token.count", "Live service tokens.", &[], self.tokens as f64);
        for (policy, n) in &self.by_policy {
            page.gauge("vault.token.count.by_policy", "Live service tokens by policy.", &[("policy", policy)], *n as f64);
        }
        for (mount, n) in &self.by_auth {
            let labels = &[("auth_method", mount.as_str())];
            page.gauge("vault.token.count.by_auth", "Live service tokens by the mount that made them.", labels, *n as f64);
        }
        for ((_, class), n) in LIFETIMES.iter().zip(&self.by_lifetime).filter(|(_, n)| **n > 0) {
            let labels = &[("creation_ttl", *class)];
            page.gauge("vault.token.count.by_ttl", "Live service tokens by their lifetime when made.", labels, *n as f64);
        }
    }
}

fn count(by_name: &mut BTreeMap<String, u64>, name: &str) {
    let name = if by_name.len() < NAMES_MAX || by_name.contains_key(name) { name } else { OTHER };
    let n = by_name.entry(name.to_owned()).or_default();
    *n = n.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_become_one() {
        let mut by_name = BTreeMap::new();
        (0..500).for_each(|n| count(&mut by_name, &format!("p{n}")));
        (0..500).for_each(|_| count(&mut by_name, "p7"));
        assert_eq!((by_name.len(), by_name[OTHER], by_name["p7"]), (NAMES_MAX + 1, 400, 501));
    }
}
