//! Finishes revocations that an outage of the store interrupted. A request finishes its own; doing one twice is harmless.

use std::sync::Arc;

use strongroom_engine::Result;

use crate::Core;
use crate::token;

pub async fn run(core: &Arc<Core>) -> Result<()> {
    token::finish_unfinished(core).await
}
