//! YAML of JSON data, in the layout that scripts know: block style, keys in order, quotes only where a reader of YAML 1.1 or 1.2
//! would take a text for something else. Must never write a text that reads back as another value.

use serde_json::{Map, Value};

/// Ends in a line feed.
pub(crate) fn text(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => object(map, 0, &mut text),
        Value::Array(items) if !items.is_empty() => array(items, 0, &mut text),
        other => text.push_str(&scalar(other)),
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn object(map: &Map<String, Value>, depth: usize, text: &mut String) {
    for (index, (key, value)) in map.iter().enumerate() {
        // The first key of an object in a list stands behind its dash.
        if index > 0 || text.is_empty() || text.ends_with('\n') {
            indent(depth, text);
        }
        text.push_str(&word(key));
        text.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                text.push('\n');
                object(inner, depth.saturating_add(1), text);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                array(items, depth, text);
            }
            other => end(" ", other, text),
        }
    }
}

fn array(items: &[Value], depth: usize, text: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || text.is_empty() || text.ends_with('\n') {
            indent(depth, text);
        }
        text.push_str("- ");
        match item {
            Value::Object(inner) if !inner.is_empty() => object(inner, depth.saturating_add(1), text),
            Value::Array(inner) if !inner.is_empty() => array(inner, depth.saturating_add(1), text),
            other => end("", other, text),
        }
    }
}

fn end(gap: &str, value: &Value, text: &mut String) {
    text.push_str(gap);
    text.push_str(&scalar(value));
    text.push('\n');
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", depth));
}

/// Empty collections are scalars too.
fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => word(text),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

fn word(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { Value::from(text).to_string() }
}

/// Conservative: what may be misread is quoted, with the escapes of JSON, which are escapes of YAML.
fn is_plain(text: &str) -> bool {
    let mut letters = text.chars();
    let starts_well = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, '_' | '/'));
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "_-./ +@()%$=~,;<>\"'".contains(letter);
    let lower = text.to_ascii_lowercase();
    (starts_well || has_digits_but_is_no_number(text))
        && letters.all(inside)
        && !text.ends_with(' ')
        && !WORDS.contains(&lower.as_str())
        && !is_number(&lower)
}

/// `1.20.0`, `90s` and ids: they begin with a digit, and no reader takes them for a number or a time.
fn has_digits_but_is_no_number(text: &str) -> bool {
    let starts_with_digit = text.starts_with(|first: char| first.is_ascii_digit());
    let is_date = text.split('-').next().is_some_and(|year| year.len() == 4) && text.contains('-');
    let has_other_letters = text.chars().any(|letter| letter.is_ascii_lowercase() && !"abcdefox".contains(letter));
    let is_id = text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let is_version = text.matches('.').count() > 1 && text.chars().all(|letter| letter == '.' || letter.is_ascii_digit());
    starts_with_digit && !is_date && (has_other_letters || is_id || is_version)
}

/// Words that some reader takes for a truth value, nothing or a number.
const WORDS: [&str; 12] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"];

/// Texts that begin with a digit are quoted already.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;

    #[test]
    fn objects_and_lists_are_blocks() {
        let value = json!({"a": {"b": 1, "c": [true, null, "x"]}, "d": [], "e": {}, "f": [{"g": 1, "h": [2, 3]}, [4]]});
        let expected = "a:\n  b: 1\n  c:\n  - true\n  - null\n  - x\nd: []\ne: {}\nf:\n- g: 1\n  h:\n  - 2\n  - 3\n- - 4\n";
        assert_eq!(text(&value), expected);
        assert_eq!(text(&json!(["a", "b/"])), "- a\n- b/\n");
        assert_eq!(text(&json!({})), "{}\n");
        assert_eq!(text(&json!("x")), "x\n");
    }

    #[test]
    fn a_text_that_could_be_read_as_something_else_is_quoted() {
        for (value, expected) in [
            ("", r#""""#),
            ("y", r#""y""#),
            ("No", r#""No""#),
            ("null", r#""null""#),
            ("1", r#""1""#),
            ("1.5e3", r#""1.5e3""#),
            ("inf", r#""inf""#),
            ("2026-01-02T03:04:05Z", r#""2026-01-02T03:04:05Z""#),
            ("a: b", r#""a: b""#),
            ("a #b", r#""a #b""#),
            ("- a", r#""- a""#),
            ("a\nb", r#""a\nb""#),
            (" a", r#"" a""#),
            ("a ", r#""a ""#),
            ("*a", r#""*a""#),
            ("\u{85}", "\"\u{85}\""),
            ("0x1f", r#""0x1f""#),
            ("12e3", r#""12e3""#),
            ("1_000", r#""1_000""#),
            ("1.5", r#""1.5""#),
            ("2026-01-02", r#""2026-01-02""#),
            ("1:20", r#""1:20""#),
            ("1.20.0", "1.20.0"),
            ("90s", "90s"),
            ("28451c0c-7cb2-f6a0-3d34-165ba94f773e", "28451c0c-7cb2-f6a0-3d34-165ba94f773e"),
            ("two", "two"),
            ("a b's \"c\"", "a b's \"c\""),
            ("secret/data", "secret/data"),
        ] {
            assert_eq!(text(&json!({ "k": value })), format!("k: {expected}\n"));
        }
    }
}
