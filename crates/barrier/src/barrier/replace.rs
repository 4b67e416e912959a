//! Replacing the unseal keys, and the root key with them, in one atomic batch. Old and new keys open the store until the
//! replacement is confirmed or taken back; at every moment, whatever was interrupted, somebody's set opens it. Must never
//! begin without proof that the keys of today are there.

use std::sync::Arc;

use bytes::Bytes;
use strongroom_storage::{Batch, Precondition, Revision};
use strongroom_types::SecretBytes;

use super::previous::Previous;
use super::{Barrier, PREVIOUS, ROOT_KEY, SEAL_CONFIG};
use crate::keyring::random_key;
use crate::seal::{Seal as _, SealConfig, ShamirSeal};
use crate::session::Hub;
use crate::{Error, Result};

/// Proof that enough of today's unseal keys came together. Only `Barrier::prove` makes it.
pub struct Quorum {
    seal: ShamirSeal,
    config: SealConfig,
    /// Of the root key that they opened.
    at: Revision,
}

/// New unseal keys that are not in force yet, or not known to have arrived. Wiped when dropped.
pub struct Replacement {
    quorum: Quorum,
    config: SealConfig,
    seal: ShamirSeal,
    shares: Vec<SecretBytes>,
    root_key: Arc<SecretBytes>,
    wrapped: Bytes,
}

impl Replacement {
    pub fn config(&self) -> &SealConfig {
        &self.config
    }

    /// The new shares.
    pub fn shares(&self) -> &[SecretBytes] {
        &self.shares
    }

    /// Whether this is the key that the new shares give.
    pub fn is_opened_by(&self, key: &SecretBytes) -> bool {
        self.seal.has_key(key)
    }
}

impl Barrier {
    /// Checks a key that shares gave against the store. Errors: `InvalidKey`, `Sealed`.
    pub async fn prove(&self, key: SecretBytes) -> Result<Quorum> {
        self.0.session()?;
        let config = self.seal_config().await?.ok_or(Error::NotInitialised)?;
        let record = self.0.store.get(ROOT_KEY).await?.ok_or(Error::NotInitialised)?;
        let seal = ShamirSeal::new(key, Arc::clone(&self.0.rng));
        seal.unwrap(&record.value).await?;
        Ok(Quorum { seal, config, at: record.revision })
    }

    /// Makes new unseal keys and a new root key; nothing is written.
    pub fn prepare_replacement(&self, quorum: Quorum, config: SealConfig) -> Result<Replacement> {
        let (seal, shares) = ShamirSeal::generate(&config, &self.0.rng)?;
        let root_key = Arc::new(random_key(&*self.0.rng));
        let wrapped = Bytes::from(seal.wrap_now(&root_key)?);
        Ok(Replacement { quorum, config, seal, shares, root_key, wrapped })
    }

    /// Puts the new keys in force, together with further entries, in one batch; the old ones stay good until `confirm` or
    /// `take_back`. Errors: `Conflict` when the keys were replaced since the proof: nothing happened. After any other
    /// error the outcome is unknown until `take_back` succeeds.
    pub async fn replace(&self, new: &Replacement, also: Vec<(Bytes, Vec<u8>)>) -> Result<()> {
        let session = self.0.session()?;
        let batch = self.replacing_batch(new, also).await?;
        session.replace_root_key(&new.root_key, batch, self.hub()).await?;
        self.0.seal_config.store(None);
        Ok(())
    }

    async fn replacing_batch(&self, new: &Replacement, also: Vec<(Bytes, Vec<u8>)>) -> Result<Batch> {
        let session = self.0.session()?;
        let mut previous = Previous {
            config: new.quorum.config.clone(),
            wrapped: hex::encode(new.quorum.seal.wrap_now(&new.root_key)?),
            also: Vec::new(),
        };
        let mut puts = Vec::new();
        for (key, plain) in also {
            let before = self.0.store.get(&key).await?;
            previous.also.push((hex::encode(&key), before.map(|record| hex::encode(record.value))));
            let sealed = session.seal_value(&key, &plain)?;
            puts.push((key, sealed));
        }
        let json = |value: std::result::Result<Vec<u8>, _>| value.map(Bytes::from).map_err(|_| Error::Crypto("writing the seal"));
        puts.push((Bytes::from_static(SEAL_CONFIG), json(serde_json::to_vec(&new.config))?));
        puts.push((Bytes::from_static(ROOT_KEY), new.wrapped.clone()));
        puts.push((Bytes::from_static(PREVIOUS), json(serde_json::to_vec(&previous))?));
        let preconditions = vec![Precondition::KeyAt(Bytes::from_static(ROOT_KEY), new.quorum.at)];
        Ok(Batch { puts, preconditions, ..Batch::default() })
    }

    /// The new keys have arrived: the old ones open nothing from here on.
    pub async fn confirm(&self, new: &Replacement) -> Result<()> {
        match self.0.store.get(ROOT_KEY).await? {
            Some(record) if record.value == new.wrapped => self.forget_previous(&record).await,
            // Replaced or taken back since.
            _ => Ok(()),
        }
    }

    /// Puts the old keys in force again, whether `replace` took place, failed, or may still take place.
    pub async fn take_back(&self, new: &Replacement) -> Result<()> {
        let record = self.0.store.get(ROOT_KEY).await?.ok_or(Error::NotInitialised)?;
        if record.value == new.wrapped {
            // The root key stays the new one: it is wrapped for the old keys too.
            if let Ok(session) = self.0.session() {
                session.adopt_root_key(&new.root_key, self.hub()).await?;
            }
            self.restore_previous().await?;
            return Ok(());
        }
        if record.revision != new.quorum.at {
            return Ok(());
        }
        // The batch may still be under way: writing what it rests on makes it fail.
        let key = Bytes::from_static(ROOT_KEY);
        let preconditions = vec![Precondition::KeyAt(key.clone(), record.revision)];
        self.0.store.commit(Batch { puts: vec![(key, record.value)], preconditions, ..Batch::default() }).await?;
        Ok(())
    }

    fn hub(&self) -> Hub<'_> {
        Hub { store: &*self.0.store, rng: &*self.0.rng }
    }
}

#[cfg(test)]
mod tests;
