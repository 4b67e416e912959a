//! From a field set to a typed input. serde's derive asks for unknown fields by `deserialize_ignored_any`: that is where
//! their names are noted, so no list of known names is needed.

use std::cell::RefCell;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::de::StrRead;

use super::{Field, FieldSet};

/// The message for the caller. SECURITY: built here from the field's name and kind only.
#[derive(Debug)]
pub struct InputError(pub String);

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InputError {}

impl de::Error for InputError {
    fn custom<T: std::fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("missing field \"{field}\""))
    }
}

pub struct SetDeserializer<'s> {
    pub set: &'s FieldSet,
    pub table: &'static [Field],
    pub with_path: bool,
    pub unknown: &'s RefCell<Vec<String>>,
}

impl<'de> Deserializer<'de> for SetDeserializer<'de> {
    type Error = InputError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        let (set, with_path) = (self.set, self.with_path);
        let path = set.path_parameters().filter(move |_| with_path);
        let shadowed = |name: &str| with_path && set.path_parameters().any(|(n, _)| n == name);
        let fields: Vec<(&str, &str)> = path.chain(set.iter().filter(|(name, _)| !shadowed(name))).collect();
        visitor.visit_map(Fields { fields: fields.into_iter(), current: None, owner: self })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Fields<'s> {
    fields: std::vec::IntoIter<(&'s str, &'s str)>,
    current: Option<(&'s str, &'s str)>,
    owner: SetDeserializer<'s>,
}

impl<'s> MapAccess<'s> for Fields<'s> {
    type Error = InputError;

    fn next_key_seed<K: DeserializeSeed<'s>>(&mut self, seed: K) -> Result<Option<K::Value>, InputError> {
        self.current = self.fields.next();
        self.current.map(|(name, _)| seed.deserialize(de::value::BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'s>>(&mut self, seed: T) -> Result<T::Value, InputError> {
        let (name, text) = self.current.take().unwrap_or(("", "null"));
        let mut json = serde_json::Deserializer::from_str(text);
        let value = FieldDeserializer { name, json: &mut json, unknown: self.owner.unknown };
        seed.deserialize(value).map_err(|e| {
            let kind = self.owner.table.iter().find(|f| f.name == name).map_or("value", |f| f.kind);
            let detail = own_text(&e).unwrap_or_else(|| format!("expected type '{kind}'"));
            InputError(format!("Field validation failed: error converting input for field \"{name}\": {detail}"))
        })
    }
}

/// Marks texts that the loose types wrote themselves, which quote nothing.
pub const OWN: char = '\u{1}';

/// The part of a message that one of our own types wrote; None for serde's own messages, which quote values.
fn own_text(e: &serde_json::Error) -> Option<String> {
    let message = e.to_string();
    let own = message.strip_prefix(OWN)?;
    Some(own.split_once(" at line ").map_or(own, |(text, _)| text).to_owned())
}

/// One value; all kinds go to the JSON reader, only unknown fields stop here.
struct FieldDeserializer<'s, 'd> {
    name: &'s str,
    json: &'d mut serde_json::Deserializer<StrRead<'s>>,
    unknown: &'d RefCell<Vec<String>>,
}

macro_rules! forward {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'s>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
            self.json.$method(visitor)
        })*
    };
}

impl<'s> Deserializer<'s> for FieldDeserializer<'s, '_> {
    type Error = serde_json::Error;

    forward! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit deserialize_seq
        deserialize_map deserialize_identifier
    }

    fn deserialize_ignored_any<V: Visitor<'s>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        self.unknown.borrow_mut().push(self.name.to_owned());
        self.json.deserialize_ignored_any(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'s>>(self, name: &'static str, visitor: V) -> Result<V::Value, serde_json::Error> {
        self.json.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'s>>(self, name: &'static str, visitor: V) -> Result<V::Value, serde_json::Error> {
        self.json.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'s>>(self, len: usize, visitor: V) -> Result<V::Value, serde_json::Error> {
        self.json.deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'s>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, serde_json::Error> {
        self.json.deserialize_tuple_struct(name, len, visitor)
    }

    fn deserialize_struct<V: Visitor<'s>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, serde_json::Error> {
        self.json.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'s>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, serde_json::Error> {
        self.json.deserialize_enum(name, variants, visitor)
    }
}
