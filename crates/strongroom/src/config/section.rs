//! One block of a configuration file and typed access to its keys, in the loose notation that the reference takes: numbers
//! and booleans may stand in quotes. It knows no key by name. Errors name the key and the rule, never the value.

use std::path::Path;
use std::time::Duration;

use strongroom_hcl::{Body, Item, Position, Value};
use strongroom_types::parse_duration_ns;

use super::mistake::{Mistake, Result};
use super::near::near_miss;

const NS_PER_S: i128 = 1_000_000_000;

/// What happens to a key that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unknown {
    /// A warning.
    Warn,
    /// A warning, but an error when it is nearly a known one.
    RefuseNearMiss,
}

/// A block, or the whole file.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    pub file: &'a Path,
    /// As errors show it, such as `listener "tcp"`; empty for the file itself.
    pub name: String,
    pub labels: Vec<&'a str>,
    body: &'a Body,
    position: Position,
}

impl<'a> Section<'a> {
    pub fn file(file: &'a Path, body: &'a Body) -> Self {
        Self { file, name: String::new(), labels: Vec::new(), body, position: Position::START }
    }

    fn place(&self, key: &str) -> Position {
        let found = self.body.items.iter().find(|item| item.keys.first().is_some_and(|first| first == key));
        found.map_or(self.position, |item| item.position)
    }

