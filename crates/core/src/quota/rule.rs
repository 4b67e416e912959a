//! Rate limits as they are stored, and which of them a path falls under.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_engine::Key;
use strongroom_metrics::Counter;
use strongroom_types::Ttl;

use super::login::Asked;

const NS_PER_S: u64 = 1_000_000_000;
/// No pace needs more, and nothing overflows below it.
const NS_MAX: u64 = 1 << 61;

/// One rate limit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    pub name: String,
    /// A mount with its slash, a path in it, or one with `*` at its end. Empty: everything.
    pub path: String,
    /// Counts only logins that ask for this role of the auth mount `path`. Empty: every request.
    #[serde(default)]
    pub role: String,
    /// Requests of one client in an interval.
    pub rate: f64,
    pub interval: Ttl,
    /// How long a client that went over it gets nothing at all. Zero: until the next request is free.
    pub block_interval: Ttl,
}

/// What the server does with limits altogether.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    pub exempt_paths: Vec<String>,
    pub has_headers: bool,
    /// Stored and shown; what is refused is always recorded.
    pub has_audit: bool,
}

impl Default for Config {
    /// What must answer whoever asks how often: the reference's list.
    fn default() -> Self {
        let exempt_paths = [
            "sys/generate-recovery-token/attempt",
            "sys/generate-recovery-token/update",
            "sys/generate-root/attempt",
            "sys/generate-root/update",
            "sys/health",
            "sys/seal-status",
            "sys/unseal",
        ];
        Self { exempt_paths: exempt_paths.map(str::to_owned).to_vec(), has_headers: false, has_audit: false }
    }
}

/// All below `q/`.
pub fn area() -> Key {
    Key::area("q")
}

pub fn config_key() -> Key {
    area().name("config")
}

pub fn rules_area() -> Key {
    area().id("rule")
}

pub fn rule_key(name: &str) -> Key {
    rules_area().name(name)
}

/// Holds the name of the one rule of a path and role.
pub fn place_key(path: &str, role: &str) -> Key {
    match role {
        "" => area().id("at").name(&format!("/{path}")),
        // The length tells where the path ends.
        role => area().id("at-role").name(&format!("{}/{path}{role}", path.len())),
    }
}

/// A rate as the limiter counts: what one request takes, and what there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    pub each_ns: u64,
    pub all_ns: u64,
    pub block_ns: u64,
}

impl Pace {
    pub fn new(rate: f64, interval_s: u64, block_s: u64) -> Self {
        let whole = Self::burst(rate);
        let interval_ns = interval_s.max(1).saturating_mul(NS_PER_S).min(NS_MAX);
        // Rates are positive and finite; a conversion that saturates is bounded behind.
        let each_ns = ((interval_ns as f64 / rate) as u64).clamp(1, NS_MAX);
        Self { each_ns, all_ns: each_ns.saturating_mul(whole), block_ns: block_s.saturating_mul(NS_PER_S).min(NS_MAX) }
    }

    /// Requests that may come at once.
    pub fn burst(rate: f64) -> u64 {
        (rate as u64).max(1)
    }
}

/// A rule at work.
pub struct Live {
    pub name: Arc<str>,
    /// Another one for every change of the rule, which begins anew.
    pub id: u64,
    pub pace: Pace,
    pub limit: u64,
    pub violations: Arc<Counter>,
}

impl Live {
    pub fn new(rule: &Rule, violations: Arc<Counter>) -> Self {
        let mut hasher = DefaultHasher::new();
        (&rule.name, &rule.path, &rule.role, rule.rate.to_bits(), rule.interval.as_s(), rule.block_interval.as_s())
            .hash(&mut hasher);
        Self {
            name: rule.name.as_str().into(),
            id: hasher.finish(),
            pace: Pace::new(rule.rate, rule.interval.as_s(), rule.block_interval.as_s()),
            limit: Pace::burst(rule.rate),
            violations,
        }
    }
}

/// Rules by what they cover.
#[derive(Default)]
pub struct Rules {
    exact: HashMap<String, Arc<Live>>,
    /// Mounts, paths before a `*`, and the empty prefix of everything.
    prefixes: BTreeMap<String, Arc<Live>>,
    /// By auth mount, then by role.
    roles: BTreeMap<String, HashMap<String, Arc<Live>>>,
    exempt: Vec<String>,
    pub config: Config,
}

impl Rules {
    pub fn new(config: Config) -> Self {
        let exempt = config.exempt_paths.iter().map(|path| path.trim_start_matches('/').to_owned()).collect();
        Self { exempt, config, ..Self::default() }
    }

    pub fn add(&mut self, rule: &Rule, violations: Arc<Counter>) {
        let live = Arc::new(Live::new(rule, violations));
        match rule.path.strip_suffix('*') {
            _ if !rule.role.is_empty() => self.roles.entry(rule.path.clone()).or_default().insert(rule.role.clone(), live),
            Some(prefix) => self.prefixes.insert(prefix.to_owned(), live),
            None if rule.path.is_empty() || rule.path.ends_with('/') => self.prefixes.insert(rule.path.clone(), live),
            None => self.exact.insert(rule.path.clone(), live),
        };
    }

    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty() && self.roles.is_empty()
    }

    pub fn len(&self) -> usize {
        let by_role = self.roles.values().map(HashMap::len);
        by_role.fold(self.exact.len().saturating_add(self.prefixes.len()), usize::saturating_add)
    }

    /// Whether some limit by role may count a request to this path.
    pub fn counts_roles(&self, path: &str) -> bool {
        longest_prefix(&self.roles, path).is_some() && !self.is_exempt(path)
    }

    /// The one rule that counts: that of the role asked for, else that of the very path, else the longest prefix.
    pub fn of(&self, path: &str, asked: Option<&Asked>) -> Option<&Arc<Live>> {
        if self.is_exempt(path) {
            return None;
        }
        let of_role = asked.and_then(|asked| self.roles.get(&asked.mount)?.get(&asked.role));
        of_role.or_else(|| self.exact.get(path)).or_else(|| longest_prefix(&self.prefixes, path))
    }

    fn is_exempt(&self, path: &str) -> bool {
        self.exempt.iter().any(|exempt| match exempt.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == exempt,
        })
    }
}

