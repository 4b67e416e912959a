//! Inputs: one serde struct per route. Path parameters, query and body arrive as one set of fields; loose types absorb
//! the many ways in which clients write a number, a list or a duration (architecture.md, "What the engine API must carry").

mod de;
mod fields;
mod form;
mod json;
mod loose;

pub use fields::FieldSet;
pub use json::{JsonLimits, check_budget};
pub use loose::{AnyFields, Decimal, Flag, List, Number, Present, Seconds, SecretText, StringMap, Text};

use serde::de::DeserializeOwned;

/// What a route takes. `FIELDS` feeds help, OpenAPI and the audit allow-list; `testing::assert_fields_match` keeps it true.
/// `#[serde(flatten)]` is forbidden in inputs: it breaks raw values.
pub trait Input: DeserializeOwned + Send + 'static {
    const FIELDS: &'static [Field];
    /// The route takes whatever fields come, so none is unknown.
    const TAKES_ANY: bool = false;
}

/// What a handler takes: one input, or two side by side, such as a role's own fields and the `token_*` fields.
pub trait Inputs: Sized + Send + 'static {
    fn fields() -> Vec<Field>;
    fn takes_any() -> bool;
    /// The typed input and the names that it does not know. Errors: `Invalid` naming the field.
    fn read(set: &FieldSet) -> crate::Result<(Self, Vec<String>)>;
}

impl<I: Input> Inputs for I {
    fn fields() -> Vec<Field> {
        I::FIELDS.to_vec()
    }

    fn takes_any() -> bool {
        I::TAKES_ANY
    }

    fn read(set: &FieldSet) -> crate::Result<(Self, Vec<String>)> {
        set.parse()
    }
}

impl<A: Input, B: Input> Inputs for (A, B) {
    fn fields() -> Vec<Field> {
        [A::FIELDS, B::FIELDS].concat()
    }

    fn takes_any() -> bool {
        A::TAKES_ANY || B::TAKES_ANY
    }

    fn read(set: &FieldSet) -> crate::Result<(Self, Vec<String>)> {
        let ((a, unknown_to_a), (b, unknown_to_b)) = (set.parse()?, set.parse()?);
        Ok(((a, b), unknown_to_a.into_iter().filter(|name| unknown_to_b.contains(name)).collect()))
    }
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
