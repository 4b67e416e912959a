//! Metadata of a secret id: names and texts that its tokens carry.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::value::RawValue;
use strongroom_engine::{Error, Result, StringMap};

/// Bytes of all names and texts together.
const BYTES_MAX: usize = 32 * 1024;

/// Reads an object, or a text that holds an object, `name=value,...`, or base64 of either. Errors: `Invalid`.
pub fn parse(field: &RawValue) -> Result<BTreeMap<String, String>> {
    let invalid = || Error::invalid("failed to parse metadata: it must be an object of texts or name=value pairs with commas");
    let map = match serde_json::from_str::<Option<String>>(field.get()) {
        Ok(text) => of_text(text.unwrap_or_default().trim()).ok_or_else(invalid)?,
        Err(_) => serde_json::from_str::<StringMap>(field.get()).map_err(|_| invalid())?.0,
    };
    if map.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum::<usize>() > BYTES_MAX {
        return Err(Error::invalid(format!("metadata is larger than {BYTES_MAX} bytes")));
    }
    Ok(map)
}

fn of_text(text: &str) -> Option<BTreeMap<String, String>> {
    if text.is_empty() {
        return Some(BTreeMap::new());
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.as_deref().and_then(plain).or_else(|| plain(text))
}

fn plain(text: &str) -> Option<BTreeMap<String, String>> {
    serde_json::from_str(text).ok().or_else(|| text.split(',').map(pair).collect())
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    (!name.is_empty() && !value.contains('=')).then(|| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_comes_in_many_forms() {
        for (json, expected) in [
            (r#""""#, Some(vec![])),
            ("null", Some(vec![])),
            (r#""{}""#, Some(vec![])),
            (r#"{"a":"b","n":1}"#, Some(vec![("a", "b"), ("n", "1")])),
            (r#""{\"a\":\"b\"}""#, Some(vec![("a", "b")])),
            (r#""eyJhIjoiYyJ9""#, Some(vec![("a", "c")])),
            (r#""az12""#, Some(vec![("k", "v")])),
            (r#""k=v, l=w""#, Some(vec![("k", "v"), ("l", "w")])),
            (r#""nonsense""#, None),
            (r#""k=v=w""#, None),
            (r#""{\"a\":1}""#, None),
            (r#"["a"]"#, None),
            ("5", None),
        ] {
            let found = parse(&RawValue::from_string(json.to_owned()).unwrap()).ok();
            let expected = expected.map(|e| e.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect());
            assert_eq!(found, expected, "{json}");
        }
        let large = serde_json::to_string(&serde_json::json!({ "a": "x".repeat(BYTES_MAX) })).unwrap();
        assert!(parse(&RawValue::from_string(large).unwrap()).is_err());
    }
}
