//! The keys between the root key and the values: terms that encrypt, and the secret that purpose keys are derived from.
//! No key type here has Debug, Clone or Serialize. Formats: docs/decisions/0003-sealed-value-format.md.

mod cipher;
mod format;
mod ring;
mod subkeys;

pub(crate) use cipher::{Cipher, Unopened};
pub(crate) use format::{Domain, unwrap, wrap};
pub(crate) use ring::{Keyring, Term};

use strongroom_types::{Rng, SecretBytes};

/// Bytes of every symmetric key of the barrier.
pub(crate) const KEY_BYTES: usize = 32;

/// A fresh key.
pub(crate) fn random_key(rng: &dyn Rng) -> SecretBytes {
    let mut bytes = vec![0u8; KEY_BYTES];
    rng.fill(&mut bytes);
    SecretBytes::new(bytes)
}

#[cfg(test)]
mod tests;
