//! The first commit of a store: seal configuration, wrapped root key, wrapped keyring and whatever the caller adds, all or
//! nothing. Must never overwrite what another process initialised.

use bytes::Bytes;
use strongroom_storage::{Batch, Precondition, Revision};
use strongroom_types::{SecretBytes, Timestamp};

use super::{Barrier, KEYRING, ROOT_KEY, SEAL_CONFIG, derive, is_reserved};
use crate::keyring::{Cipher, Domain, Keyring, random_key};
use crate::seal::{Seal, SealConfig, ShamirSeal};
use crate::session::wrap_keyring;
use crate::{Error, Result};

/// What initialising gives: the only time the shares are seen.
pub struct InitOutput {
    pub shares: Vec<SecretBytes>,
    pub revision: Revision,
}

/// Adds entries to the batch that initialises the store, under the keyring that is being made.
pub struct Sealer {
    cipher: Cipher,
    puts: Vec<(Bytes, Bytes)>,
    shares: Vec<SecretBytes>,
}

impl Sealer {
    /// Adds a sealed entry.
    pub fn put(&mut self, key: impl Into<Bytes>, value: &[u8]) -> Result<()> {
        let key = key.into();
        let sealed = self.cipher.seal(Domain::Value, &key, value).map_err(|_| Error::Crypto("sealing a value"))?;
        self.put_plain(key, sealed)
    }

    /// Adds an entry in clear, for what must be readable while sealed.
    pub fn put_plain(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Result<()> {
        let key = key.into();
        if is_reserved(&key) {
            return Err(Error::Reserved { key });
        }
        self.puts.push((key, value.into()));
        Ok(())
    }

    /// The shares that will open the store: what can't be handed out must fail before anything is written.
    pub fn shares(&self) -> &[SecretBytes] {
        &self.shares
    }

    /// As `Barrier::derive` will answer once unsealed.
    pub fn derive(&self, purpose: &str) -> Result<SecretBytes> {
        derive(&self.cipher, purpose)
    }
}

impl Barrier {
    /// Makes root key and keyring, splits the key that wraps them into `shares`, any `threshold` of which unseal, and
    /// writes all with what `also` adds in one batch. The barrier stays sealed. Errors: `AlreadyInitialised`,
    /// `InvalidShape`.
    pub async fn initialise(
        &self,
        shares: u8,
        threshold: u8,
        now: Timestamp,
        also: impl FnOnce(&mut Sealer) -> Result<()>,
    ) -> Result<InitOutput> {
        let config = SealConfig::shamir(shares, threshold)?;
        if self.is_initialised().await? {
            return Err(Error::AlreadyInitialised);
        }
        let (seal, shares) = ShamirSeal::generate(&config, &self.0.rng)?;
        let mut sealer = self.sealer(&config, &seal, now, shares).await?;
        also(&mut sealer)?;
        let Sealer { puts, shares, .. } = sealer;
        let preconditions = puts.iter().filter(|(key, _)| is_reserved(key)).map(|(key, _)| Precondition::KeyAbsent(key.clone()));
        let batch = Batch { preconditions: preconditions.collect(), puts, ..Batch::default() };
        match self.0.store.commit(batch).await {
            Ok(revision) => Ok(InitOutput { shares, revision }),
            Err(strongroom_storage::Error::Conflict) => Err(Error::AlreadyInitialised),
            Err(other) => Err(other.into()),
        }
    }

    async fn sealer(&self, config: &SealConfig, seal: &dyn Seal, now: Timestamp, shares: Vec<SecretBytes>) -> Result<Sealer> {
        let rng = &*self.0.rng;
        let root_key = random_key(rng);
        let ring = Keyring::generate(rng, now);
        let config = serde_json::to_vec(config).map_err(|_| Error::Crypto("writing the seal configuration"))?;
        let own = [
            (Bytes::from_static(SEAL_CONFIG), Bytes::from(config)),
            (Bytes::from_static(ROOT_KEY), Bytes::from(seal.wrap(&root_key).await?)),
            (Bytes::from_static(KEYRING), wrap_keyring(&root_key, &ring, rng)?),
        ];
        let cipher = Cipher::new(ring, rng).map_err(|_| Error::Crypto("starting the keyring"))?;
        Ok(Sealer { cipher, puts: own.into(), shares })
    }
}
