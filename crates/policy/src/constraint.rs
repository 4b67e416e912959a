//! Conditions of a rule besides its capabilities: parameters that may, must not and must be sent, and how long a wrapped
//! answer lives. Merging policies never loosens them silently: a rule without conditions does not lift another's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use strongroom_hcl::{Body, Value as Hcl};
use strongroom_types::{DurationError, parse_duration_ns};

use crate::error::{ParseError, RuleError};
use crate::reason::Missing;
use crate::value;

/// The fields of a request's body and query, with their values as JSON text.
pub trait Parameters {
    /// Calls `visit(name, json)` for every field until it answers false.
    fn each(&self, visit: &mut dyn FnMut(&str, &str) -> bool);
}

/// A request without fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoParameters;

impl Parameters for NoParameters {
    fn each(&self, _visit: &mut dyn FnMut(&str, &str) -> bool) {}
}

/// Names are in lower case. An empty list of values stands for every value; the name `*` for every name.
pub(crate) type Values = BTreeMap<String, Vec<Value>>;

#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Constraints {
    /// Empty: every parameter is allowed.
    pub(crate) allowed: Values,
    pub(crate) denied: Values,
    pub(crate) required: BTreeSet<String>,
    /// Seconds; zero is none. Either bound also asks for wrapping.
    pub(crate) wrap_min_s: u64,
    pub(crate) wrap_max_s: u64,
}

impl Constraints {
    /// Reads a rule's conditions; None when it has none. The outer error is about the text, the inner about the rule.
    pub(crate) fn parse(body: &Body) -> Result<Result<Option<Self>, RuleError>, ParseError> {
        let allowed = body.attribute("allowed_parameters")?;
        let denied = body.attribute("denied_parameters")?;
        let required = body.attribute("required_parameters")?;
        let (wrap_min, wrap_max) = (body.attribute("min_wrapping_ttl")?, body.attribute("max_wrapping_ttl")?);
        let read = || {
            let parsed = Self {
                allowed: values("allowed_parameters", allowed)?,
                denied: values("denied_parameters", denied)?,
                required: names("required_parameters", required)?,
                wrap_min_s: seconds("min_wrapping_ttl", wrap_min)?,
                wrap_max_s: seconds("max_wrapping_ttl", wrap_max)?,
            };
            if parsed.wrap_max_s > 0 && parsed.wrap_max_s < parsed.wrap_min_s {
                return Err(RuleError::WrappingBounds);
            }
            Ok((parsed != Self::default()).then_some(parsed))
        };
        Ok(read())
    }

    /// Adds the conditions of another rule on the same path, as the reference does: allowed and denied names are united
    /// (a name without values covers all values), required names add up, of two bounds the smaller one holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        unite(&mut self.allowed, &other.allowed);
        unite(&mut self.denied, &other.denied);
        self.required.extend(other.required.iter().cloned());
        self.wrap_min_s = lesser_set(self.wrap_min_s, other.wrap_min_s);
        self.wrap_max_s = lesser_set(self.wrap_max_s, other.wrap_max_s);
    }

    /// Holds the wrapping bounds against what the request asks for; `wrap_ttl_s` None is an unwrapped answer.
    pub(crate) fn check_wrapping(&self, wrap_ttl_s: Option<u64>) -> Result<(), Missing> {
        let is_within = |ttl_s: u64| ttl_s >= self.wrap_min_s && (self.wrap_max_s == 0 || ttl_s <= self.wrap_max_s);
        if (self.wrap_min_s, self.wrap_max_s) == (0, 0) || wrap_ttl_s.is_some_and(is_within) {
            return Ok(());
        }
        Err(Missing::Wrapping { min_s: self.wrap_min_s, max_s: self.wrap_max_s })
    }

    /// Holds the parameter rules against what was sent.
    pub(crate) fn check_parameters(&self, sent: &dyn Parameters) -> Result<(), Missing> {
        if self.allowed.is_empty() && self.denied.is_empty() && self.required.is_empty() {
            return Ok(());
        }
        let mut missing: BTreeSet<&str> = self.required.iter().map(String::as_str).collect();
        let mut refused = None;
        sent.each(&mut |name, json| {
            missing.remove(name);
            refused = (!self.permits(&name.to_lowercase(), json)).then(|| Missing::Parameter { refused: name.into() });
            refused.is_none()
        });
        match (refused, missing.first()) {
            (Some(refused), _) => Err(refused),
            (None, Some(name)) => Err(Missing::Required { parameter: (*name).into() }),
            (None, None) => Ok(()),
        }
    }

    fn permits(&self, name: &str, json: &str) -> bool {
        // SECURITY: what cannot be read cannot be compared: it is refused wherever a value matters.
        let sent: Option<Value> = serde_json::from_str(json).ok();
        let in_list = |values: &[Value], is: fn(&Value, &Value) -> bool, unread: bool| {
            values.is_empty() || sent.as_ref().map_or(unread, |sent| values.iter().any(|wanted| is(wanted, sent)))
        };
        if self.denied.contains_key("*") || self.denied.get(name).is_some_and(|list| in_list(list, value::is_denied, true)) {
            return false;
        }
        match self.allowed.get(name) {
            Some(list) if name != "*" => in_list(list, value::is_allowed, false),
            _ => self.allowed.is_empty() || self.allowed.contains_key("*"),
        }
    }
}

