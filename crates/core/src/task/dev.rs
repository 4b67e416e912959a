//! What a dev server has from the start: `secret/` as key-value version 2.

use std::sync::Arc;

use strongroom_engine::{Options, Result};

use crate::Core;
use crate::mount::MountConfig;
use crate::sys::mounts::{new_entry, put_new};

pub async fn enable_dev_mount(core: &Arc<Core>) -> Result<()> {
    let options = Options::from([("version".to_owned(), "2".to_owned())]);
    let entry = new_entry(core, "secret/", "kv", options, MountConfig::default(), "key/value secret storage".into(), false);
    let mount = core.mounts.ready(entry.clone())?;
    let mut ctx = core.background(&mount);
    put_new(&mut ctx, core, entry).await?;
    ctx.txn.commit().await?;
    Ok(())
}
