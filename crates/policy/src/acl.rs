//! A policy set compiled for one caller: rules of all policies, merged by path, in one tree, with their order fixed.

use std::sync::{Arc, OnceLock};

use crate::capability::Capabilities;
use crate::constraint::Constraints;
use crate::parse::{Policy, Rule, RulePath};
use crate::pattern::{Pattern, fold};
use crate::reason::RuleId;
use crate::template;
use crate::tree::Tree;

/// What a caller may do. Immutable; share it behind an `Arc` and drop it when a policy or the caller's identity changes.
#[derive(Debug)]
pub struct Acl {
    is_root: bool,
    policies: Vec<Arc<Policy>>,
    rules: Vec<Merged>,
    tree: Tree,
    /// Denies whose templates have no value, widened to all that they could mean: they count before every other rule.
    unfilled_denies: Tree,
    /// `folded`, made when it is first asked for.
    folded: OnceLock<Arc<Acl>>,
}

/// All rules on one pattern together.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) pattern: Pattern,
    pub(crate) capabilities: Capabilities,
    pub(crate) constraints: Option<Box<Constraints>>,
    /// Place in the order of patterns with wildcards; the highest one that matches decides.
    rank: u32,
    /// Those of `Acl::policies` that made the rule what it is: with a deny, only those that deny.
    policies: Vec<usize>,
    /// False for a deny whose template has no value.
    is_filled: bool,
    /// The rule in words, made when it first decides: the same request comes again and again.
    words: OnceLock<Box<str>>,
}

/// The rules that match one spelling of a path.
#[derive(Clone, Copy, Default)]
struct Found<'a> {
    exact: Option<(RuleId, &'a Merged)>,
    wildcard: Option<(RuleId, &'a Merged)>,
}

pub(crate) type Hit<'a> = Option<(RuleId, &'a Merged)>;

impl Acl {
    /// Allows everything.
    pub fn root() -> Self {
        Self {
            is_root: true,
            policies: Vec::new(),
            rules: Vec::new(),
            tree: Tree::new(),
            unfilled_denies: Tree::new(),
            folded: OnceLock::new(),
        }
    }

    /// Merges the policies' rules. `fill` gives the value of a template selector such as `identity.entity.name`. A rule
    /// whose selectors have no value, or an unsafe one, grants nothing, the policy's other rules stay; if it is a deny it
    /// holds for every path that it could stand for, whatever else grants (a deny that vanished would widen).
    /// No policy makes a root: that is `Acl::root` alone, whatever a policy is called.
    pub fn compile(policies: &[Arc<Policy>], fill: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut acl = Self { is_root: false, policies: policies.to_vec(), ..Self::root() };
        for (number, policy) in policies.iter().enumerate() {
            for rule in policy.rules() {
                acl.add(number, rule, fill);
            }
        }
        acl.rank();
        acl
    }

    /// The same rules with their paths in lower case, rules that become one merged as always: for paths that name things
    /// which are found in any case. SECURITY (CVE-2026-89322): such a path must be allowed as it is spelled and, in lower
    /// case, by this; then neither a spelling of the request nor one of the rule dodges a deny.
    pub fn folded(self: &Arc<Self>) -> Arc<Self> {
        if !self.has_upper_case() {
            return self.clone();
        }
        self.folded.get_or_init(|| Arc::new(self.fold())).clone()
    }

    fn fold(&self) -> Self {
        let mut acl = Self { is_root: self.is_root, policies: self.policies.clone(), ..Self::root() };
        self.rules.iter().for_each(|merged| acl.insert(merged.folded()));
        acl.rank();
        acl
    }

    fn has_upper_case(&self) -> bool {
        self.rules.iter().any(|merged| fold(merged.pattern.text()) != merged.pattern.text())
    }

    /// Memory it holds, roughly: for the limit of a cache. What `folded` may hold later is counted in.
    pub fn size_bytes(&self) -> u64 {
        /// A merged rule with its place in the tree, as measured with rules of usual length.
        const RULE_BYTES: u64 = 512;
        let copies = if self.has_upper_case() { 2 } else { 1 };
        let rules = u64::try_from(self.rules.len()).unwrap_or(u64::MAX).saturating_mul(copies);
        rules.saturating_mul(RULE_BYTES).saturating_add(RULE_BYTES)
    }

    pub fn is_root(&self) -> bool {
        self.is_root
    }

    fn add(&mut self, policy: usize, rule: &Rule, fill: &dyn Fn(&str) -> Option<String>) {
        let (pattern, is_filled) = match &rule.path {
            RulePath::Fixed(pattern) => (pattern.clone(), true),
            RulePath::Template(parts) => match template::fill(parts, fill).map(|path| Pattern::parse(&path)) {
                Some(Ok(pattern)) => (pattern, true),
                _ if rule.capabilities.is_deny() => {
                    (Pattern::parse(&template::widened(parts)).unwrap_or_else(|_| Pattern::all()), false)
                }
                _ => return,
            },
        };
        self.insert(Merged::new(policy, rule, pattern, is_filled));
    }

    /// Merges a rule with the one that has its place, or gives it a place.
    fn insert(&mut self, rule: Merged) {
        let next = RuleId(u32::try_from(self.rules.len()).unwrap_or(u32::MAX));
        let tree = if rule.is_filled { &mut self.tree } else { &mut self.unfilled_denies };
        let Some(place) = tree.place(&rule.pattern) else { return };
        match *place {
            Some(id) => {
                if let Some(merged) = self.rules.get_mut(id.index()) {
                    merged.merge(rule);
                }
            }
            None => {
                *place = Some(next);
                self.rules.push(rule);
            }
        }
    }

