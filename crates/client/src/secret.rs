//! A secret as a program holds it: named fields that are wiped when the last holder lets go. Must never be printed.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_types::{SecretString, eq_constant_time};

/// The fields of one secret. Cheap to clone; the memory is wiped when the last clone is dropped. `Debug` prints no content.
///
/// ```
/// use strongroom_client::Secret;
///
/// let secret = Secret::from_fields([("username", "app"), ("password", "correct horse")]);
/// assert_eq!(secret.field("password"), Some("correct horse"));
/// assert_eq!(secret.field("absent"), None);
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// ```
#[derive(Clone)]
pub struct Secret(Arc<Content>);

struct Content {
    fields: BTreeMap<String, SecretString>,
    version: Option<String>,
}

impl Secret {
    pub fn new(fields: BTreeMap<String, SecretString>, version: Option<String>) -> Self {
        Self(Arc::new(Content { fields, version }))
    }

    /// Without a version.
    pub fn from_fields<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), SecretString::from(value)));
        Self::new(fields.collect(), None)
    }

    /// The text of a field; what is no text comes as its JSON. Every call is a place to review.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.0.fields.get(name).map(SecretString::expose)
    }

    /// The field `value`, the usual name of a secret's only field.
    pub fn value(&self) -> Option<&str> {
        self.field("value")
    }

    /// Names are not secret.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.0.fields.keys().map(String::as_str)
    }

    /// As the server counts; None where it does not.
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Same version and same fields. Takes the same time wherever values of one length differ.
    pub fn is_same(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        Arc::ptr_eq(a, b)
            || (a.version == b.version
                && a.fields.len() == b.fields.len()
                && a.fields.iter().zip(&b.fields).fold(true, |same, (left, right)| {
                    let values = eq_constant_time(left.1.expose().as_bytes(), right.1.expose().as_bytes());
                    same & (left.0 == right.0) & values
                }))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sameness_is_of_names_values_and_version() {
        let made = |fields: &[(&str, &str)], version: &str| {
            Secret::new(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).into())).collect(), Some(version.to_owned()))
        };
        let one = made(&[("a", "1"), ("b", "2")], "1");
        assert!(one.is_same(&made(&[("a", "1"), ("b", "2")], "1")));
        for other in [
            made(&[("a", "1"), ("b", "2")], "2"),
            made(&[("a", "1"), ("b", "3")], "1"),
            made(&[("a", "1"), ("c", "2")], "1"),
            made(&[("a", "1")], "1"),
        ] {
            assert!(!one.is_same(&other));
        }
    }
}
