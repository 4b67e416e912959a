//! Records of secret ids. All that belongs to a role's life lies below that life, so that nothing can be reached through
//! another role, and goes with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_engine::{Cidrs, Ctx, Error, Key, MountFacts, Result};
use strongroom_types::{Timestamp, Ttl, eq_constant_time};

use crate::id::{MacKey, Place};

/// One secret id.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Secret {
    /// Names the record and never logs in.
    pub accessor: String,
    /// Hex of the HMAC of the secret id.
    pub tag: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub ttl: Ttl,
    pub expires: Option<Timestamp>,
    /// Logins left; zero is unlimited. A secret id whose last use is spent is deleted, so zero never means used up.
    pub uses_left: u32,
    pub metadata: BTreeMap<String, String>,
    pub cidrs: Cidrs,
    pub token_cidrs: Cidrs,
    /// Somebody chose its text: it has a second place, by its tag.
    pub chosen: bool,
}

impl Secret {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| now < end)
    }
}

/// All of a role's life.
pub fn below(mount: &MountFacts, life: &str) -> Key {
    mount.key("sec").id(life)
}

/// Records by accessor.
pub fn records(mount: &MountFacts, life: &str) -> Key {
    below(mount, life).id("s")
}

fn record_key(mount: &MountFacts, life: &str, accessor: &str) -> Key {
    records(mount, life).name(accessor)
}

fn chosen_key(mount: &MountFacts, life: &str, tag_hex: &str) -> Key {
    below(mount, life).id("c").name(tag_hex)
}

/// Order in which secret ids expire.
pub fn expiries(mount: &MountFacts) -> Key {
    mount.key("exp")
}

fn expiry_key(mount: &MountFacts, end: Timestamp, life: &str, accessor: &str) -> Key {
    expiries(mount).number(end.ns()).name(life).name(accessor)
}

/// The record of an accessor, live or not. An accessor that cannot be one names nothing.
pub async fn by_accessor(ctx: &mut Ctx, life: &str, accessor: &str) -> Result<Option<Arc<Secret>>> {
    if accessor.is_empty() || accessor.len() > 64 || !accessor.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(None);
    }
    let key = record_key(&ctx.mount, life, accessor);
    ctx.load_shared(&key).await
}

/// The live record of a presented secret id. SECURITY: expiry is judged here, at use, whatever tidying has done.
pub async fn by_text(ctx: &mut Ctx, key: &MacKey, life: &str, text: &str) -> Result<Option<Arc<Secret>>> {
    let presented = key.read(life, text);
    let accessor = match presented.place {
        Place::Accessor(accessor) => Some(accessor),
        Place::Chosen => by_tag(ctx, life, &hex::encode(presented.tag)).await?,
    };
    let Some(accessor) = accessor else { return Ok(None) };
    let found = by_accessor(ctx, life, &accessor).await?;
    let mut tag = [0u8; 32];
    let is_it = |secret: &Arc<Secret>| {
        hex::decode_to_slice(&secret.tag, &mut tag).is_ok() && eq_constant_time(&tag, &presented.tag) && secret.is_live(ctx.now)
    };
    Ok(found.filter(is_it))
}

/// The accessor of a chosen secret id.
async fn by_tag(ctx: &mut Ctx, life: &str, tag_hex: &str) -> Result<Option<String>> {
    let key = chosen_key(&ctx.mount, life, tag_hex);
    let Some(entry) = ctx.get(&key).await? else { return Ok(None) };
    let accessor = std::str::from_utf8(entry.value()).map_err(|_| Error::Internal("an accessor is malformed".into()))?;
    Ok(Some(accessor.to_owned()))
}

/// Whether a new record would take the place of another.
pub async fn is_taken(ctx: &mut Ctx, life: &str, secret: &Secret) -> Result<bool> {
    if secret.chosen {
        return Ok(by_tag(ctx, life, &secret.tag).await?.is_some());
    }
    Ok(by_accessor(ctx, life, &secret.accessor).await?.is_some())
}

/// Writes a record that its place in the expiry order and its second place, if any, are there for already.
pub fn update(ctx: &mut Ctx, life: &str, secret: &Secret) -> Result<()> {
    let key = record_key(&ctx.mount, life, &secret.accessor);
    ctx.save(key, secret)
}

/// Writes a new record with all its places.
pub fn insert(ctx: &mut Ctx, life: &str, secret: &Secret) -> Result<()> {
    if let Some(end) = secret.expires {
        let key = expiry_key(&ctx.mount, end, life, &secret.accessor);
        ctx.put(key, Vec::new());
    }
    if secret.chosen {
        let key = chosen_key(&ctx.mount, life, &secret.tag);
        ctx.put(key, secret.accessor.clone().into_bytes());
    }
    update(ctx, life, secret)
}

/// Takes a record away with all its places: three operations at most.
pub fn remove(ctx: &mut Ctx, life: &str, secret: &Secret) {
    let key = record_key(&ctx.mount, life, &secret.accessor);
    ctx.delete(key);
    if let Some(end) = secret.expires {
        let key = expiry_key(&ctx.mount, end, life, &secret.accessor);
        ctx.delete(key);
    }
    if secret.chosen {
        let key = chosen_key(&ctx.mount, life, &secret.tag);
        ctx.delete(key);
    }
}
