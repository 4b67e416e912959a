//! Which versions of the program opened this store, and when for the first time.

use serde::{Deserialize, Serialize};
use strongroom_barrier::Intent;
use strongroom_engine::{Error, Key, Result};
use strongroom_types::Timestamp;

use crate::Core;
use crate::bare::STRONGROOM_VERSION;

/// A version that opened the store.
#[derive(Serialize, Deserialize, Clone)]
pub struct Opened {
    pub version: String,
    pub first_opened: Timestamp,
}

/// In the order in which they came.
#[derive(Serialize, Deserialize, Clone, Default)]
pub struct History(pub Vec<Opened>);

pub fn key() -> Key {
    Key::area("s").name("versions")
}

/// Adds this version when it opens the store for the first time. A history that can't be read is reported and left alone:
/// it is no reason to stay shut.
pub async fn note(core: &Core) -> Result<()> {
    let mut txn = core.view.txn(Intent::Write);
    let found = txn.get(key().as_bytes()).await;
    let parsed = found.map(|entry| entry.map_or_else(|| Ok(History::default()), |e| serde_json::from_slice(e.value())));
    let Ok(Ok(mut history)) = parsed else {
        tracing::error!("the version history is damaged");
        return Ok(());
    };
    if history.0.iter().any(|v| v.version == STRONGROOM_VERSION) {
        return Ok(());
    }
    history.0.push(Opened { version: STRONGROOM_VERSION.to_owned(), first_opened: core.clock.now() });
    let bytes = serde_json::to_vec(&history).map_err(|e| Error::Internal(format!("encoding the version history: {e}")))?;
    txn.put(key().into_bytes(), bytes);
    match txn.commit().await {
        // Another node of this version was quicker.
        Ok(_) | Err(strongroom_barrier::Error::Conflict) => Ok(()),
        Err(other) => Err(other.into()),
    }
}
