//! Deletes failed logins that no longer count.

use std::sync::Arc;

use strongroom_engine::Result;

use crate::{Core, lockout};

pub async fn run(core: &Arc<Core>) -> Result<()> {
    let mounts: Vec<_> = core.mounts.current().await?.sorted().into_iter().filter(|m| m.has_lockout()).cloned().collect();
    for mount in mounts {
        lockout::sweep(core, &mount).await?;
    }
    Ok(())
}
