//! Reads what a command is given: `key=value`, files, standard input, hidden prompts. Must never repeat a value in an error: a
//! mistyped pair is often a secret.

use std::io::Read;

use serde_json::{Map, Value};
use strongroom_types::SecretString;
use zeroize::Zeroizing;

use crate::output::Failure;

/// The data of a write: `key=value`, `key=@file`, `key=\@text`, `key=-`, `@file.json` and `-` (a JSON object), merged in order.
/// A key given more than once becomes a list. Errors: what can't be read or understood.
pub(crate) fn parse_data(args: &[String], input: &mut dyn Read) -> Result<Map<String, Value>, Failure> {
    let mut data = Map::new();
    let mut input = Once(Some(input));
    for (index, arg) in args.iter().enumerate() {
        let place = index.saturating_add(1);
        if arg == "-" {
            data.extend(object(&input.read()?, "standard input")?);
        } else if let Some(path) = arg.strip_prefix('@') {
            data.extend(object(&file(path)?, path)?);
        } else {
            let (key, value) = split(arg).ok_or_else(|| Failure::local(format!("data argument {place} is not key=value")))?;
            add(&mut data, key, Value::String(value_of(value, &mut input)?));
        }
    }
    Ok(data)
}

/// The key of `key=value` when the value stands there for all to see, and the key says that it is a secret.
pub(crate) fn visible_secret(arg: &str) -> Option<&str> {
    const PARTS: [&str; 6] = ["password", "passwd", "secret", "token", "private", "credential"];
    let (key, value) = split(arg)?;
    let lower = key.to_ascii_lowercase();
    let is_shown = !value.is_empty() && value != "-" && !value.starts_with('@');
    (is_shown && PARTS.iter().any(|part| lower.contains(part))).then_some(key)
}

/// One secret argument: as given, or read to the end from `-`.
pub(crate) fn secret(arg: &str, input: &mut dyn Read) -> Result<SecretString, Failure> {
    if arg != "-" {
        return Ok(arg.into());
    }
    let text = Once(Some(input)).read()?;
    Ok(text.trim().into())
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(path: &str, input: &mut dyn Read) -> Result<Zeroizing<String>, Failure> {
    if path == "-" { Once(Some(input)).read() } else { file(path) }
}

/// Asks on the terminal without showing what is typed. Errors: there is no terminal.
pub(crate) fn prompt(label: &str) -> Result<SecretString, Failure> {
    let typed = rpassword::prompt_password(format!("{label} (hidden): ")).map_err(|error| {
        Failure::local(format!(
            "Cannot ask for it without a terminal: {error}. Pass - as the argument to read it from standard input."
        ))
    })?;
    let typed = Zeroizing::new(typed);
    Ok(typed.trim().into())
}

/// Standard input can be read to its end once.
struct Once<'a>(Option<&'a mut dyn Read>);

impl Once<'_> {
    fn read(&mut self) -> Result<Zeroizing<String>, Failure> {
        let input = self.0.take().ok_or_else(|| Failure::local("standard input (-) can be used once only"))?;
        let mut text = Zeroizing::new(String::new());
        input.read_to_string(&mut text).map_err(|error| Failure::local(format!("Error reading standard input: {error}")))?;
        Ok(text)
    }
}

fn value_of(value: &str, input: &mut Once<'_>) -> Result<String, Failure> {
    if value == "-" {
        return Ok(input.read()?.to_string());
    }
    match value.strip_prefix('@') {
        Some(path) => Ok(file(path)?.to_string()),
        None => Ok(value.strip_prefix('\\').filter(|rest| rest.starts_with('@')).unwrap_or(value).to_owned()),
    }
}

fn split(pair: &str) -> Option<(&str, &str)> {
    pair.split_once('=').filter(|(key, _)| !key.is_empty())
}

fn add(data: &mut Map<String, Value>, key: &str, value: Value) {
    match data.get_mut(key) {
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
        None => drop(data.insert(key.to_owned(), value)),
    }
}

fn file(path: &str) -> Result<Zeroizing<String>, Failure> {
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| Failure::local(format!("Error reading {path}: {error}")))
}

fn object(text: &str, origin: &str) -> Result<Map<String, Value>, Failure> {
    // serde's message may quote the text, so only the place is told.
    serde_json::from_str(text).map_err(|error| {
        Failure::local(format!("{origin} is not a JSON object (line {}, column {})", error.line(), error.column()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(args: &[&str], input: &str, expected: Result<Value, &str>) {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        match (parse_data(&args, &mut input.as_bytes()), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(Value::Object(found), expected, "{args:?}"),
            (Err(found), Err(part)) => assert!(found.message.contains(part) && found.code == 1, "{}", found.message),
            (found, expected) => panic!("{args:?}: {:?}, expected {expected:?}", found.map_err(|failure| failure.message)),
        }
    }

    #[test]
    fn pairs_make_an_object_of_strings() {
        check(&["a=1", "b=x=y", "c="], "", Ok(json!({"a": "1", "b": "x=y", "c": ""})));
        check(&["a=1", "a=2", "a=3"], "", Ok(json!({"a": ["1", "2", "3"]})));
        check(&[r"a=\@literal", r"b=\x"], "", Ok(json!({"a": "@literal", "b": r"\x"})));
    }

    #[test]
    fn standard_input_is_a_value_or_a_whole_object() {
        check(&["a=-"], "two\nlines\n", Ok(json!({"a": "two\nlines\n"})));
        check(&["-"], r#"{"a": 1, "b": null}"#, Ok(json!({"a": 1, "b": null})));
        check(&["-", "c=3"], r#"{"a": 1}"#, Ok(json!({"a": 1, "c": "3"})));
        check(&["a=-", "b=-"], "x", Err("once"));
        check(&["-"], "[1]", Err("not a JSON object"));
    }

    #[test]
    fn files_are_values_or_whole_objects() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.json");
        std::fs::write(&path, r#"{"k": [true]}"#).unwrap();
        check(&[&format!("@{}", path.display())], "", Ok(json!({"k": [true]})));
        check(&[&format!("v=@{}", path.display())], "", Ok(json!({"v": r#"{"k": [true]}"#})));
        check(&["v=@/nonexistent/file"], "", Err("/nonexistent/file"));
    }

    #[test]
    fn a_mistake_is_named_by_its_place_and_not_repeated() {
        for (args, input) in
            [(vec!["a=1", "hunter2"], ""), (vec!["=hunter2"], ""), (vec!["-"], "\"hunter2\""), (vec!["-"], "hunter2")]
        {
            let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
            let failure = parse_data(&args, &mut input.as_bytes()).unwrap_err();
            assert!(!failure.message.contains("hunter2"), "{}", failure.message);
        }
    }

    #[test]
    fn a_password_in_plain_sight_is_noticed() {
        for (arg, expected) in [
            ("password=x", Some("password")),
            ("db_Passwd=x", Some("db_Passwd")),
            ("password=-", None),
            ("password=@f", None),
            ("password=", None),
            ("ttl=1h", None),
            ("-", None),
        ] {
            assert_eq!(visible_secret(arg), expected, "{arg}");
        }
    }

    #[test]
    fn a_secret_argument_is_itself_or_standard_input() {
        assert_eq!(secret("key", &mut std::io::empty()).unwrap().expose(), "key");
        assert_eq!(secret("-", &mut "key\n".as_bytes()).unwrap().expose(), "key");
    }
}
