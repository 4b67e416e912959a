//! What a text says, without a notion of what it means: items in order, each with its keys and its value. Debug output
//! shows the shape and never a value, since configuration may hold credentials.

use std::fmt;

use crate::{ParseError, Position};

/// The items of a text or of one object, in order.
#[derive(Clone, PartialEq, Default)]
pub struct Body {
    pub items: Vec<Item>,
}

/// `key = value`, `key { }` or `key "label" { }`.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// Never empty. More than one only for an object: `path "a" { }` has `path` and `a`.
    pub keys: Vec<String>,
    pub value: Value,
    /// Where the first key stands. JSON text keeps no places: its items stand at the start.
    pub position: Position,
}

#[derive(Clone, PartialEq)]
pub enum Value {
    String(String),
    /// As written: `10`, `-1.5e3`, `0x1F`. Never with a leading zero, which HCL 1 reads as octal and people do not.
    Number(String),
    Bool(bool),
    List(Vec<Value>),
    Object(Body),
}

/// One block: the labels between its name and its body.
#[derive(Clone, PartialEq, Debug)]
pub struct Block<'a> {
    pub labels: Vec<&'a str>,
    pub body: &'a Body,
    pub position: Position,
}

impl Body {
    /// The value of `name`, or None. Errors: `name` is given twice, so that nobody has to guess which one holds.
    pub fn attribute(&self, name: &str) -> Result<Option<&Value>, ParseError> {
        let mut found = self.items.iter().filter(|item| item.keys.first().is_some_and(|key| key == name));
        let first = found.next();
        if let Some(second) = found.next() {
            return Err(ParseError::new(second.position, format!("key \"{name}\" is given twice")));
        }
        match first {
            Some(item) if item.keys.len() > 1 => Err(ParseError::new(item.position, format!("key \"{name}\" takes no label"))),
            other => Ok(other.map(|item| &item.value)),
        }
    }

    /// The blocks called `name`, in order. Labels may be written before the brace or as keys of nested objects (which
    /// is how JSON has them). Errors: a block with more or fewer labels, or something that is no block.
    pub fn blocks(&self, name: &str, label_count: usize) -> Result<Vec<Block<'_>>, ParseError> {
        let mut blocks = Vec::new();
        for item in self.items.iter().filter(|item| item.keys.first().is_some_and(|key| key == name)) {
            let labels = item.keys.iter().skip(1).map(String::as_str).collect();
            collect(item, labels, label_count, name, &mut blocks)?;
        }
        Ok(blocks)
    }
}

fn collect<'a>(
    item: &'a Item,
    labels: Vec<&'a str>,
    want: usize,
    name: &str,
    out: &mut Vec<Block<'a>>,
) -> Result<(), ParseError> {
    let wrong = |position| ParseError::new(position, format!("\"{name}\" must be a block with {want} label(s)"));
    let Value::Object(body) = &item.value else { return Err(wrong(item.position)) };
    if labels.len() > want {
        return Err(wrong(item.position));
    }
    if labels.len() == want {
        out.push(Block { labels, body, position: item.position });
        return Ok(());
    }
    // Recursion is bounded by `want`: every key adds a label.
    for inner in &body.items {
        let labels = labels.iter().copied().chain(inner.keys.iter().map(String::as_str)).collect();
        collect(inner, labels, want, name, out)?;
    }
    Ok(())
}

impl Value {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A whole number, decimal or `0x`.
    pub fn as_i64(&self) -> Option<i64> {
        let Self::Number(text) = self else { return None };
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
        match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(hex) => i64::from_str_radix(&format!("{sign}{hex}"), 16).ok(),
            None => text.parse().ok(),
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Body> {
        match self {
            Self::Object(body) => Some(body),
            _ => None,
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.items.iter().map(|item| (&item.keys, &item.value))).finish()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(_) => f.write_str("<string>"),
            Self::Number(_) => f.write_str("<number>"),
            Self::Bool(_) => f.write_str("<bool>"),
            Self::List(values) => values.fmt(f),
            Self::Object(body) => body.fmt(f),
        }
    }
}
