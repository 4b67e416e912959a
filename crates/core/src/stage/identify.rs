//! Stage 3: who asks. A token that is missing, unknown, expired or revoked is one and the same refusal.

use std::sync::Arc;

use strongroom_engine::{Error, Result};

use super::{Known, Refused, Routed};
use crate::Core;
use crate::token::LiveToken;

/// A request whose caller is known, or that needs none.
pub struct Identified {
    pub routed: Routed,
    pub token: Option<Arc<LiveToken>>,
}

pub async fn identify(core: &Core, routed: Routed) -> std::result::Result<Identified, Refused> {
    match caller(core, &routed).await {
        Ok(token) => Ok(Identified { routed, token }),
        Err(error) => {
            let mount = routed.target.mount().cloned();
            Err(Refused { error, known: Box::new(Known { admitted: Some(routed.admitted), mount, ..Known::default() }) })
        }
    }
}

async fn caller(core: &Core, routed: &Routed) -> Result<Option<Arc<LiveToken>>> {
    const REFUSAL: Error = Error::BadToken("permission denied");
    let attributes = routed.target.attributes();
    let presented = routed.admitted.headers.token.as_ref();
    let token = match presented {
        Some(text) => core.tokens.find(text, routed.admitted.received).await?,
        None => None,
    };
    // SECURITY: behind a proxy this is the address that a trusted one names; on a unix socket there is none, and a token that
    // is bound to addresses is refused.
    let remote = routed.admitted.peer.address.map(|a| a.ip());
    let token = token.filter(|t| t.entry.bound_cidrs.admits(remote));
    // Whose entity is disabled or gone is nobody.
    let token = match token {
        Some(token) => match token.standing(&core.identities).await {
            Ok(_) => Some(token),
            Err(Error::BadToken(_)) => None,
            Err(other) => return Err(other),
        },
        None => None,
    };
    if token.is_none() && !attributes.no_token {
        return Err(REFUSAL);
    }
    // What was kept aside on a full disk is for whoever can make room.
    let is_root = token.as_ref().is_some_and(|t| t.entry.grant.is_root);
    if core.audit.is_short_of_space() && !is_root && !(attributes.rescue && core.audit.may_rescue()) {
        return Err(Error::Unavailable("the audit log is short of disk space".into()));
    }
    Ok(token)
}
