//! The handle that the core's own engines get through `Ctx::system`, and no plug-in ever does.

use std::sync::Arc;

use strongroom_engine::{Ctx, Error, Result};
use strongroom_types::SecretString;

use crate::Core;
use crate::token::LiveToken;

/// One request as the core's own handlers see it.
pub struct SystemCall {
    pub core: Arc<Core>,
    /// The caller's token, with this use already counted.
    pub token: Option<Arc<LiveToken>>,
    pub token_text: Option<SecretString>,
    /// The token had a limit of uses before this one.
    pub was_limited: bool,
    pub upload: crate::wire::Upload,
    /// This use was its last: it ends with this request.
    pub is_last_use: bool,
}

impl SystemCall {
    /// Errors: `Internal` when the route belongs to a plug-in, which the core never lets happen.
    pub fn of(ctx: &Ctx) -> Result<Arc<Self>> {
        let system = ctx.system.clone().ok_or_else(|| Error::Internal("not a system route".into()))?;
        system.downcast().map_err(|_| Error::Internal("not a system route".into()))
    }
}
