//! Inputs: one serde struct per route. Path parameters, query and body arrive as one set of fields; loose types absorb
//! the many ways in which clients write a number, a list or a duration (architecture.md, "What the engine API must carry").

mod de;
mod fields;
mod form;
mod json;
mod loose;

pub use fields::FieldSet;
pub use json::{JsonLimits, check_budget};
pub use loose::{AnyFields, Flag, List, Number, Present, Seconds, StringMap, Text};

use serde::de::DeserializeOwned;

/// What a route takes. `FIELDS` feeds help, OpenAPI and the audit allow-list; `testing::assert_fields_match` keeps it true.
/// `#[serde(flatten)]` is forbidden in inputs: it breaks raw values.
pub trait Input: DeserializeOwned + Send + 'static {
    const FIELDS: &'static [Field];
    /// The route takes whatever fields come, so none is unknown.
    const TAKES_ANY: bool = false;
}

/// No fields at all.
#[derive(serde::Deserialize)]
pub struct NoFields {}

impl Input for NoFields {
    const FIELDS: &'static [Field] = &[];
}

/// One field as help and OpenAPI describe it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    /// JSON type, such as `string`.
    pub kind: &'static str,
    pub help: &'static str,
    /// The audit log may show its value.
    pub clear_in_audit: bool,
}

/// A type that a field can have.
pub trait Loose {
    const KIND: &'static str;
}

pub const fn field<T: Loose>(name: &'static str, help: &'static str) -> Field {
    Field { name, kind: T::KIND, help, clear_in_audit: false }
}

impl Field {
    /// SECURITY: only for values that are no secret whoever sends them.
    #[must_use]
    pub const fn clear(mut self) -> Self {
        self.clear_in_audit = true;
        self
    }
}

#[cfg(test)]
mod tests;
