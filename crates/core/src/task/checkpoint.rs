//! Audit checkpoints, epochs and segments.

use std::sync::Arc;

use strongroom_engine::Result;

use crate::Core;

pub async fn run(core: &Arc<Core>) -> Result<()> {
    core.audit.tick(core.clock.now()).await
}