    /// How an error calls a key.
    pub fn path_of(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}: {key}", self.name) }
    }

    /// The error for a key that breaks a rule.
    pub fn refuse(&self, key: &str, rule: impl Into<String>) -> Mistake {
        Mistake::new(self.file, self.place(key), self.path_of(key), rule)
    }

    /// The error for the block as a whole.
    pub fn refuse_all(&self, rule: impl Into<String>) -> Mistake {
        Mistake::new(self.file, self.position, self.name.clone(), rule)
    }

    /// A line for the operator; with the place, without the value.
    pub fn note(&self, key: &str, what: &str) -> String {
        format!("{}:{}: {}: {what}", self.file.display(), self.place(key).line, self.path_of(key))
    }

    fn value(&self, key: &str) -> Result<Option<&'a Value>> {
        self.body
            .attribute(key)
            .map_err(|error| Mistake::new(self.file, error.position(), self.path_of(key), "is given twice or with a label"))
    }

    /// An empty text counts as not given.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>> {
        match self.value(key)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.refuse(key, "must be a text in quotes")),
        }
    }

    pub fn flag(&self, key: &str) -> Result<Option<bool>> {
        let word = match self.value(key)? {
            None => return Ok(None),
            Some(Value::Bool(value)) => return Ok(Some(*value)),
            Some(Value::String(word) | Value::Number(word)) => word.as_str(),
            Some(_) => "",
        };
        match word.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Ok(Some(true)),
            "false" | "f" | "0" => Ok(Some(false)),
            _ => Err(self.refuse(key, "must be true or false")),
        }
    }

    /// A whole number from zero on.
    pub fn count(&self, key: &str) -> Result<Option<u64>> {
        let number = match self.value(key)? {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(value) => value.as_i64(),
        };
        let number = number.and_then(|number| u64::try_from(number).ok());
        number.map(Some).ok_or_else(|| self.refuse(key, "must be a whole number, not negative"))
    }

    /// A number of seconds or a text such as `"1h30m"`. Zero counts as not given.
    pub fn duration(&self, key: &str) -> Result<Option<Duration>> {
        let ns = match self.value(key)? {
            None => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Some(0),
            Some(Value::String(text)) => match text.trim().parse::<i64>() {
                Ok(seconds) => i128::from(seconds).checked_mul(NS_PER_S),
                Err(_) => parse_duration_ns(text.trim()).ok(),
            },
            Some(value) => value.as_i64().and_then(|seconds| i128::from(seconds).checked_mul(NS_PER_S)),
        };
        let ns = ns.and_then(|ns| u64::try_from(ns).ok());
        let ns =
            ns.ok_or_else(|| self.refuse(key, "must be a duration such as \"768h\" or a number of seconds, not negative"))?;
        Ok(Some(Duration::from_nanos(ns)).filter(|duration| !duration.is_zero()))
    }

    /// A list of texts, or one text with commas.
    pub fn texts(&self, key: &str) -> Result<Vec<&'a str>> {
        let wrong = || self.refuse(key, "must be a text with commas or a list of texts");
        let listed = match self.value(key)? {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) => text.split(',').collect(),
            Some(Value::List(values)) => values.iter().map(Value::as_str).collect::<Option<Vec<_>>>().ok_or_else(wrong)?,
            Some(_) => return Err(wrong()),
        };
        Ok(listed.into_iter().map(str::trim).filter(|text| !text.is_empty()).collect())
    }

    pub fn has(&self, key: &str) -> bool {
        self.body.items.iter().any(|item| item.keys.first().is_some_and(|first| first == key))
    }

    /// The stanzas called `name` with at most `labels_max` labels. Labels may be keys of nested objects, as JSON has them,
    /// unless such a key is one of `keys`, which belong to the stanza itself.
    pub fn stanzas(&self, name: &str, labels_max: usize, keys: &[&str]) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for item in self.body.items.iter().filter(|item| item.keys.first().is_some_and(|first| first == name)) {
            self.collect(item, (name, Vec::new(), labels_max), keys, &mut found)?;
        }
        Ok(found)
    }

    fn collect(
        &self,
        item: &'a Item,
        (name, mut labels, labels_max): (&str, Vec<&'a str>, usize),
        keys: &[&str],
        found: &mut Vec<Self>,
    ) -> Result<()> {
        // The first key of the outermost item is the stanza's name; further in, every key is a label.
        let own = usize::from(item.keys.first().is_some_and(|first| first == name && labels.is_empty()));
        labels.extend(item.keys.iter().skip(own).map(String::as_str));
        let shown = shown_name(&self.path_of(name), &labels);
        let wrong = |rule: String| Mistake::new(self.file, item.position, shown.clone(), rule);
        let Value::Object(body) = &item.value else { return Err(wrong("must be a block".into())) };
        if labels.len() > labels_max {
            return Err(wrong(format!("takes at most {labels_max} label(s)")));
        }
        let is_label = |inner: &Item| {
            matches!(inner.value, Value::Object(_)) && inner.keys.first().is_some_and(|key| !keys.contains(&key.as_str()))
        };
        // Recursion is bounded: every level adds a label.
        if labels.len() < labels_max && !body.items.is_empty() && body.items.iter().all(is_label) {
            return body.items.iter().try_for_each(|inner| self.collect(inner, (name, labels.clone(), labels_max), keys, found));
        }
        found.push(Self { file: self.file, name: shown, labels, body, position: item.position });
        Ok(())
    }

    /// Reports keys that are not in `known`. Every known key must be in the list, read or not.
    pub fn check_keys(&self, known: &[&str], unknown: Unknown, warnings: &mut Vec<String>) -> Result<()> {
        for key in self.body.items.iter().filter_map(|item| item.keys.first()) {
            if known.contains(&key.as_str()) {
                continue;
            }
            if let (Unknown::RefuseNearMiss, Some(meant)) = (unknown, near_miss(key, known)) {
                return Err(self.refuse(key, format!("unknown key; `{meant}` was probably meant")));
            }
            warnings.push(self.note(key, "unknown key, ignored"));
        }
        Ok(())
    }

    /// The first keys in order, each as often as it is given.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.body.items.iter().filter_map(|item| item.keys.first()).map(String::as_str)
    }
}

fn shown_name(name: &str, labels: &[&str]) -> String {
    labels.iter().fold(name.to_owned(), |shown, label| format!("{shown} \"{label}\""))
}