fn unite(into: &mut Values, from: &Values) {
    for (name, values) in from {
        match into.get_mut(name) {
            None => {
                into.insert(name.clone(), values.clone());
            }
            Some(known) if known.is_empty() || values.is_empty() => known.clear(),
            Some(known) => known.extend(values.iter().cloned()),
        }
    }
}

/// The smaller of two bounds where zero is none.
fn lesser_set(a: u64, b: u64) -> u64 {
    match (a, b) {
        (0, other) | (other, 0) => other,
        (a, b) => a.min(b),
    }
}

fn values(key: &'static str, value: Option<&Hcl>) -> Result<Values, RuleError> {
    let mut all = Values::new();
    let Some(value) = value else { return Ok(all) };
    let wrong = || RuleError::Type { key, expected: "an object with lists of strings, numbers, booleans or lists" };
    for item in &value.as_object().ok_or_else(wrong)?.items {
        let [name] = item.keys.as_slice() else { return Err(wrong()) };
        let list = item.value.as_list().ok_or_else(wrong)?;
        let list = list.iter().map(value::from_hcl).collect::<Option<_>>().ok_or_else(wrong)?;
        if all.insert(name.to_lowercase(), list).is_some() {
            return Err(RuleError::ParameterTwice { key, name: name.clone() });
        }
    }
    Ok(all)
}

fn names(key: &'static str, value: Option<&Hcl>) -> Result<BTreeSet<String>, RuleError> {
    let Some(value) = value else { return Ok(BTreeSet::new()) };
    let wrong = || RuleError::Type { key, expected: "a list of strings" };
    let list = value.as_list().ok_or_else(wrong)?;
    list.iter().map(|name| name.as_str().map(str::to_lowercase).ok_or_else(wrong)).collect()
}

/// Whole seconds, rounded up: a bound of half a second must not become "none".
fn seconds(key: &'static str, value: Option<&Hcl>) -> Result<u64, RuleError> {
    let text = match value {
        None => return Ok(0),
        Some(Hcl::String(text) | Hcl::Number(text)) => text.trim(),
        Some(_) => return Err(RuleError::Type { key, expected: "a duration" }),
    };
    let fail = |source| RuleError::Duration { key, source };
    if let Ok(whole) = text.parse::<i64>() {
        return u64::try_from(whole).map_err(|_| fail(DurationError::Negative));
    }
    let ns = if text.is_empty() { 0 } else { parse_duration_ns(text).map_err(fail)? };
    let ns = u128::try_from(ns).map_err(|_| fail(DurationError::Negative))?;
    u64::try_from(ns.div_ceil(1_000_000_000)).map_err(|_| fail(DurationError::Malformed(text.to_owned())))
}
