//! Types that read every spelling clients use. Their own error texts start with `OWN` and quote nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use strongroom_types::{DurationError, SecretString, Ttl};

use super::de::OWN;
use super::{Field, Input, Loose};

fn own<E: de::Error>(text: &str) -> E {
    E::custom(format_args!("{OWN}{text}"))
}

/// One scalar, whatever JSON type it came in.
enum Scalar {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// Null is taken as left out, as the reference does for every field.
    Null,
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Scalar;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text, number or flag")
            }
            fn visit_str<E>(self, v: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(v.to_owned()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Scalar, E> {
                Ok(Scalar::Integer(v))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Scalar, E> {
                i64::try_from(v).map(Scalar::Integer).map_err(|_| own("number is out of range"))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Scalar, E> {
                Ok(Scalar::Float(v))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(v))
            }
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Null)
            }
        }
        d.deserialize_any(V)
    }
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Text(t) => t,
            Self::Integer(n) => n.to_string(),
            Self::Float(n) => n.to_string(),
            Self::Bool(b) => if b { "1" } else { "0" }.to_owned(),
            Self::Null => String::new(),
        }
    }
}

macro_rules! from_scalar {
    ($type:ty, $kind:literal, $convert:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let convert: fn(Scalar) -> Result<Self, &'static str> = $convert;
                convert(Scalar::deserialize(d)?).map_err(own)
            }
        }
        impl Loose for $type {
            const KIND: &'static str = $kind;
        }
    };
}

/// Text; numbers and flags are taken as their text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(pub String);
from_scalar!(Text, "string", |s| Ok(Text(s.into_text())));

/// Text that is a secret: wiped on drop, never printed.
#[derive(Debug, Default)]
pub struct SecretText(pub SecretString);
from_scalar!(SecretText, "string", |s| Ok(SecretText(SecretString::new(s.into_text()))));

/// A whole number; `"8"` is taken too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Number(pub i64);
from_scalar!(Number, "integer", |s| match s {
    Scalar::Integer(n) => Ok(Number(n)),
    Scalar::Bool(b) => Ok(Number(i64::from(b))),
    Scalar::Text(t) if t.trim().is_empty() => Ok(Number(0)),
    Scalar::Text(t) => t.trim().parse().map(Number).map_err(|_| "cannot parse value as a whole number"),
    Scalar::Null => Ok(Number(0)),
    Scalar::Float(_) => Err("cannot parse value as a whole number"),
});

/// A number with or without fraction; `"0.5"` is taken too.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Decimal(pub f64);
from_scalar!(Decimal, "number", |s| match s {
    Scalar::Integer(n) => Ok(Decimal(n as f64)),
    Scalar::Float(n) => Ok(Decimal(n)),
    Scalar::Text(t) if t.trim().is_empty() => Ok(Decimal(0.0)),
    Scalar::Text(t) => t.trim().parse().ok().filter(|n: &f64| n.is_finite()).map(Decimal).ok_or("cannot parse value as a number"),
    Scalar::Null => Ok(Decimal(0.0)),
    Scalar::Bool(_) => Err("cannot parse value as a number"),
});

/// A flag; `"true"`, `"1"`, `1` are taken too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flag(pub bool);
from_scalar!(Flag, "boolean", |s| match s {
    Scalar::Bool(b) => Ok(Flag(b)),
    Scalar::Integer(n) => Ok(Flag(n != 0)),
    Scalar::Null => Ok(Flag(false)),
    Scalar::Float(_) => Err("cannot parse value as a flag"),
    Scalar::Text(t) => match t.trim() {
        "true" | "TRUE" | "True" | "t" | "T" | "1" => Ok(Flag(true)),
        "false" | "FALSE" | "False" | "f" | "F" | "0" | "" => Ok(Flag(false)),
        _ => Err("cannot parse value as a flag"),
    },
});

