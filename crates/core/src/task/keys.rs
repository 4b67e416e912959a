//! What key ceremonies leave to be done, and rotation by itself.

use std::sync::Arc;

use strongroom_engine::Result;

use crate::Core;
use crate::keys::{Which, rotation};

pub async fn run(core: &Arc<Core>) -> Result<()> {
    core.keys.settle(&core.barrier, Which::Due(core.clock.now())).await;
    rotation::run(core).await
}
