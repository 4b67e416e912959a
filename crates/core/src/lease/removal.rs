//! Mounts that were disabled: they serve nobody, but their engine still ends what it gave out. Their data goes when their last
//! lease has gone, so that an engine can reach its upstream until then.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_barrier::Txn;
use strongroom_engine::{Error, Key, Result};
use strongroom_types::Timestamp;

use super::entry::due_index;
use super::jobs::{self, Job};
use crate::Core;
use crate::mount::{Mount, MountEntry, wipe_intent};

/// What is kept of a mount until it is gone.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Removal {
    pub mount: MountEntry,
    pub since: Timestamp,
}

impl Removal {
    /// Takes a mount's end into the batch that takes it out of the table. The name is that of the job which ends its leases and
    /// tokens.
    pub fn put_in(txn: &mut Txn, mount: MountEntry, now: Timestamp) -> Result<String> {
        let job = Job {
            below: mount.path.clone(),
            mount: Some((mount.storage_id.clone(), mount.accessor.clone())),
            until: Timestamp::MAX,
        };
        let name = jobs::put_in(txn, &job_name(&mount.storage_id), &job)?;
        let intent = wipe_intent(&mount.storage_id);
        let removal = Self { mount, since: now };
        let bytes = serde_json::to_vec(&removal).map_err(|e| Error::Internal(format!("encoding a removal: {e}")))?;
        txn.put(intent.into_bytes(), bytes);
        Ok(name)
    }

    /// All that go on, by storage id; None for one that needs no more than its data wiped.
    pub async fn all(core: &Core, after: Option<&str>, limit: usize) -> Result<Vec<(String, Option<Self>)>> {
        let area = wipe_intent("");
        let after = after.map(|name| wipe_intent(name).into_bytes());
        let found = core.view.scan(area.as_bytes(), after.as_deref(), limit).await?;
        let read = |(key, record): (bytes::Bytes, strongroom_barrier::Result<strongroom_barrier::Entry>)| {
            let name = std::str::from_utf8(key.get(area.as_bytes().len()..)?).ok()?.to_owned();
            Some((name, record.ok().and_then(|r| serde_json::from_slice(r.value()).ok())))
        };
        Ok(found.into_iter().filter_map(read).collect())
    }

    /// Whether nothing is left that needs the mount's engine.
    pub async fn is_free(core: &Core, storage_id: &str) -> Result<bool> {
        let is_waiting = jobs::is_waiting(core, &job_name(storage_id)).await?;
        Ok(!is_waiting && core.view.keys(due_index(storage_id).as_bytes(), None, 1).await?.is_empty())
    }
}

fn job_name(storage_id: &str) -> String {
    format!("mount-{storage_id}")
}

/// The mount of a removal, as it was.
pub async fn mount(core: &Core, storage_id: &str) -> Result<Option<Arc<Mount>>> {
    let key: Key = wipe_intent(storage_id);
    let Some(found) = core.view.get(key.as_bytes()).await? else { return Ok(None) };
    match serde_json::from_slice::<Removal>(found.value()) {
        Ok(removal) => core.mounts.ready(removal.mount).map(|mount| Some(Arc::new(mount))),
        Err(_) => Ok(None),
    }
}