/// A duration: `3600`, `"3600"`, `"1h"`. An empty text is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seconds(pub Ttl);
from_scalar!(Seconds, "duration", |s| match s {
    Scalar::Integer(n) => u64::try_from(n).map(|n| Seconds(Ttl::from_s(n))).map_err(|_| "duration must not be negative"),
    Scalar::Text(t) => Ttl::parse(&t).map(Seconds).map_err(|e| match e {
        DurationError::Negative => "duration must not be negative",
        DurationError::Malformed(_) => "time: invalid duration",
    }),
    Scalar::Null => Ok(Seconds(Ttl::ZERO)),
    _ => Err("time: invalid duration"),
});

/// Texts: an array, or one text with commas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List(pub Vec<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = List;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of texts")
            }
            fn visit_str<E>(self, v: &str) -> Result<List, E> {
                Ok(List(v.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<List, E> {
                Ok(List(vec![v.to_string()]))
            }
            fn visit_u64<E>(self, v: u64) -> Result<List, E> {
                Ok(List(vec![v.to_string()]))
            }
            fn visit_unit<E>(self) -> Result<List, E> {
                Ok(List::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List, A::Error> {
                let mut out = Vec::new();
                while let Some(item) = seq.next_element::<Scalar>()? {
                    out.push(item.into_text());
                }
                Ok(List(out))
            }
        }
        d.deserialize_any(V)
    }
}
impl Loose for List {
    const KIND: &'static str = "array";
}

/// Names and texts: an object of scalars, an array of `"k=v"`, or one `"k=v"`, which a command line makes of its argument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StringMap(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for StringMap {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = StringMap;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of texts")
            }
            fn visit_unit<E>(self) -> Result<StringMap, E> {
                Ok(StringMap::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StringMap, A::Error> {
                let mut out = BTreeMap::new();
                while let Some((k, v)) = map.next_entry::<String, Scalar>()? {
                    out.insert(k, v.into_text());
                }
                Ok(StringMap(out))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<StringMap, E> {
                Ok(StringMap(BTreeMap::from([pair(text)?])))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<StringMap, A::Error> {
                let mut out = BTreeMap::new();
                while let Some(item) = seq.next_element::<Scalar>()? {
                    out.extend([pair(&item.into_text())?]);
                }
                Ok(StringMap(out))
            }
        }
        d.deserialize_any(V)
    }
}

fn pair<E: de::Error>(text: &str) -> Result<(String, String), E> {
    let (name, value) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| own::<E>("expected key=value"))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Loose for StringMap {
    const KIND: &'static str = "object";
}

/// A field that may be left out, be null, or be there: three things in an update. Needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Present<T> {
    #[default]
    Absent,
    Null,
    Is(T),
}

impl<T> Present<T> {
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Present<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(d)?.map_or(Self::Null, Self::Is))
    }
}
impl<T: Loose> Loose for Present<T> {
    const KIND: &'static str = T::KIND;
}
impl<T: Loose> Loose for Option<T> {
    const KIND: &'static str = T::KIND;
}
impl Loose for Box<RawValue> {
    const KIND: &'static str = "object";
}
impl Loose for String {
    const KIND: &'static str = "string";
}

/// Every field of the body, each as the JSON text that came. For engines that store what they get.
pub struct AnyFields(pub Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for AnyFields {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = AnyFields;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("fields")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AnyFields, A::Error> {
                let mut out = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    out.push(entry);
                }
                Ok(AnyFields(out))
            }
        }
        d.deserialize_map(V)
    }
}

impl Input for AnyFields {
    const FIELDS: &'static [Field] = &[];
    const TAKES_ANY: bool = true;
}

impl AnyFields {
    /// The fields as one JSON object, in the order in which they came.
    pub fn object_text(&self) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (i, (name, value)) in self.0.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend(serde_json::to_vec(name).unwrap_or_default());
            out.push(b':');
            out.extend_from_slice(value.get().as_bytes());
        }
        out.push(b'}');
        out
    }
}