/// A key that sorts before `path` and is no prefix shares some beginning with it; no prefix of `path` is longer than that.
fn longest_prefix<'m, T>(by_prefix: &'m BTreeMap<String, T>, path: &str) -> Option<&'m T> {
    let mut candidate = path;
    loop {
        let (key, value) = by_prefix.range::<str, _>((Bound::Unbounded, Bound::Included(candidate))).next_back()?;
        if path.starts_with(key.as_str()) {
            return Some(value);
        }
        let shared = key.bytes().zip(candidate.bytes()).take_while(|(a, b)| a == b).count();
        candidate = candidate.get(..candidate.floor_char_boundary(shared))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Named `path`, or `path@role`.
    fn rules(names: &[&str]) -> Rules {
        let mut rules = Rules::new(Config::default());
        for name in names {
            let (path, role) = name.split_once('@').unwrap_or((name, ""));
            let rule = Rule {
                name: (*name).to_owned(),
                path: path.to_owned(),
                role: role.to_owned(),
                rate: 1.0,
                interval: Ttl::from_s(1),
                block_interval: Ttl::ZERO,
            };
            rules.add(&rule, Arc::default());
        }
        rules
    }

    #[test]
    fn the_nearest_rule_counts() {
        let rules = rules(&["", "kv/", "kv/data/x", "kv/data/y*", "kv/data/", "auth/token/"]);
        for (path, rule) in [
            ("kv/data/x", "kv/data/x"),
            ("kv/data/x/z", "kv/data/"),
            ("kv/data/y", "kv/data/y*"),
            ("kv/data/yonder/z", "kv/data/y*"),
            ("kv/metadata/x", "kv/"),
            ("kvetch/x", ""),
            ("auth/token/create", "auth/token/"),
            ("auth/tokens", ""),
            ("", ""),
        ] {
            assert_eq!(&*rules.of(path, None).unwrap().name, rule, "{path}");
        }
        assert!(rules.of("sys/health", None).is_none() && rules.of("sys/healthy", None).is_some());
    }

    #[test]
    fn the_rule_of_a_role_is_the_nearest() {
        let rules = rules(&["", "auth/a/", "auth/a/login", "auth/a/@one", "auth/a/@two", "auth/b/@one"]);
        assert_eq!(rules.len(), 6);
        let ask = |mount: &str, role: &str| Asked { mount: mount.to_owned(), role: role.to_owned() };
        for (path, asked, rule) in [
            ("auth/a/login", ask("auth/a/", "one"), "auth/a/@one"),
            ("auth/a/login", ask("auth/a/", "two"), "auth/a/@two"),
            ("auth/a/login", ask("auth/a/", "three"), "auth/a/login"),
            ("auth/a/other", ask("auth/a/", "three"), "auth/a/"),
            ("auth/b/login", ask("auth/b/", "one"), "auth/b/@one"),
            ("auth/b/login", ask("auth/b/", "two"), ""),
        ] {
            assert_eq!(&*rules.of(path, Some(&asked)).unwrap().name, rule, "{path} {}", asked.role);
        }
        assert!(rules.counts_roles("auth/a/login") && rules.counts_roles("auth/b/x") && !rules.counts_roles("auth/ab/login"));
    }

    #[test]
    fn places_of_rules_are_told_apart() {
        let places = [("a/", ""), ("a/", "b"), ("a/b/", ""), ("a/b/", "c"), ("a/", "b/c"), ("", "")];
        let keys: std::collections::BTreeSet<_> = places.iter().map(|(path, role)| place_key(path, role)).collect();
        assert_eq!(keys.len(), places.len());
    }

    #[test]
    fn the_longest_prefix_is_found_among_look_alikes() {
        let names = ["a/", "a/b/", "a/b/c/", "a/b0", "a/bb/", "ab", "é/", "a/b/cc"];
        let by_prefix: BTreeMap<String, &str> = names.iter().map(|n| ((*n).to_owned(), *n)).collect();
        for path in ["a/b/c/d", "a/b/cd", "a/b1/x", "a/b/", "a/z", "abc", "b", "é/ü", "ê", "a", "", "a/b/ccc", "a/b0/1"] {
            let naive = names.iter().filter(|n| path.starts_with(**n)).max_by_key(|n| n.len()).copied();
            assert_eq!(longest_prefix(&by_prefix, path).copied(), naive, "{path}");
        }
    }

    #[test]
    fn no_rate_overflows() {
        for rate in [1e-300, 0.001, 1.0, 2000.5, 1e18, f64::MAX] {
            let pace = Pace::new(rate, u64::MAX, u64::MAX);
            assert!(pace.each_ns >= 1 && pace.all_ns >= pace.each_ns, "{rate}: {pace:?}");
        }
    }
}
