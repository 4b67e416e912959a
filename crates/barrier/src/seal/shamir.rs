//! The Shamir seal: the shares split a key-encryption key that wraps the root key, so that shares can be replaced
//! without touching a value. With one share, that share is the key itself.

use std::sync::Arc;

use strongroom_types::{BoxFuture, Rng, SecretBytes};

use super::{Seal, SealConfig};
use crate::barrier::ROOT_KEY;
use crate::keyring::{random_key, unwrap, wrap};
use crate::{Error, Result, shamir};

pub struct ShamirSeal {
    key: SecretBytes,
    rng: Arc<dyn Rng>,
}

impl ShamirSeal {
    /// From a key that enough shares gave.
    pub fn new(key: SecretBytes, rng: Arc<dyn Rng>) -> Self {
        Self { key, rng }
    }

    /// A seal with a fresh key, and the shares of that key.
    pub fn generate(config: &SealConfig, rng: &Arc<dyn Rng>) -> Result<(Self, Vec<SecretBytes>)> {
        let key = random_key(&**rng);
        let shares = match config.shares {
            1 => vec![key.duplicate()],
            _ => shamir::split(&key, config.shares, config.threshold, &**rng)?,
        };
        Ok((Self::new(key, Arc::clone(rng)), shares))
    }
}

impl ShamirSeal {
    /// Whether its key is this one, in constant time.
    pub fn has_key(&self, key: &SecretBytes) -> bool {
        self.key.eq_constant_time(key.expose())
    }

    /// The root key under this seal, as it may be stored.
    pub fn wrap_now(&self, root_key: &SecretBytes) -> Result<Vec<u8>> {
        wrap(&self.key, ROOT_KEY, root_key, &*self.rng).map_err(|_| Error::Crypto("wrapping the root key"))
    }
}

impl Seal for ShamirSeal {
    fn kind(&self) -> &'static str {
        "shamir"
    }

    fn wrap<'a>(&'a self, root_key: &'a SecretBytes) -> BoxFuture<'a, Result<Vec<u8>>> {
        Box::pin(async { self.wrap_now(root_key) })
    }

    fn unwrap<'a>(&'a self, wrapped: &'a [u8]) -> BoxFuture<'a, Result<SecretBytes>> {
        Box::pin(async { unwrap(&self.key, ROOT_KEY, wrapped).map_err(|_| Error::InvalidKey) })
    }
}
