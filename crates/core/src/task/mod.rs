//! Background work: each file looks at the state, does a bounded batch and reports. Nothing here holds a lock over I/O.

mod checkpoint;
mod dev;
mod expire;
mod keys;
mod lockouts;
mod revoke;
mod shed;
mod tend;
mod tidy;
mod usage;
mod wipe;

pub use dev::enable_dev_mount;
pub use shed::record as record_shed;
pub use tidy::request as request_tidy;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::Core;

const CHECKPOINT_EVERY: Duration = Duration::from_millis(100);
const KEYS_EVERY: Duration = Duration::from_secs(1);
const EXPIRE_EVERY: Duration = Duration::from_secs(1);
const TEND_EVERY: Duration = Duration::from_secs(5);
const TIDY_EVERY: Duration = Duration::from_secs(1);
const SHED_EVERY: Duration = Duration::from_secs(1);
const WIPE_EVERY: Duration = Duration::from_secs(2);
const LOCKOUTS_EVERY: Duration = Duration::from_secs(600);
const REVOKE_EVERY: Duration = Duration::from_secs(10);

/// Starts all tasks of an unsealed core. They end with it.
pub fn start(core: &Arc<Core>) -> Vec<JoinHandle<()>> {
    let mut tasks = crate::lease::start(core);
    tasks.extend([
        every(SHED_EVERY, core, |core| async move { shed::run(&core).await }),
        every(CHECKPOINT_EVERY, core, |core| async move { checkpoint::run(&core).await }),
        every(EXPIRE_EVERY, core, |core| async move { expire::run(&core).await }),
        every(LOCKOUTS_EVERY, core, |core| async move { lockouts::run(&core).await }),
        every(KEYS_EVERY, core, |core| async move { keys::run(&core).await }),
        every(REVOKE_EVERY, core, |core| async move { revoke::run(&core).await }),
        every(TEND_EVERY, core, |core| async move { tend::run(&core).await }),
        every(TIDY_EVERY, core, |core| async move { tidy::run(&core).await }),
        every(WIPE_EVERY, core, |core| async move { wipe::run(&core).await }),
        every(WIPE_EVERY, core, |core| async move { crate::identity::finish_leftovers(&core).await }),
    ]);
    if let Some(period) = core.settings.telemetry.usage_period {
        tasks.push(every(period, core, |core| async move { usage::run(&core).await }));
    }
    tasks
}

/// Runs a task now and then. An error is logged and the next turn tries again.
fn every<F, Fut>(period: Duration, core: &Arc<Core>, work: F) -> JoinHandle<()>
where
    F: Fn(Arc<Core>) -> Fut + Send + 'static,
    Fut: Future<Output = strongroom_engine::Result<()>> + Send,
{
    let core = Arc::downgrade(core);
    tokio::spawn(async move {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(core) = core.upgrade() else { return };
            if let Err(e) = work(core).await {
                tracing::warn!("background work: {e}");
            }
        }
    })
}
