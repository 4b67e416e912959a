//! The keyring itself: its terms, the derivation secret, and the form in which both are wrapped by the root key.

use strongroom_types::{Rng, SecretBytes, Timestamp};
use zeroize::Zeroizing;

use super::{KEY_BYTES, random_key};

const FORMAT: u8 = 1;
/// Version, derivation secret, number of terms.
const PREFIX_BYTES: usize = 1 + KEY_BYTES + 4;
/// Id, install time, key.
const TERM_BYTES: usize = 4 + 8 + KEY_BYTES;
/// Most terms a keyring holds: a rotation an hour for years.
pub(crate) const TERMS_MAX: usize = 65_536;

/// One generation of the encryption key.
pub(crate) struct Term {
    /// From 1, rising by one with each rotation.
    pub id: u32,
    pub installed_at: Timestamp,
    pub key: SecretBytes,
}

/// INVARIANT: at least one term; ids rise by one from 1, so the last is the active one.
pub(crate) struct Keyring {
    terms: Vec<Term>,
    derivation_secret: SecretBytes,
}

impl Keyring {
    pub fn generate(rng: &dyn Rng, now: Timestamp) -> Self {
        let first = Term { id: 1, installed_at: now, key: random_key(rng) };
        Self { terms: vec![first], derivation_secret: random_key(rng) }
    }

    /// A keyring with one more term. None when it is full.
    pub fn rotated(&self, rng: &dyn Rng, now: Timestamp) -> Option<Self> {
        let id = u32::try_from(self.terms.len()).ok()?.checked_add(1)?;
        if self.terms.len() >= TERMS_MAX {
            return None;
        }
        let copy = |t: &Term| Term { id: t.id, installed_at: t.installed_at, key: t.key.duplicate() };
        let mut terms: Vec<_> = self.terms.iter().map(copy).collect();
        terms.push(Term { id, installed_at: now, key: random_key(rng) });
        Some(Self { terms, derivation_secret: self.derivation_secret.duplicate() })
    }

    pub fn active(&self) -> Option<&Term> {
        self.terms.last()
    }

    pub fn term(&self, id: u32) -> Option<&Term> {
        self.terms.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    pub fn derivation_secret(&self) -> &SecretBytes {
        &self.derivation_secret
    }

    pub fn encode(&self) -> SecretBytes {
        // The exact capacity: a growing vector would leave copies of keys behind.
        let terms_bytes = self.terms.len().saturating_mul(TERM_BYTES);
        let mut out = Vec::with_capacity(PREFIX_BYTES.saturating_add(terms_bytes));
        out.push(FORMAT);
        out.extend_from_slice(self.derivation_secret.expose());
        out.extend_from_slice(&u32::try_from(self.terms.len()).unwrap_or(u32::MAX).to_be_bytes());
        for term in &self.terms {
            out.extend_from_slice(&term.id.to_be_bytes());
            out.extend_from_slice(&term.installed_at.ns().to_be_bytes());
            out.extend_from_slice(term.key.expose());
        }
        SecretBytes::new(out)
    }

    /// Strict: None for another version, wrong lengths, no term, or ids out of order.
    pub fn decode(bytes: &SecretBytes) -> Option<Self> {
        let (format, rest) = bytes.expose().split_first()?;
        let (secret, rest) = rest.split_first_chunk::<KEY_BYTES>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (chunks, tail) = rest.as_chunks::<TERM_BYTES>();
        let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
        if *format != FORMAT || !tail.is_empty() || chunks.is_empty() || chunks.len() != count || count > TERMS_MAX {
            return None;
        }
        let terms = chunks.iter().zip(1u32..).map(|(chunk, id)| decode_term(chunk, id)).collect::<Option<Vec<_>>>()?;
        Some(Self { terms, derivation_secret: SecretBytes::new(secret.to_vec()) })
    }
}

fn decode_term(chunk: &[u8; TERM_BYTES], expected: u32) -> Option<Term> {
    let (id, rest) = chunk.split_first_chunk::<4>()?;
    let (installed_at, key) = rest.split_first_chunk::<8>()?;
    let id = u32::from_be_bytes(*id);
    let key = Zeroizing::new(<[u8; KEY_BYTES]>::try_from(key).ok()?);
    let installed_at = Timestamp::from_ns(u64::from_be_bytes(*installed_at));
    (id == expected).then(|| Term { id, installed_at, key: SecretBytes::new(key.to_vec()) })
}
