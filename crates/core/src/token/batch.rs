//! Batch tokens: they carry their own record, sealed by the barrier, and nothing is stored. Short names and no defaults: every
//! request brings the token along, and the audit log hashes it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use strongroom_barrier::Barrier;
use strongroom_engine::{Cidrs, Error, Result};
use strongroom_types::{SecretString, Timestamp, Ttl};
use zeroize::Zeroizing;

use super::entry::{Grant, Life, TokenEntry};
use super::id::BATCH_PREFIX;

const PURPOSE: &str = "batch-token";

/// What a batch token needs of a record: it is never renewed, is never root, has no family and no login to ask again.
#[derive(Serialize, Deserialize)]
struct Carried<'a> {
    #[serde(rename = "p")]
    policies: Cow<'a, [String]>,
    #[serde(rename = "c")]
    created: Timestamp,
    #[serde(rename = "t")]
    creation_ttl: Ttl,
    #[serde(rename = "x", default, skip_serializing_if = "is_default")]
    explicit_max_ttl: Ttl,
    #[serde(rename = "d", default, skip_serializing_if = "is_default")]
    period: Ttl,
    #[serde(rename = "u", default, skip_serializing_if = "is_default")]
    uses_left: u32,
    #[serde(rename = "a", default, skip_serializing_if = "is_default")]
    parent: Option<Cow<'a, str>>,
    #[serde(rename = "n")]
    display_name: Cow<'a, str>,
    #[serde(rename = "m", default, skip_serializing_if = "is_default")]
    meta: Cow<'a, BTreeMap<String, String>>,
    #[serde(rename = "w")]
    path: Cow<'a, str>,
    #[serde(rename = "e", default, skip_serializing_if = "is_default")]
    entity_id: Cow<'a, str>,
    #[serde(rename = "b", default, skip_serializing_if = "is_default")]
    bound_cidrs: Cow<'a, Cidrs>,
    #[serde(rename = "r", default, skip_serializing_if = "is_default")]
    role: Cow<'a, str>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The text of a batch token.
pub fn seal(barrier: &Barrier, record: &TokenEntry) -> Result<SecretString> {
    let carried = Carried {
        policies: Cow::Borrowed(&record.grant.policies),
        created: record.life.created,
        creation_ttl: record.life.creation_ttl,
        explicit_max_ttl: record.life.explicit_max_ttl,
        period: record.life.period,
        uses_left: record.grant.uses_left,
        parent: record.parent.as_deref().map(Cow::Borrowed),
        display_name: Cow::Borrowed(&record.display_name),
        meta: Cow::Borrowed(&record.meta),
        path: Cow::Borrowed(&record.path),
        entity_id: Cow::Borrowed(&record.entity_id),
        bound_cidrs: Cow::Borrowed(&record.bound_cidrs),
        role: Cow::Borrowed(&record.role),
    };
    let plain = serde_json::to_vec(&carried).map_err(|e| Error::Internal(format!("encoding a token: {e}")))?;
    let sealed = barrier.seal_message(PURPOSE, &Zeroizing::new(plain))?;
    let mut text = String::with_capacity(sealed.len().saturating_mul(2));
    text.push_str(BATCH_PREFIX);
    URL_SAFE_NO_PAD.encode_string(sealed, &mut text);
    Ok(SecretString::new(text))
}

/// The record in what follows the prefix. None for what this server did not seal.
pub fn open(barrier: &Barrier, sealed: &str) -> Result<Option<TokenEntry>> {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(sealed) else { return Ok(None) };
    let Ok(plain) = barrier.open_message(PURPOSE, &bytes) else { return Ok(None) };
    // SECURITY: serde's text would quote the value.
    let carried: Carried<'_> = serde_json::from_slice(plain.expose())
        .map_err(|_| Error::Internal("a batch token is not of the expected form".into()))?;
    Ok(Some(carried.into_entry()))
}

impl Carried<'_> {
    fn into_entry(self) -> TokenEntry {
        TokenEntry {
            family: String::new(),
            tag: String::new(),
            grant: Grant { policies: self.policies.into_owned(), is_root: false, uses_left: self.uses_left },
            life: Life {
                created: self.created,
                creation_ttl: self.creation_ttl,
                expires: Some(self.created.plus(self.creation_ttl)),
                explicit_max_ttl: self.explicit_max_ttl,
                period: self.period,
                ..Life::default()
            },
            parent: self.parent.map(Cow::into_owned),
            display_name: self.display_name.into_owned(),
            meta: self.meta.into_owned(),
            path: self.path.into_owned(),
            entity_id: self.entity_id.into_owned(),
            bound_cidrs: self.bound_cidrs.into_owned(),
            login: None,
            role: self.role.into_owned(),
            chosen: false,
            wraps: String::new(),
        }
    }
}
