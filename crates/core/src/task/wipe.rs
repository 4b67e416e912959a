//! Deletes what disabled mounts held, in bounded batches, once the last of their leases has ended. The intent goes last, so
//! that a crash only delays it.

use std::sync::Arc;

use strongroom_barrier::Intent;
use strongroom_engine::{Key, Result};

use crate::Core;
use crate::lease::Removal;
use crate::{mount, token};

/// Removals looked at in one go.
const PAGE: usize = 100;

pub async fn run(core: &Arc<Core>) -> Result<()> {
    let mut after: Option<String> = None;
    loop {
        let page = Removal::all(core, after.as_deref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (storage_id, _) in &page {
            if Removal::is_free(core, storage_id).await? {
                wipe(core, storage_id).await?;
            }
        }
    }
}

async fn wipe(core: &Core, storage_id: &str) -> Result<()> {
    token::wipe(&core.view, &Key::area("d").id(storage_id)).await?;
    let mut txn = core.view.txn(Intent::Write);
    txn.delete(mount::wipe_intent(storage_id).into_bytes());
    txn.commit().await?;
    tracing::info!(storage_id, "data of a disabled mount deleted");
    Ok(())
}
