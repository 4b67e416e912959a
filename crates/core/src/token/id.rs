//! The printed form of tokens: `s.` or `b.`, then base-62 of family, generation, secret and MAC (security.md E.2).
//! Garbage is refused by the MAC before the store is asked; the family orders well as a key.

use aws_lc_rs::hmac;
use strongroom_types::{Rng, SecretString, Timestamp, base62, eq_constant_time};
use zeroize::Zeroizing;

/// Bytes: family 16, generation 4, secret 20, MAC 8.
const TOKEN_BYTES: usize = 48;
const FAMILY_BYTES: usize = 16;
const SIGNED_BYTES: usize = 40;
const SERVICE_PREFIX: &str = "s.";
pub const BATCH_PREFIX: &str = "b.";

/// Names a token's record and never grants anything: the accessor. 22 base-62 characters that sort by creation time.
pub type Family = String;

/// What a presented token proves: which record it means, and a tag that the record must hold.
pub struct Presented {
    pub family: Lookup,
    /// HMAC of the token; all of it is compared with the record's in constant time.
    pub tag: [u8; 32],
}

pub enum Lookup {
    Family(Family),
    /// A token whose text somebody chose: found by its tag.
    Chosen,
}

/// The key of all token MACs.
pub struct TokenKey(hmac::Key);

impl TokenKey {
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
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

    /// A fresh service token of generation zero: its text, family and tag.
    pub fn generate(&self, rng: &dyn Rng, now: Timestamp) -> (SecretString, Family, [u8; 32]) {
        let mut bytes = Zeroizing::new([0u8; TOKEN_BYTES]);
        rng.fill(&mut bytes[..]);
        let millis = (now.ns() / 1_000_000).to_be_bytes();
        for (to, from) in bytes.iter_mut().zip(millis.iter().skip(2)) {
            *to = *from;
        }
        for generation in bytes.iter_mut().skip(FAMILY_BYTES).take(4) {
            *generation = 0;
        }
        let tag = self.tag(&[b"service", bytes.get(..SIGNED_BYTES).unwrap_or_default()]);
        for (to, from) in bytes.iter_mut().skip(SIGNED_BYTES).zip(tag) {
            *to = from;
        }
        let mut text = String::with_capacity(SERVICE_PREFIX.len().saturating_add(base62::width(TOKEN_BYTES)));
        text.push_str(SERVICE_PREFIX);
        base62::encode(&bytes[..], &mut text);
        (SecretString::new(text), family_text(&bytes), tag)
    }

    /// Tag of a token whose text a privileged caller chose.
    pub fn chosen_tag(&self, text: &str) -> [u8; 32] {
        self.tag(&[b"chosen", text.as_bytes()])
    }

    /// Reads a presented token. None for one that has our form and not our MAC: the store need not be asked. Anything
    /// else may be a text that somebody chose.
    pub fn read(&self, text: &str) -> Option<Presented> {
        let has_our_form = text.len() == SERVICE_PREFIX.len().saturating_add(base62::width(TOKEN_BYTES));
        if has_our_form && text.starts_with(SERVICE_PREFIX) {
            return self.read_own(text);
        }
        Some(Presented { family: Lookup::Chosen, tag: self.chosen_tag(text) })
    }

    fn read_own(&self, text: &str) -> Option<Presented> {
        let mut bytes = Zeroizing::new([0u8; TOKEN_BYTES]);
        base62::decode(text.strip_prefix(SERVICE_PREFIX)?, &mut bytes[..])?;
        let (signed, mac) = bytes.split_at_checked(SIGNED_BYTES)?;
        let tag = self.tag(&[b"service", signed]);
        eq_constant_time(mac, tag.get(..mac.len())?).then(|| Presented { family: Lookup::Family(family_text(&bytes)), tag })
    }
}

fn family_text(bytes: &[u8; TOKEN_BYTES]) -> Family {
    let mut text = String::with_capacity(base62::width(FAMILY_BYTES));
    base62::encode(bytes.get(..FAMILY_BYTES).unwrap_or_default(), &mut text);
    text
}

/// Whether a text has the form of a family.
pub fn is_family(text: &str) -> bool {
    base62::decode(text, &mut [0u8; FAMILY_BYTES]).is_some()
}

/// A family for a token with a chosen text.
pub fn fresh_family(rng: &dyn Rng, now: Timestamp) -> Family {
    let mut bytes = [0u8; TOKEN_BYTES];
    rng.fill(&mut bytes);
    for (to, from) in bytes.iter_mut().zip((now.ns() / 1_000_000).to_be_bytes().iter().skip(2)) {
        *to = *from;
    }
    family_text(&bytes)
}
