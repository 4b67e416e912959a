//! The wire form of `SecretString`: a plain JSON string, null as empty. Must be named at each field that may leave the process,
//! so that it is never sent by accident.

use serde::{Deserialize as _, Deserializer, Serializer};
use strongroom_types::SecretString;

pub(crate) fn serialize<S: Serializer>(text: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.expose())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    Ok(SecretString::new(Option::<String>::deserialize(deserializer)?.unwrap_or_default()))
}

/// The same for lists: unseal shares.
pub(crate) mod list {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use strongroom_types::SecretString;

    pub(crate) fn serialize<S: Serializer>(texts: &[SecretString], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(texts.iter().map(SecretString::expose))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
        let texts = Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(texts.into_iter().map(SecretString::new).collect())
    }
}

/// The same for a field that may be left out.
pub(crate) mod option {
    use serde::Serializer;
    use strongroom_types::SecretString;

    pub(crate) fn serialize<S: Serializer>(text: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
        match text {
            Some(text) => serializer.serialize_some(text.expose()),
            None => serializer.serialize_none(),
        }
    }
}
