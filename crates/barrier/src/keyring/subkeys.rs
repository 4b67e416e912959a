//! Derived sub-keys by their id, so that opening a value costs no HKDF. Bounded; keys are wiped by the crypto library
//! when the last user lets go of them. Takes in only what has opened something, or made something: a stranger's message with invented
//! salts must not push the real ones out.

use std::sync::Arc;

use aws_lc_rs::aead::LessSafeKey;
use quick_cache::sync::Cache;
use strongroom_types::SecretBytes;

use super::format::{Broken, SubKeyId, derive_subkey};

/// Most sub-keys kept, about 1.5 kB each.
const SUBKEYS_MAX: usize = 1024;

pub(crate) struct SubKeys(Cache<SubKeyId, Arc<LessSafeKey>>);

impl SubKeys {
    pub fn new() -> Self {
        Self(Cache::new(SUBKEYS_MAX))
    }

    /// The sub-key, and whether it was derived just now.
    pub fn find_or_derive(&self, key: &SecretBytes, id: &SubKeyId) -> Result<(Arc<LessSafeKey>, bool), Broken> {
        match self.0.get(id) {
            Some(subkey) => Ok((subkey, false)),
            None => Ok((Arc::new(derive_subkey(key, id)?), true)),
        }
    }

    pub fn keep(&self, id: SubKeyId, subkey: Arc<LessSafeKey>) {
        self.0.insert(id, subkey);
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
