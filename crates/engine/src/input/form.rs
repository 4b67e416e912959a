//! Query and form texts as fields: every value is a JSON string, a repeated name an array.

use super::fields::FieldSet;

/// Reads `a=b&c=d+e`; `skip` names parameters that belong to the protocol and are no fields.
pub fn read(text: &str, skip: &[&str], into: &mut FieldSet) {
    let mut pairs: Vec<(String, Vec<String>)> = Vec::new();
    for pair in text.split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        if skip.contains(&name.as_str()) {
            continue;
        }
        match pairs.iter_mut().find(|(n, _)| *n == name) {
            Some((_, values)) => values.push(value),
            None => pairs.push((name, vec![value])),
        }
    }
    for (name, values) in pairs {
        let json = match values.as_slice() {
            [one] => serde_json::to_string(one),
            many => serde_json::to_string(many),
        };
        into.set_owned(name, json.unwrap_or_else(|_| "null".into()));
    }
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}