    fn rank(&mut self) {
        let mut order: Vec<_> = self.rules.iter_mut().collect();
        order.sort_by_cached_key(|merged| merged.pattern.precedence());
        for (rank, merged) in (0..).zip(order) {
            merged.rank = rank;
        }
    }

    pub(crate) fn rules(&self) -> &[Merged] {
        &self.rules
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn rule(&self, id: RuleId) -> Hit<'_> {
        self.rules.get(id.index()).map(|merged| (id, merged))
    }

    /// The rule that decides about a path as it is spelled.
    ///
    /// A path that ends in a slash names a folder, and its spelling without the slash names the same one: a deny on either
    /// holds for both (CVE-2026-12624), unless a rule that is more specific than a wildcard deny grants. With `is_folder`,
    /// grants on the other spelling serve too when nothing else matches, so that a rule `a` covers a list of `a/`.
    pub(crate) fn deciding(&self, path: &str, is_folder: bool) -> Hit<'_> {
        if let Some(hit) = self.unfilled_deny(path) {
            return Some(hit);
        }
        let here = self.find(path);
        let Some(trimmed) = path.strip_suffix('/') else { return here.exact.or(here.wildcard) };
        let mut other = self.find(trimmed);
        if !is_folder {
            other = Found { exact: other.exact.filter(is_deny), wildcard: other.wildcard.filter(is_deny) };
        }
        match (here.exact, other.exact) {
            (None, None) => wildcard(here.wildcard, other.wildcard),
            (here, Some(other)) if is_deny(&other) || here.is_none() => Some(other),
            (here, _) => here,
        }
    }

    /// A deny whose template has no value and that could mean this path, in either spelling of a folder.
    fn unfilled_deny(&self, path: &str) -> Hit<'_> {
        let mut found = None;
        self.unfilled_denies.matching(path, &mut |id, _| found = Some(id));
        if let Some(trimmed) = path.strip_suffix('/') {
            self.unfilled_denies.matching(trimmed, &mut |id, _| found = Some(id));
        }
        found.and_then(|id| self.rule(id))
    }

    fn find(&self, path: &str) -> Found<'_> {
        let mut found = Found::default();
        self.tree.matching(path, &mut |id, is_exact| {
            let Some(hit) = self.rule(id) else { return };
            if is_exact {
                found.exact = Some(hit);
            } else if found.wildcard.is_none_or(|best| best.1.rank < hit.1.rank) {
                found.wildcard = Some(hit);
            }
        });
        found
    }

    /// A rule in words: its pattern and its policies.
    pub(crate) fn describe(&self, id: RuleId) -> &str {
        let Some((_, merged)) = self.rule(id) else { return "a rule of another policy set" };
        merged.words.get_or_init(|| {
            let names = merged.policies.iter().filter_map(|number| self.policies.get(*number));
            let names: Vec<_> = names.map(|policy| format!("`{}`", policy.name())).collect();
            format!("rule `{}` of policy {}", merged.pattern, names.join(", ")).into()
        })
    }
}

/// Of the best wildcard rules for both spellings of a folder, the one that decides: a deny on the other spelling does when
/// it is at least as specific.
fn wildcard<'a>(here: Hit<'a>, other: Hit<'a>) -> Hit<'a> {
    let (Some(mine), Some(theirs)) = (here, other) else { return here.or(other) };
    let is_stronger = theirs.1.rank > mine.1.rank || theirs.1.pattern.is_same_folder(&mine.1.pattern);
    if is_deny(&theirs) && is_stronger { other } else { here }
}

fn is_deny(hit: &(RuleId, &Merged)) -> bool {
    hit.1.capabilities.is_deny()
}

impl Merged {
    fn new(policy: usize, rule: &Rule, pattern: Pattern, is_filled: bool) -> Self {
        let constraints = rule.constraints.clone().filter(|_| !rule.capabilities.is_deny());
        let (capabilities, policies) = (rule.capabilities, vec![policy]);
        Self { pattern, capabilities, constraints, rank: 0, policies, is_filled, words: OnceLock::new() }
    }

    fn folded(&self) -> Self {
        Self {
            pattern: self.pattern.folded(),
            capabilities: self.capabilities,
            constraints: self.constraints.clone(),
            rank: 0,
            policies: self.policies.clone(),
            is_filled: self.is_filled,
            words: OnceLock::new(),
        }
    }

    pub(crate) fn rank(&self) -> u32 {
        self.rank
    }

    fn merge(&mut self, other: Self) {
        let (was_deny, is_deny) = (self.capabilities.is_deny(), other.capabilities.is_deny());
        if was_deny && !is_deny {
            return;
        }
        if is_deny {
            self.constraints = None;
            if !was_deny {
                self.policies.clear();
            }
        }
        self.capabilities = self.capabilities.with(other.capabilities);
        for policy in other.policies {
            if !self.policies.contains(&policy) {
                self.policies.push(policy);
            }
        }
        match (&mut self.constraints, other.constraints) {
            _ if is_deny => {}
            (Some(mine), Some(theirs)) => mine.merge(&theirs),
            (mine @ None, Some(theirs)) => *mine = Some(theirs),
            (_, None) => {}
        }
    }
}

impl RuleId {
    fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}
