//! Custom metadata: names and texts of the user's own. Kept as the JSON text of an object, empty when there are none.
//! SECURITY: errors name the rule and quote neither names nor texts.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use strongroom_engine::{Error, Result, StringMap, Text};

/// Pairs that one key may have.
const PAIRS_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 128;
const TEXT_BYTES_MAX: usize = 512;
/// Size of all as JSON text; reached only by texts that need escapes all over.
const JSON_BYTES_MAX: usize = 64 * 1024;

type Pairs = BTreeMap<String, String>;

/// What a write gives, in place of what was there.
pub fn replaced(given: &RawValue) -> Result<String> {
    let StringMap(pairs) = serde_json::from_str(given.get()).map_err(|_| not_texts())?;
    to_text(&pairs)
}

/// What was there with the changes of a patch; null removes a pair.
pub fn merged(before: &str, given: &RawValue) -> Result<String> {
    let mut pairs: Pairs = match before {
        "" => Pairs::new(),
        text => serde_json::from_str(text).map_err(|_| Error::Internal("custom metadata is not of the expected form".into()))?,
    };
    let changes: BTreeMap<String, Option<Text>> = serde_json::from_str(given.get()).map_err(|_| not_texts())?;
    for (name, change) in changes {
        match change {
            Some(Text(text)) => pairs.insert(name, text),
            None => pairs.remove(&name),
        };
    }
    to_text(&pairs)
}

fn not_texts() -> Error {
    Error::invalid("custom_metadata validation failed: expected an object of texts")
}

fn to_text(pairs: &Pairs) -> Result<String> {
    check(pairs)?;
    if pairs.is_empty() {
        return Ok(String::new());
    }
    let text = serde_json::to_string(pairs).map_err(|e| Error::Internal(format!("encoding custom metadata: {e}")))?;
    if text.len() > JSON_BYTES_MAX {
        return Err(broken(&format!("it takes more than {JSON_BYTES_MAX} bytes")));
    }
    Ok(text)
}

fn check(pairs: &Pairs) -> Result<()> {
    if pairs.len() > PAIRS_MAX {
        return Err(broken(&format!("payload must contain at most {PAIRS_MAX} keys, provided {}", pairs.len())));
    }
    for (name, text) in pairs {
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) {
            return Err(broken(&format!("length of a key is {} but must be 0 < len(key) <= {NAME_BYTES_MAX}", name.len())));
        }
        if !(1..=TEXT_BYTES_MAX).contains(&text.len()) {
            return Err(broken(&format!("length of a value is {} but must be 0 < len(value) <= {TEXT_BYTES_MAX}", text.len())));
        }
        if name.chars().chain(text.chars()).any(char::is_control) {
            return Err(broken("a key or value contains unprintable characters"));
        }
    }
    Ok(())
}

fn broken(rule: &str) -> Error {
    Error::InvalidListed(format!("custom_metadata validation failed: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn numbers_and_flags_become_texts() {
        assert_eq!(replaced(&raw(r#"{"b":2,"a":"x"}"#)).unwrap(), r#"{"a":"x","b":"2"}"#);
        assert_eq!(replaced(&raw("{}")).unwrap(), "");
    }

    #[test]
    fn patch_adds_changes_and_removes() {
        let merged = |before: &str, patch: &str| merged(before, &raw(patch)).unwrap();
        assert_eq!(merged(r#"{"a":"1","b":"2"}"#, r#"{"a":null,"b":"3","c":"4"}"#), r#"{"b":"3","c":"4"}"#);
        assert_eq!(merged(r#"{"a":"1"}"#, r#"{"a":null}"#), "");
        assert_eq!(merged("", r#"{"a":"1"}"#), r#"{"a":"1"}"#);
    }

    #[test]
    fn limits_hold_and_errors_quote_nothing() {
        let pairs = |n: usize| format!("{{{}}}", (0..n).map(|i| format!(r#""marker{i}":"x""#)).collect::<Vec<_>>().join(","));
        assert!(replaced(&raw(&pairs(64))).is_ok());
        for bad in [
            pairs(65),
            r#"{"":"marker"}"#.into(),
            r#"{"marker":""}"#.into(),
            r#"{"marker":{"x":"marker"}}"#.into(),
            r#""marker""#.into(),
            r#"{"marker":"a\tb"}"#.into(),
            format!(r#"{{"marker{}":"x"}}"#, "m".repeat(123)),
            format!(r#"{{"x":"marker{}"}}"#, "m".repeat(507)),
        ] {
            let error = replaced(&raw(&bad)).unwrap_err();
            assert_eq!(error.status(), 400);
            assert!(!error.to_string().contains("marker"), "{error}");
        }
    }
}
