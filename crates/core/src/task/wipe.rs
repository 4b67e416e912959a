//! Deletes what disabled mounts held, in bounded batches. The intent goes last, so that a crash only delays it.

use std::sync::Arc;

use strongroom_barrier::Intent;
use strongroom_engine::{Key, Result};

use crate::Core;
use crate::{mount, token};

pub async fn run(core: &Arc<Core>) -> Result<()> {
    for name in core.view.list(mount::wipe_intent("").as_bytes(), None, 16).await? {
        let Ok(storage_id) = std::str::from_utf8(&name) else { continue };
        token::wipe(&core.view, &Key::area("d").id(storage_id)).await?;
        let mut txn = core.view.txn(Intent::Write);
        txn.delete(mount::wipe_intent(storage_id).into_bytes());
        txn.commit().await?;
        tracing::info!(storage_id, "data of a disabled mount deleted");
    }
    Ok(())
}
