//! JSON merge patch on JSON texts. Only the objects along the patch are taken apart; every other value is carried over
//! as it is written, so numbers keep their digits. Source: RFC 7386.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Names and values of one object; of equal names the last counts.
type Members<'a> = BTreeMap<Name<'a>, &'a RawValue>;

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Applies `patch` to `target`. Errors: None when one of the objects along the patch cannot be read.
pub fn merge(target: &str, patch: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(target.len().saturating_add(patch.len()));
    merge_into(Some(target), patch, &mut out)?;
    Some(out)
}

pub fn is_object(text: &str) -> bool {
    text.starts_with('{')
}

/// As deep as the patch is nested, which the limits of a request body bound.
fn merge_into(target: Option<&str>, patch: &str, out: &mut Vec<u8>) -> Option<()> {
    if !is_object(patch) {
        out.extend_from_slice(patch.as_bytes());
        return Some(());
    }
    let mut patch: Members<'_> = serde_json::from_str(patch).ok()?;
    let target: Members<'_> = match target.filter(|text| is_object(text)) {
        Some(text) => serde_json::from_str(text).ok()?,
        None => Members::new(),
    };
    out.push(b'{');
    for (name, value) in target {
        match patch.remove(&name) {
            Some(change) => member(&name, Some(value), change, out)?,
            None => copy(&name, value, out)?,
        }
    }
    for (name, change) in patch {
        member(&name, None, change, out)?;
    }
    out.push(b'}');
    Some(())
}

/// One member that the patch names; null removes it.
fn member(name: &Name<'_>, before: Option<&RawValue>, change: &RawValue, out: &mut Vec<u8>) -> Option<()> {
    if change.get() == "null" {
        return Some(());
    }
    start(name, out)?;
    merge_into(before.map(RawValue::get), change.get(), out)
}

fn copy(name: &Name<'_>, value: &RawValue, out: &mut Vec<u8>) -> Option<()> {
    start(name, out)?;
    out.extend_from_slice(value.get().as_bytes());
    Some(())
}

fn start(name: &Name<'_>, out: &mut Vec<u8>) -> Option<()> {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    serde_json::to_writer(&mut *out, &name.0).ok()?;
    out.push(b':');
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::merge;

    #[track_caller]
    fn check(target: &str, patch: &str, expected: &str) {
        let merged = String::from_utf8(merge(target, patch).unwrap()).unwrap();
        let (merged, expected): (Value, Value) = (merged.parse().unwrap(), expected.parse().unwrap());
        assert_eq!(merged, expected, "{target} + {patch}");
    }

    /// The table of RFC 7386, appendix A.
    #[test]
    fn the_rfcs_examples_hold() {
        for (target, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            check(target, patch, expected);
        }
    }

    #[test]
    fn numbers_and_texts_keep_their_spelling() {
        let merged = merge(r#"{"a": 1.10, "b": {"x": 1e400}, "c":"\u00e9"}"#, r#"{"b":{"y":12345678901234567890.0}}"#).unwrap();
        assert_eq!(String::from_utf8(merged).unwrap(), r#"{"a":1.10,"b":{"x":1e400,"y":12345678901234567890.0},"c":"\u00e9"}"#);
    }

    #[test]
    fn names_are_compared_by_what_they_say() {
        check(r#"{"\u0061":1}"#, r#"{"a":null,"q\"":2}"#, r#"{"q\"":2}"#);
    }

    #[test]
    fn of_equal_names_the_last_counts() {
        check(r#"{"a":1,"a":2}"#, r#"{"b":1,"b":null}"#, r#"{"a":2}"#);
    }
}
