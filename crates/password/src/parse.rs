//! From text to rules. Unknown keys are errors: a rule that is understood in part would give weaker passwords than its author
//! meant.

use strongroom_hcl::{Block, Body, Value};

use crate::{Charset, LENGTH_MAX, LENGTH_MIN, PasswordPolicy};

/// Most rules of one policy.
const RULES_MAX: usize = 64;

/// The first mistake. Quotes no more than the names of keys.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseError {
    #[error("invalid password policy: {0}")]
    Text(#[from] strongroom_hcl::ParseError),
    #[error("invalid password policy: unknown key {key:?} at line {line}")]
    UnknownKey { key: String, line: u32 },
    #[error("invalid password policy: length must be a whole number")]
    LengthType,
    #[error("passwords must be between 4 and 100 characters")]
    Length,
    #[error("invalid password policy: no charset specified")]
    NoCharset,
    #[error("invalid password policy: at most 64 rules are taken")]
    TooManyRules,
    #[error("invalid password policy: unrecognized rule type; the one that is known is \"charset\"")]
    RuleType,
    #[error("invalid password policy: charset must be a string of visible characters, and not empty")]
    Charset,
    #[error("invalid password policy: min-chars must be a whole number from 0 to the length")]
    AtLeast,
    #[error("invalid password policy: specified rules require at least {needed} characters but {length} is specified")]
    TooShort { needed: usize, length: usize },
}

impl PasswordPolicy {
    /// Reads `length` and one or more `rule "charset" { charset, min-chars }`, in HCL or JSON.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let body = strongroom_hcl::parse(text)?;
        known(&body, &["length", "rule"])?;
        let length = length(&body)?;
        let blocks = body.blocks("rule", 1)?;
        if blocks.len() > RULES_MAX {
            return Err(ParseError::TooManyRules);
        }
        let rules = blocks.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
        if rules.is_empty() {
            return Err(ParseError::NoCharset);
        }
        let needed = rules.iter().map(|rule| rule.at_least).fold(0, usize::saturating_add);
        if needed > length {
            return Err(ParseError::TooShort { needed, length });
        }
        Ok(Self::of(length, rules))
    }
}

fn known(body: &Body, names: &[&str]) -> Result<(), ParseError> {
    let unknown = body
        .items
        .iter()
        .find_map(|item| Some((item.keys.first()?, item.position.line)).filter(|(k, _)| !names.contains(&k.as_str())));
    unknown.map_or(Ok(()), |(key, line)| Err(ParseError::UnknownKey { key: key.clone(), line }))
}

fn length(body: &Body) -> Result<usize, ParseError> {
    let value = body.attribute("length")?.ok_or(ParseError::Length)?;
    let length = value.as_i64().ok_or(ParseError::LengthType)?;
    usize::try_from(length).ok().filter(|n| (LENGTH_MIN..=LENGTH_MAX).contains(n)).ok_or(ParseError::Length)
}

fn rule(block: &Block<'_>) -> Result<Charset, ParseError> {
    if block.labels.as_slice() != ["charset"] {
        return Err(ParseError::RuleType);
    }
    known(block.body, &["charset", "min-chars"])?;
    let text = block.body.attribute("charset")?.and_then(Value::as_str).ok_or(ParseError::Charset)?;
    let mut characters: Vec<char> = text.chars().collect();
    if characters.is_empty() || characters.iter().any(|c| c.is_control() || (c.is_whitespace() && *c != ' ')) {
        return Err(ParseError::Charset);
    }
    characters.sort_unstable();
    characters.dedup();
    let at_least = match block.body.attribute("min-chars")? {
        None => 0,
        Some(value) => value.as_i64().and_then(|n| usize::try_from(n).ok()).ok_or(ParseError::AtLeast)?,
    };
    Ok(Charset { characters, at_least })
}

#[cfg(test)]
mod tests {
    use super::ParseError;
    use crate::PasswordPolicy;

    #[test]
    fn hcl_and_json_say_the_same() {
        let hcl =
            "length = 20\nrule \"charset\" {\n charset = \"abca\"\n min-chars = 2\n}\nrule \"charset\" { charset = \"d\" }\n";
        let read = PasswordPolicy::parse(hcl).unwrap();
        assert_eq!((read.length, read.rules.len(), read.alphabet.len()), (20, 2, 4));
        for json in [
            r#"{"length": 20, "rule": [{"charset": {"charset": "abc", "min-chars": 2}}, {"charset": {"charset": "d"}}]}"#,
            r#"{"length": 20, "rule": {"charset": [{"charset": "abc", "min-chars": 2}, {"charset": "d"}]}}"#,
        ] {
            assert_eq!(PasswordPolicy::parse(json).as_ref(), Ok(&read), "{json}");
        }
    }

    #[test]
    fn the_standard_policy_is_one_that_could_be_written() {
        let sets = ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "-"];
        let rules: String =
            sets.iter().map(|set| format!("rule \"charset\" {{\n charset = \"{set}\"\n min-chars = 1\n}}\n")).collect();
        assert_eq!(PasswordPolicy::parse(&format!("length = 20\n{rules}")).unwrap(), PasswordPolicy::standard());
    }

    #[test]
    fn mistakes_are_named() {
        let set = "rule \"charset\" { charset = \"abc\" }";
        for (text, error) in [
            (String::new(), ParseError::Length),
            (set.to_owned(), ParseError::Length),
            (format!("length = 3\n{set}"), ParseError::Length),
            (format!("length = 101\n{set}"), ParseError::Length),
            (format!("length = -5\n{set}"), ParseError::Length),
            (format!("length = 5.5\n{set}"), ParseError::LengthType),
            (format!("length = \"long\"\n{set}"), ParseError::LengthType),
            ("length = 20".into(), ParseError::NoCharset),
            ("length = 20\nrule \"charset\" { charset = \"\" }".into(), ParseError::Charset),
            ("length = 20\nrule \"charset\" { min-chars = 1 }".into(), ParseError::Charset),
            ("length = 20\nrule \"charset\" { charset = \"a\\tb\" }".into(), ParseError::Charset),
            ("length = 20\nrule \"charset\" {\n charset = \"a\"\n min-chars = -1\n}".into(), ParseError::AtLeast),
            ("length = 20\nrule \"words\" { charset = \"a\" }".into(), ParseError::RuleType),
            (format!("length = 20\nlenght = 30\n{set}"), ParseError::UnknownKey { key: "lenght".into(), line: 2 }),
            (
                "length = 5\nrule \"charset\" {\n charset = \"a\"\n min-chars = 6\n}".into(),
                ParseError::TooShort { needed: 6, length: 5 },
            ),
            (format!("length = 20\n{}", format!("{set}\n").repeat(65)), ParseError::TooManyRules),
        ] {
            assert_eq!(PasswordPolicy::parse(&text), Err(error), "{text}");
        }
        assert!(matches!(PasswordPolicy::parse("length {"), Err(ParseError::Text(_))));
        assert!(matches!(PasswordPolicy::parse(&format!("length = 20\nlength = 21\n{set}")), Err(ParseError::Text(_))));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}|length = [0-9]{1,3}\nrule \"charset\" \\{ charset = \"[a-c]{0,5}\" \\}") {
            let _ = PasswordPolicy::parse(&text);
        }
    }
}
