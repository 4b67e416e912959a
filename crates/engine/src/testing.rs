//! Checks for plug-ins: that the field tables say what the input types take, and a bench to run an engine on.

mod bench;
mod rng;

pub use bench::Bench;
pub use rng::CountingRng;

use serde::de::{self, Deserializer, Visitor};

use crate::Input;

/// Field names that serde derived for `T`, in order. Empty when `T` takes any field.
pub fn derived_names<T: Input>() -> Vec<&'static str> {
    let mut names = Vec::new();
    let _ = T::deserialize(Probe(&mut names));
    names
}

/// Panics when the table and the type name different fields.
#[expect(clippy::panic, reason = "an assertion of tests")]
pub fn assert_fields_match<T: Input>() {
    let mut table: Vec<_> = T::FIELDS.iter().map(|f| f.name).collect();
    let mut derived = derived_names::<T>();
    table.sort_unstable();
    derived.sort_unstable();
    if table != derived && !T::TAKES_ANY {
        panic!("{}: table {table:?}, type {derived:?}", std::any::type_name::<T>());
    }
}

struct Probe<'n>(&'n mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("probe"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.extend(fields);
        Err(de::Error::custom("probe"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
