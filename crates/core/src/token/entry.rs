//! A token's record in the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_engine::{Cidrs, Key, LoginFacts};
use strongroom_types::{Timestamp, Ttl};

use super::id::Family;

/// One token. It stays until it is revoked or expires; there is no soft delete.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct TokenEntry {
    pub family: Family,
    /// Hex of the HMAC of the token. Nothing here brings the token back.
    pub tag: String,
    pub grant: Grant,
    pub life: Life,
    /// None for an orphan.
    pub parent: Option<Family>,
    pub display_name: String,
    pub meta: BTreeMap<String, String>,
    /// Where it was made, such as `auth/token/create`.
    pub path: String,
    /// Empty without an identity.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub entity_id: String,
    #[serde(default, skip_serializing_if = "Cidrs::is_empty")]
    pub bound_cidrs: Cidrs,
    /// Made by a login, which a renewal asks again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginFacts>,
    /// The token role it was made by, which a renewal asks again; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chosen: bool,
    /// Accessor of the token in the answer that this one unwraps; empty for all others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wraps: String,
}

/// What the token may do.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct Grant {
    pub policies: Vec<String>,
    /// Root authority. Only initialisation and a root caller can set it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_root: bool,
    /// Uses left; zero is unlimited. A token whose last use is spent is deleted, so zero never means used up.
    #[serde(default)]
    pub uses_left: u32,
}

/// How long the token lives.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct Life {
    pub created: Timestamp,
    pub creation_ttl: Ttl,
    /// None never expires: root tokens without a ttl only.
    pub expires: Option<Timestamp>,
    /// Zero is none.
    pub explicit_max_ttl: Ttl,
    pub period: Ttl,
    pub renewable: bool,
    pub renewed: Option<Timestamp>,
}

impl TokenEntry {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.life.expires.is_none_or(|end| now < end)
    }

    /// Seconds left, rounded up, so that a live token never shows zero.
    pub fn ttl_left(&self, now: Timestamp) -> Ttl {
        let left = self.life.expires.map_or(0, |end| end.ns().saturating_sub(now.ns()));
        Ttl::from_s(left.div_ceil(1_000_000_000))
    }
}

/// Keys of the token area.
pub fn key(family: &str) -> Key {
    Key::area("t").name(family)
}

pub fn child_key(parent: &str, child: &str) -> Key {
    children(parent).name(child)
}

pub fn children(parent: &str) -> Key {
    Key::area("p").id(parent)
}

/// Ordered by the moment at which the token ends.
pub fn expiry_key(end: Timestamp, family: &str) -> Key {
    Key::area("x").number(end.ns()).name(family)
}

pub fn chosen_key(tag_hex: &str) -> Key {
    Key::area("n").name(tag_hex)
}

/// Work that a revocation leaves behind: the token is gone, its children and private entries are not yet.
pub fn revoke_intent(family: &str) -> Key {
    Key::area("i").id("revoke").name(family)
}

pub fn private(family: &str) -> Key {
    Key::area("c").id(family)
}
