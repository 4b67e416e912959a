//! What a policy set grants, for those who ask about themselves: the capabilities endpoints, the list of visible mounts,
//! and the rules that the UI reads.

use serde_json::{Map, Value, json};

use crate::acl::{Acl, Merged};
use crate::capability::Capabilities;
use crate::constraint::{Constraints, Values};

impl Acl {
    /// Names of what may be done on a path, sorted: `["root"]` for root, `["deny"]` for nothing. A leading slash is cut;
    /// a path that ends in a slash is judged as a folder.
    pub fn capabilities(&self, path: &str) -> Vec<&'static str> {
        if self.is_root() {
            return vec!["root"];
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        self.deciding(path, true).map_or(Capabilities::NONE, |(_, rule)| rule.capabilities).names()
    }

    /// True when something may be granted on `prefix` (a mount path with its trailing slash) or a path below it. It may
    /// err towards true where several rules shadow each other; it decides what is shown, never what is permitted.
    pub fn grants_any_below(&self, prefix: &str) -> bool {
        if self.is_root() || self.deciding(prefix, true).is_some_and(|(_, rule)| rule.capabilities.grants()) {
            return true;
        }
        let mut widest: Option<&Merged> = None;
        let mut is_granted = false;
        self.tree().below(prefix, &mut |id, covers_all| match self.rule(id) {
            Some((_, rule)) if !covers_all => is_granted |= rule.capabilities.grants(),
            Some((_, rule)) if widest.is_none_or(|best| best.rank() < rule.rank()) => widest = Some(rule),
            _ => {}
        });
        is_granted || widest.is_some_and(|rule| rule.capabilities.grants())
    }

    /// The rules as `sys/internal/ui/resultant-acl` answers them: `exact_paths`, `glob_paths` without their star, `root`.
    /// Rules with `+` are left out, as in the reference: its readers take a glob for a prefix.
    pub fn resultant(&self) -> Value {
        if self.is_root() {
            return json!({"root": true});
        }
        let of_kind = |is_glob: bool| -> Map<String, Value> {
            let rules = self.rules().iter().filter(|rule| rule.pattern.is_glob() == is_glob && !rule.pattern.has_plus());
            rules.map(|rule| (rule.pattern.text().to_owned(), described(rule))).collect()
        };
        json!({"exact_paths": of_kind(false), "glob_paths": of_kind(true), "root": false})
    }
}

fn described(rule: &Merged) -> Value {
    let mut out = Map::new();
    out.insert("capabilities".to_owned(), json!(rule.capabilities.names()));
    if let Some(constraints) = rule.constraints.as_deref() {
        describe_constraints(constraints, &mut out);
    }
    Value::Object(out)
}

fn describe_constraints(constraints: &Constraints, out: &mut Map<String, Value>) {
    let Constraints { allowed, denied, required, wrap_min_s, wrap_max_s } = constraints;
    let as_json = |values: &Values| Value::Object(values.iter().map(|(name, list)| (name.clone(), json!(list))).collect());
    let parts = [
        ("allowed_parameters", !allowed.is_empty(), as_json(allowed)),
        ("denied_parameters", !denied.is_empty(), as_json(denied)),
        ("required_parameters", !required.is_empty(), json!(required)),
        ("min_wrapping_ttl", *wrap_min_s > 0, json!(wrap_min_s)),
        ("max_wrapping_ttl", *wrap_max_s > 0, json!(wrap_max_s)),
    ];
    out.extend(parts.into_iter().filter(|(_, is_set, _)| *is_set).map(|(key, _, value)| (key.to_owned(), value)));
}
