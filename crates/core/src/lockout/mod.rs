//! Locks a name at an auth mount after too many wrong credentials. Failures are kept in the store, so that a restart and
//! other nodes count them; attempts whose outcome is open are counted in memory, so that a burst of parallel guesses
//! evaluates no more than the threshold allows. Unknown names count like known ones, or they could be told apart.

mod attempt;
mod gate;
mod list;
mod record;
mod rules;

pub use attempt::{Attempt, admit, settle};
pub use gate::Gates;
pub use list::{Locked, locked, sweep, unlock};
pub use rules::{LockoutConfig, LockoutDefaults};

use aws_lc_rs::hmac;
use bytes::Bytes;
use strongroom_engine::{Key, MountFacts};

pub const KEY_PURPOSE: &str = "lockout";

/// Rows of one mount.
const SLOTS: u32 = 4096;
/// Longer names are kept as their MAC.
const NAME_BYTES_MAX: usize = 256;

/// What the core keeps for lockouts: open attempts, and the key that spreads names over rows.
pub struct Lockouts {
    pub gates: Gates,
    mac: hmac::Key,
}

/// Where the failures of a name are counted.
#[derive(Clone)]
pub struct Place {
    pub row: Bytes,
    /// As kept and listed.
    pub name: String,
}

impl Lockouts {
    pub fn new(secret: &[u8]) -> Self {
        Self { gates: Gates::default(), mac: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// SECURITY: which names share a row depends on a secret, so nobody can aim at a row to push a name out of it.
    fn place(&self, mount: &MountFacts, name: &str) -> Place {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(mount.storage_id.as_bytes());
        context.update(b"/");
        context.update(name.as_bytes());
        let tag = context.sign();
        let slot = tag.as_ref().first_chunk::<4>().map_or(0, |head| u32::from_be_bytes(*head) % SLOTS);
        let name = if name.len() <= NAME_BYTES_MAX { name.to_owned() } else { format!("hmac:{}", hex::encode(tag.as_ref())) };
        Place { row: rows(mount).number(slot.into()).into_bytes(), name }
    }
}

/// Below the mount's own keys, so that they go with it. No engine has an area of this name.
fn rows(mount: &MountFacts) -> Key {
    mount.key("~lockout")
}

#[cfg(test)]
mod tests;
