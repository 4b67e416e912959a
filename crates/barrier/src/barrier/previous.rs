//! The unseal keys before a replacement. They stay good, beside the new ones, until the new ones are known to have reached
//! somebody: a crash in between must never leave a store that nobody can open. Whichever set unseals first then counts
//! alone.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_storage::{Batch, Precondition, Record};
use strongroom_types::SecretBytes;

use super::{Barrier, HANDOVER, PREVIOUS, ROOT_KEY, SEAL_CONFIG};
use crate::seal::{Seal as _, SealConfig, ShamirSeal};
use crate::{Error, Result};

/// Stored in clear, as it is needed before anything can be opened: everything in it is sealed or no secret.
#[derive(Serialize, Deserialize)]
pub(super) struct Previous {
    pub config: SealConfig,
    /// Hex of the root key of today under the keys of before.
    pub wrapped: String,
    /// Entries that the replacement wrote along, in hex, with what was there before.
    pub also: Vec<(String, Option<String>)>,
}

impl Previous {
    fn read(record: &Record) -> Result<Self> {
        serde_json::from_slice(&record.value).map_err(|_| corrupt())
    }

    fn wrapped(&self) -> Result<Bytes> {
        hex::decode(&self.wrapped).map(Bytes::from).map_err(|_| corrupt())
    }

    /// Puts the keys of before in force again, alone.
    fn into_batch(self, found: &Record) -> Result<Batch> {
        let config = serde_json::to_vec(&self.config).map_err(|_| Error::Crypto("writing the seal configuration"))?;
        let mut batch = Batch {
            puts: vec![(Bytes::from_static(SEAL_CONFIG), Bytes::from(config)), (Bytes::from_static(ROOT_KEY), self.wrapped()?)],
            deletes: vec![Bytes::from_static(PREVIOUS)],
            preconditions: vec![Precondition::KeyAt(Bytes::from_static(PREVIOUS), found.revision)],
        };
        for (key, value) in self.also {
            let key = hex::decode(key).map(Bytes::from).map_err(|_| corrupt())?;
            match value {
                Some(value) => batch.puts.push((key, hex::decode(value).map(Bytes::from).map_err(|_| corrupt())?)),
                None => batch.deletes.push(key),
            }
        }
        Ok(batch)
    }
}

fn corrupt() -> Error {
    Error::Corrupt { key: Bytes::from_static(PREVIOUS) }
}

impl Barrier {
    /// Tries a share as one of the keys before. True: it was the last one needed, and the barrier is open.
    pub(super) async fn offer_as_previous(&self, share: &SecretBytes) -> Result<bool> {
        let Some(found) = self.0.store.get(PREVIOUS).await? else { return Ok(false) };
        let previous = Previous::read(&found)?;
        let offered = {
            let mut unsealing = self.0.unsealing_previous.lock().unwrap_or_else(PoisonError::into_inner);
            unsealing.offer(share.duplicate(), &previous.config, &*self.0.rng)
        };
        let Ok(Some(key)) = offered else { return Ok(false) };
        let _turn = self.0.unseal_turn.lock().await;
        let seal = ShamirSeal::new(key, Arc::clone(&self.0.rng));
        let Ok(root_key) = seal.unwrap(&previous.wrapped()?).await else { return Ok(false) };
        if self.is_sealed() {
            tracing::warn!("a replacement of the unseal keys was interrupted: the keys before it are in force again");
            self.0.store.commit(previous.into_batch(&found)?).await?;
            self.0.seal_config.store(None);
            self.start(root_key).await?;
        }
        Ok(true)
    }

    pub(super) fn is_offering_previous(&self) -> bool {
        self.0.unsealing_previous.lock().unwrap_or_else(PoisonError::into_inner).progress().given > 0
    }

    /// The keys of today count alone from here on, if `root_key` still is what they open.
    pub(super) async fn forget_previous(&self, root_key: &Record) -> Result<()> {
        let is_there = self.0.store.get(PREVIOUS).await?.is_some() || self.0.store.get(HANDOVER).await?.is_some();
        if !is_there {
            return Ok(());
        }
        let deletes = vec![Bytes::from_static(PREVIOUS), Bytes::from_static(HANDOVER)];
        let preconditions = vec![Precondition::KeyAt(Bytes::from_static(ROOT_KEY), root_key.revision)];
        self.0.store.commit(Batch { deletes, preconditions, ..Batch::default() }).await?;
        Ok(())
    }

    /// Puts the keys before in force again. False: there are none.
    pub(super) async fn restore_previous(&self) -> Result<bool> {
        let Some(found) = self.0.store.get(PREVIOUS).await? else { return Ok(false) };
        self.0.store.commit(Previous::read(&found)?.into_batch(&found)?).await?;
        self.0.seal_config.store(None);
        Ok(true)
    }
}
