//! The devices' newest checkpoints, kept behind the barrier: neither the store nor a file can go back unnoticed.

use serde::{Deserialize, Serialize};
use strongroom_audit::Head;
use strongroom_barrier::{Intent, View};
use strongroom_engine::{Error, Key, Result};

#[derive(Serialize, Deserialize)]
struct StoredHead {
    size: u64,
    root: String,
}

/// By the device's name, with trailing slash.
pub fn configured_key(name: &str) -> Key {
    Key::area("a").name(name)
}

/// By the file's place, hashed. No name of a device can be the same.
pub fn enabled_key(place: &str) -> Key {
    Key::area("a").name("api/").name(place)
}

pub async fn keep(view: &View, heads: impl IntoIterator<Item = (Key, Head)>) -> Result<()> {
    let mut txn = view.txn(Intent::Write);
    for (key, head) in heads {
        let stored = serde_json::to_vec(&StoredHead { size: head.size, root: hex::encode(head.root) });
        txn.put(key.into_bytes(), stored.map_err(|e| Error::Internal(format!("encoding an audit head: {e}")))?);
    }
    txn.commit().await?;
    Ok(())
}

pub async fn stored(view: &View, key: &Key) -> Result<Option<Head>> {
    let Some(found) = view.get(key.as_bytes()).await? else { return Ok(None) };
    let malformed = || Error::Internal("the stored head is malformed".into());
    let stored: StoredHead = serde_json::from_slice(found.value()).map_err(|_| malformed())?;
    let mut root = [0u8; 32];
    hex::decode_to_slice(&stored.root, &mut root).map_err(|_| malformed())?;
    Ok(Some(Head { size: stored.size, root }))
}
