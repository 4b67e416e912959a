//! The JSON form of HCL 1: objects are blocks or labels, an array of objects is that block several times, null is a key
//! not given. Order and repeated keys are kept, so the caller sees (and may refuse) what a JSON map would hide.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::{Body, DEPTH_MAX, Item, ParseError, Position, VALUES_MAX, Value};

pub(crate) fn read(text: &str) -> Result<Body, ParseError> {
    let count = Cell::new(0);
    let mut source = serde_json::Deserializer::from_str(text);
    let value = Node { depth: 0, count: &count }.deserialize(&mut source).and_then(|value| source.end().map(|()| value));
    match value {
        Ok(Some(Value::Object(body))) => Ok(body),
        Ok(_) => Err(ParseError::new(Position::START, "expected an object")),
        Err(error) => Err(placed(&error)),
    }
}

/// Our error with serde_json's place; its texts name syntax only, never a value.
fn placed(error: &serde_json::Error) -> ParseError {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or_default().to_lowercase();
    ParseError::new(Position { line: number(error.line()), column: number(error.column()) }, message)
}

/// Reads one value; None is null.
#[derive(Clone, Copy)]
struct Node<'c> {
    depth: usize,
    count: &'c Cell<usize>,
}

impl Node<'_> {
    /// The node one level down, counted. SECURITY: depth and memory are bounded here.
    fn inner<E: Error>(self) -> Result<Self, E> {
        let count = self.count.get().saturating_add(1);
        self.count.set(count);
        if count > VALUES_MAX {
            return Err(E::custom("text has more than 65536 values"));
        }
        let depth = self.depth.saturating_add(1);
        if depth > DEPTH_MAX { Err(E::custom("nested deeper than 32 levels")) } else { Ok(Self { depth, ..self }) }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(value.to_string())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Some(Value::String(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = source.next_element_seed(self.inner()?)? {
            values.push(value.ok_or_else(|| A::Error::custom("null cannot stand in a list"))?);
        }
        Ok(Some(Value::List(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Self::Value, A::Error> {
        let mut body = Body::default();
        while let Some(key) = source.next_key::<String>()? {
            match source.next_value_seed(self.inner()?)? {
                None => {}
                Some(Value::List(values)) if is_blocks(&values) => body.items.extend(values.into_iter().map(|v| item(&key, v))),
                Some(value) => body.items.push(item(&key, value)),
            }
        }
        Ok(Some(Value::Object(body)))
    }
}

fn item(key: &str, value: Value) -> Item {
    Item { keys: vec![key.to_owned()], value, position: Position::START }
}

/// An array of objects only stands for repeated blocks.
fn is_blocks(values: &[Value]) -> bool {
    !values.is_empty() && values.iter().all(|value| matches!(value, Value::Object(_)))
}
