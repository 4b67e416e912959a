//! The keyring at work: seals under the active term, opens under any. Must never use a nonce twice: every cipher has a
//! random salt of its own, so every unseal and every rotation starts new sub-keys (decisions.md 14), and a sub-key
//! ends after 2^20 encryptions (security.md S3). Counts need not survive a restart for the same reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use aws_lc_rs::aead::LessSafeKey;
use strongroom_types::{Rng, SecretBytes};

use super::format::{self, Broken, Domain, Header, SALT_BYTES, SubKeyId};
use super::ring::Keyring;
use super::subkeys::SubKeys;
use super::{KEY_BYTES, Term};

/// Encryptions under one sub-key, as a power of two.
pub(crate) const BLOCK_BITS: u32 = 20;

pub(crate) struct Cipher {
    ring: Keyring,
    salt: [u8; SALT_BYTES],
    /// Encryptions so far: block in the high bits, counter in the low ones.
    position: AtomicU64,
    current: ArcSwap<SubKey>,
    subkeys: Arc<SubKeys>,
}

struct SubKey {
    id: SubKeyId,
    key: Arc<LessSafeKey>,
}

/// Why a sealed value did not open.
pub(crate) enum Unopened {
    /// The keyring is older than the value, or the value is damaged.
    UnknownTerm,
    Broken,
}

impl From<Broken> for Unopened {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

impl Cipher {
    pub fn new(ring: Keyring, rng: &dyn Rng) -> Result<Self, Broken> {
        Self::with(ring, rng, Arc::new(SubKeys::new()))
    }

    /// The same sub-keys for opening under a newer keyring; a fresh salt for sealing.
    pub fn succeed(&self, ring: Keyring, rng: &dyn Rng) -> Result<Self, Broken> {
        Self::with(ring, rng, Arc::clone(&self.subkeys))
    }

    fn with(ring: Keyring, rng: &dyn Rng, subkeys: Arc<SubKeys>) -> Result<Self, Broken> {
        let mut salt = [0u8; SALT_BYTES];
        rng.fill(&mut salt);
        let active = ring.active().ok_or(Broken)?;
        let id = SubKeyId { term: active.id, salt, block: 0 };
        let key = Arc::new(format::derive_subkey(&active.key, &id)?);
        subkeys.keep(id, Arc::clone(&key));
        let current = ArcSwap::from_pointee(SubKey { id, key });
        Ok(Self { ring, salt, position: AtomicU64::new(0), current, subkeys })
    }

    pub fn ring(&self) -> &Keyring {
        &self.ring
    }

    /// Encryptions under the active term by this cipher.
    pub fn encryptions(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    pub fn seal(&self, domain: Domain, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Broken> {
        // INVARIANT: every position is handed out once, so no sub-key sees a counter twice.
        let position = self.position.fetch_add(1, Ordering::Relaxed);
        let block = u32::try_from(position >> BLOCK_BITS).map_err(|_| Broken)?;
        let counter = u32::try_from(position & ((1 << BLOCK_BITS) - 1)).map_err(|_| Broken)?;
        let current = self.current.load();
        if current.id.block == block {
            return format::seal(&current.key, &Header { subkey: current.id, counter }, domain, place, plain);
        }
        let subkey = self.block(block)?;
        format::seal(&subkey.key, &Header { subkey: subkey.id, counter }, domain, place, plain)
    }

    /// The sub-key of another block than the current one. A straggler of an older block may put that back for a
    /// moment; it costs time only, since the position alone decides the key.
    #[cold]
    fn block(&self, block: u32) -> Result<Arc<SubKey>, Broken> {
        let active = self.ring.active().ok_or(Broken)?;
        let id = SubKeyId { term: active.id, salt: self.salt, block };
        let (key, fresh) = self.subkeys.find_or_derive(&active.key, &id)?;
        if fresh {
            self.subkeys.keep(id, Arc::clone(&key));
        }
        let subkey = Arc::new(SubKey { id, key });
        self.current.store(Arc::clone(&subkey));
        Ok(subkey)
    }

    pub fn open(&self, domain: Domain, place: &[u8], sealed: &[u8]) -> Result<SecretBytes, Unopened> {
        let (header, body) = Header::decode(sealed)?;
        let term: &Term = self.ring.term(header.subkey.term).ok_or(Unopened::UnknownTerm)?;
        let (key, fresh) = self.subkeys.find_or_derive(&term.key, &header.subkey)?;
        let plain = format::open(&key, &header, domain, place, body)?;
        if fresh {
            self.subkeys.keep(header.subkey, key);
        }
        Ok(plain)
    }

    /// A key for one purpose, the same for the life of the store.
    pub fn derive(&self, purpose: &str) -> Result<SecretBytes, Broken> {
        let mut bytes = vec![0u8; KEY_BYTES];
        format::expand(self.ring.derivation_secret(), b"strongroom purpose key v1", purpose.as_bytes(), &mut bytes)?;
        Ok(SecretBytes::new(bytes))
    }

    #[cfg(test)]
    pub fn subkeys_len(&self) -> usize {
        self.subkeys.len()
    }

    /// As if so many values had been sealed.
    #[cfg(test)]
    pub fn skip_to(&self, position: u64) {
        self.position.store(position, Ordering::Relaxed);
    }
}
