//! Leases whose revocation failed for good: which, of which mount, and why.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use strongroom_engine::{Key, Result};

use super::entry::irrevocable_index;
use super::find::{Looked, look};
use super::walk::forget;
use crate::Core;

const PAGE: usize = 256;

#[derive(Serialize)]
pub struct Irrevocable {
    pub lease_id: String,
    /// Accessor of the mount.
    pub mount_id: String,
    pub error: String,
}

/// How many each mount has, by its accessor.
pub async fn counts(core: &Core) -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for mount in mounts(core).await? {
        let (area, mut after, mut count): (_, Option<Bytes>, u64) = (irrevocable_index(&mount), None, 0);
        loop {
            let keys = core.view.keys(area.as_bytes(), after.as_deref(), PAGE).await?;
            let Some(last) = keys.last() else { break };
            after = Some(last.clone());
            count = count.saturating_add(u64::try_from(keys.len()).unwrap_or(u64::MAX));
        }
        counts.insert(accessor(core, &mount).await?, count);
    }
    Ok(counts)
}

/// Up to `limit` of them, and whether there are more.
pub async fn list(core: &Core, limit: usize) -> Result<(Vec<Irrevocable>, bool)> {
    let mut listed = Vec::new();
    for mount in mounts(core).await? {
        let (area, mut after): (_, Option<Bytes>) = (irrevocable_index(&mount), None);
        let mount_id = accessor(core, &mount).await?;
        loop {
            let keys = core.view.keys(area.as_bytes(), after.as_deref(), PAGE).await?;
            let Some(last) = keys.last() else { break };
            after = Some(last.clone());
            for key in &keys {
                if listed.len() >= limit {
                    return Ok((listed, true));
                }
                let length = area.as_bytes().len();
                let Some(id) = key.get(length..).and_then(|id| std::str::from_utf8(id).ok()) else { continue };
                if let Some(error) = why(core, key, id).await? {
                    listed.push(Irrevocable { lease_id: id.to_owned(), mount_id: mount_id.clone(), error });
                }
            }
        }
    }
    Ok((listed, false))
}

async fn why(core: &Core, key: &Bytes, id: &str) -> Result<Option<String>> {
    Ok(match look(&core.view, id).await? {
        Looked::Found(found) => Some(found.lease.trouble.as_ref().map(|t| t.error.clone()).unwrap_or_default()),
        Looked::Damaged => Some("the lease's record is damaged".into()),
        // A damaged lease that was removed by force.
        Looked::Gone => forget(&core.view, std::slice::from_ref(key)).await.map(|()| None)?,
    })
}

/// Storage ids of the mounts that have any.
async fn mounts(core: &Core) -> Result<Vec<String>> {
    let names = core.view.list(Key::area("z").as_bytes(), None, 10_000).await?;
    Ok(names.iter().filter_map(|n| Some(std::str::from_utf8(n).ok()?.strip_suffix('/')?.to_owned())).collect())
}

async fn accessor(core: &Core, storage_id: &str) -> Result<String> {
    let mount = super::mount_of(core, storage_id).await?;
    Ok(mount.map_or_else(|| storage_id.to_owned(), |mount| mount.entry.accessor.clone()))
}
