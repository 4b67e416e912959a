//! Values as one line of text, in the notation that scripts know from the reference: `[a b]`, `map[k:v]`, `<nil>`, durations for
//! keys that mean one. Must never change a value that is printed alone with `-field`.

use serde_json::Value;

/// A value for `-field` and for table cells.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(plain))),
        Value::Object(map) => format!("map[{}]", joined(map.iter().map(|(key, value)| format!("{key}:{}", plain(value))))),
    }
}

/// The cell beside `key`: whole seconds read better as a duration.
pub(crate) fn cell(key: &str, value: &Value) -> String {
    match value.as_u64() {
        Some(seconds) if is_duration(key) => duration(seconds),
        _ => plain(value),
    }
}

/// `1h`, `1m30s`, `0s`: no empty smaller units.
pub(crate) fn duration(seconds: u64) -> String {
    let text = strongroom_types::go_duration(seconds);
    let text = text.strip_suffix("m0s").map_or(text.clone(), |rest| format!("{rest}m"));
    text.strip_suffix("h0m").map_or(text.clone(), |rest| format!("{rest}h"))
}

/// `["a" "b"]`: policy names in quotes, so that odd ones stay apart.
pub(crate) fn quoted(items: &[String]) -> String {
    format!("[{}]", joined(items.iter().map(|item| format!("{item:?}"))))
}

fn is_duration(key: &str) -> bool {
    let ends = |word: &str| key == word || key.strip_suffix(word).is_some_and(|rest| rest.ends_with('_'));
    ends("ttl") || ends("period") || ends("duration") || matches!(key, "lease_max" | "ttl_max")
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_as_in_the_reference() {
        for (value, expected) in [
            (json!(null), "<nil>"),
            (json!("a b"), "a b"),
            (json!(12345678901234567890_u64), "12345678901234567890"),
            (json!(1.5), "1.5"),
            (json!(["a", 1, []]), "[a 1 []]"),
            (json!({"b": {"c": null}, "a": true}), "map[a:true b:map[c:<nil>]]"),
        ] {
            assert_eq!(plain(&value), expected);
        }
    }

    #[test]
    fn seconds_become_durations_for_keys_that_mean_one() {
        for (key, value, expected) in [
            ("ttl", json!(60), "1m"),
            ("my_ttl", json!(3661), "1h1m1s"),
            ("default_lease_ttl", json!(100_000), "27h46m40s"),
            ("period", json!(3600), "1h"),
            ("lease_duration", json!(0), "0s"),
            ("max_ttl", json!("7200"), "7200"),
            ("battl", json!(60), "60"),
            ("count", json!(60), "60"),
        ] {
            assert_eq!(cell(key, &value), expected, "{key}");
        }
        assert_eq!(duration(3605), "1h0m5s");
        assert_eq!(duration(36_000), "10h");
        assert_eq!(duration(600), "10m");
        assert_eq!(duration(10), "10s");
    }
}
