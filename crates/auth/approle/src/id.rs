//! Role ids and secret ids, and the keyed hashes by which they are found. The key is the mount's own.
//!
//! A generated secret id is base-62 of accessor (16 bytes, beginning with the time, so that records order well as keys),
//! secret (24) and MAC (8). What has this form without this role's MAC is refused before the store is asked.

use std::sync::Arc;

use aws_lc_rs::hmac;
use strongroom_engine::{Ctx, Error, Key, MountFacts, Peek, Result};
use strongroom_types::{Rng, SecretString, Timestamp, base62, eq_constant_time};
use zeroize::Zeroizing;

const ACCESSOR_BYTES: usize = 16;
const SIGNED_BYTES: usize = 40;
const SECRET_ID_BYTES: usize = 48;
const KEY_BYTES: usize = 32;
/// Longest role id and secret id that somebody may choose.
pub const CHOSEN_BYTES_MAX: usize = 4096;

fn key_place(mount: &MountFacts) -> Key {
    mount.key("key").name("mac")
}

/// Gives a new mount its key.
pub fn make_key(ctx: &mut Ctx) -> Result<()> {
    let mut key = vec![0; KEY_BYTES];
    ctx.rng.fill(&mut key);
    let place = key_place(&ctx.mount);
    ctx.put(place, key);
    Ok(())
}

/// How a presented secret id is found, and what its record must hold.
pub struct Presented {
    pub place: Place,
    /// HMAC of all of it; compared with the record's in constant time.
    pub tag: [u8; 32],
}

pub enum Place {
    /// Generated: the record's accessor.
    Accessor(String),
    /// Chosen by somebody: found by its tag.
    Chosen,
}

pub struct MacKey(hmac::Key);

impl MacKey {
    pub async fn of(ctx: &Ctx) -> Result<Arc<Self>> {
        Self::seen(&ctx.peek()).await
    }

    pub async fn seen(peek: &Peek) -> Result<Arc<Self>> {
        let found = peek.get(&key_place(&peek.mount)).await?;
        let entry = found.ok_or_else(|| Error::Internal("the mount's key is missing".into()))?;
        entry.decoded(|key| Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key))))
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut tag = [0u8; 32];
        for (to, from) in tag.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        tag
    }

    /// Where a role is found by its id.
    pub fn role_place(&self, mount: &MountFacts, role_id: &str) -> Key {
        mount.key("rid").name(&hex::encode(self.tag(&[b"role-id\0", role_id.as_bytes()])))
    }

    /// The life of no role: what a secret id is checked against when its role id is unknown, so that both take one way. Each
    /// role id has its own, or what one was asked would be at hand for the other.
    pub fn life_of_nobody(&self, role_id: &str) -> String {
        accessor_text(&self.tag(&[b"no-role\0", role_id.as_bytes()]))
    }

    /// A fresh secret id for a role's life: its text, accessor and tag.
    pub fn generate(&self, life: &str, rng: &dyn Rng, now: Timestamp) -> (SecretString, String, [u8; 32]) {
        let mut bytes = Zeroizing::new([0u8; SECRET_ID_BYTES]);
        rng.fill(&mut bytes[..]);
        stamp(&mut bytes[..], now);
        let tag = self.generated_tag(life, bytes.get(..SIGNED_BYTES).unwrap_or_default());
        for (to, from) in bytes.iter_mut().skip(SIGNED_BYTES).zip(tag) {
            *to = from;
        }
        let mut text = String::with_capacity(base62::width(SECRET_ID_BYTES));
        base62::encode(&bytes[..], &mut text);
        (SecretString::new(text), accessor_text(&bytes[..]), tag)
    }

    /// Reads a presented secret id as one of this role's life.
    pub fn read(&self, life: &str, text: &str) -> Presented {
        self.read_own(life, text).unwrap_or_else(|| Presented {
            place: Place::Chosen,
            tag: self.tag(&[b"chosen-secret-id\0", life.as_bytes(), text.as_bytes()]),
        })
    }

    fn read_own(&self, life: &str, text: &str) -> Option<Presented> {
        let mut bytes = Zeroizing::new([0u8; SECRET_ID_BYTES]);
        base62::decode(text, &mut bytes[..])?;
        let (signed, mac) = bytes.split_at_checked(SIGNED_BYTES)?;
        let tag = self.generated_tag(life, signed);
        let presented = || Presented { place: Place::Accessor(accessor_text(&bytes[..])), tag };
        eq_constant_time(mac, tag.get(..mac.len())?).then(presented)
    }

    fn generated_tag(&self, life: &str, signed: &[u8]) -> [u8; 32] {
        self.tag(&[b"secret-id\0", life.as_bytes(), signed])
    }
}

/// A random name that sorts by the time of its making: of an accessor or a role's life. 22 base-62 characters.
pub fn fresh_name(rng: &dyn Rng, now: Timestamp) -> String {
    let mut bytes = [0u8; ACCESSOR_BYTES];
    rng.fill(&mut bytes);
    stamp(&mut bytes, now);
    accessor_text(&bytes)
}

/// 48 bits of milliseconds at the beginning.
fn stamp(bytes: &mut [u8], now: Timestamp) {
    for (to, from) in bytes.iter_mut().zip((now.ns() / 1_000_000).to_be_bytes().iter().skip(2)) {
        *to = *from;
    }
}

fn accessor_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(base62::width(ACCESSOR_BYTES));
    base62::encode(bytes.get(..ACCESSOR_BYTES).unwrap_or_default(), &mut text);
    text
}

/// Errors: `Invalid` for a chosen id that could not be presented at a login.
pub fn check_chosen(field: &'static str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid(format!("missing {field}")));
    }
    if text.len() > CHOSEN_BYTES_MAX {
        return Err(Error::invalid(format!("{field} is longer than {CHOSEN_BYTES_MAX} bytes")));
    }
    if text.trim().len() != text.len() {
        return Err(Error::invalid(format!("{field} must not begin or end with white space")));
    }
    Ok(())
}
