//! What a dev server has from the start: `secret/` as key-value version 2.

use std::sync::Arc;

use strongroom_barrier::Intent;
use strongroom_engine::{Ctx, Operation, Options, Result};

use crate::Core;
use crate::mount::MountConfig;
use crate::sys::mounts::{new_entry, put_new};

pub async fn enable_dev_mount(core: &Arc<Core>) -> Result<()> {
    let options = Options::from([("version".to_owned(), "2".to_owned())]);
    let entry = new_entry(core, "secret/", "kv", options, MountConfig::default(), "key/value secret storage".into(), false);
    let mount = core.mounts.ready(entry.clone())?;
    let mut ctx = Ctx {
        txn: core.view.txn(Intent::Write),
        mount: mount.facts.clone(),
        operation: Operation::Update,
        path: String::new(),
        caller: None,
        now: core.clock.now(),
        rng: core.rng.clone(),
        remote: None,
        pool: core.pool.clone(),
        has_sudo: false,
        system: None,
    };
    put_new(&mut ctx, core, entry).await?;
    ctx.txn.commit().await?;
    Ok(())
}
