//! Values of parameter rules, and when a value that was sent is one of them. What a rule allows is compared strictly,
//! what it denies loosely: engines take `5` and `"5"` alike, so a denied `"5"` must catch both.

use serde_json::{Number, Value};

/// A value of a policy as JSON. None for what no request can send, such as a number out of range.
pub(crate) fn from_hcl(value: &strongroom_hcl::Value) -> Option<Value> {
    use strongroom_hcl::Value as Hcl;
    match value {
        Hcl::String(text) => Some(Value::String(text.clone())),
        Hcl::Bool(value) => Some(Value::Bool(*value)),
        Hcl::Number(text) => number(value, text),
        Hcl::List(values) => values.iter().map(from_hcl).collect::<Option<Vec<_>>>().map(Value::Array),
        Hcl::Object(_) => None,
    }
}

fn number(value: &strongroom_hcl::Value, text: &str) -> Option<Value> {
    if let Some(whole) = value.as_i64() {
        return Some(Value::Number(whole.into()));
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(Value::Number(whole.into()));
    }
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}

/// True when `sent` is allowed by `wanted`: same type, same value, where text in `wanted` may have a star at either end.
pub(crate) fn is_allowed(wanted: &Value, sent: &Value) -> bool {
    match (wanted, sent) {
        (Value::String(pattern), Value::String(text)) => is_globbed(pattern, text),
        _ => is_same(wanted, sent),
    }
}

/// True when `sent`, or an element of it, could be taken for `wanted`.
pub(crate) fn is_denied(wanted: &Value, sent: &Value) -> bool {
    if is_allowed(wanted, sent) {
        return true;
    }
    match (scalar_text(wanted), scalar_text(sent), sent) {
        (Some(wanted), Some(sent), _) => is_globbed(&wanted, &sent),
        (_, _, Value::Array(sent)) => sent.iter().any(|element| is_denied(wanted, element)),
        _ => false,
    }
}

fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => number_text(a) == number_text(b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        _ => a == b,
    }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number_text(number)),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// One text per number: `1e1`, `10.0` and `10` are the same.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => format!("{value}"),
        _ => number.to_string(),
    }
}

/// A star at the start or end stands for any text; a lone star is just a star, as in the reference.
fn is_globbed(pattern: &str, text: &str) -> bool {
    if pattern.len() < 2 {
        return pattern == text;
    }
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(tail), Some(_)) => text.contains(tail.strip_suffix('*').unwrap_or(tail)),
        (Some(tail), None) => text.ends_with(tail),
        (None, Some(head)) => text.starts_with(head),
        (None, None) => pattern == text,
    }
}
