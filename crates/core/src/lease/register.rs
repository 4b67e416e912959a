//! A new lease, in the batch of the request that asked for it.

use strongroom_engine::{Ctx, Error, NewLease, Result, TokenKind};
use strongroom_types::{Timestamp, Ttl};

use super::entry::{self, LeaseEntry};
use super::{LeaseView, Registered};
use crate::Core;
use crate::token::{self, Limits, LiveToken};

/// Writes the lease with its indexes. `path` is the request's. Errors: `Denied` when the caller's token ended meanwhile.
pub async fn register(core: &Core, ctx: &mut Ctx, path: &str, token: Option<&LiveToken>, new: NewLease) -> Result<Registered> {
    let family = holder(ctx, token).await?;
    let limits = limits_of(core.limits_of(&ctx.mount), new.max_ttl);
    let wanted = if new.ttl.is_zero() { limits.default_ttl } else { new.ttl };
    let warning = (wanted > limits.max_ttl).then(|| token::capped(wanted, limits.max_ttl));
    // SECURITY: no lease ends after the last moment that its token can reach (CVE-2020-25816).
    let last = token.and_then(last_moment);
    let end = ctx.now.plus(wanted.min(limits.max_ttl));
    let end = last.map_or(end, |last| end.min(last));
    if end <= ctx.now {
        return Err(Error::Denied);
    }
    let id = format!("{}/{}", path.trim_end_matches('/'), token::fresh_family(ctx.rng.as_ref(), ctx.now));
    let lease = LeaseEntry {
        mount: ctx.mount.storage_id.clone(),
        issued: ctx.now,
        expires: end,
        due: end,
        renewed: None,
        renewable: new.renewable,
        token: family,
        recipe: new.recipe,
        ending: false,
        trouble: None,
    };
    entry::put_in(&mut ctx.txn, &id, None, &lease)?;
    let ttl = Ttl::from_s(end.seconds_since(ctx.now));
    Ok(Registered { view: LeaseView { id, renewable: new.renewable, ttl }, warning })
}

/// The token that the lease ends with: the caller's, or for a batch token its parent.
async fn holder(ctx: &mut Ctx, token: Option<&LiveToken>) -> Result<Option<String>> {
    let Some(token) = token else { return Ok(None) };
    let family = match token.caller.kind {
        TokenKind::Service => Some(token.entry.family.clone()),
        TokenKind::Batch => token.entry.parent.clone(),
    };
    let Some(family) = family else { return Ok(None) };
    // INVARIANT: the read becomes a precondition, so no lease is made beside the revocation of its token.
    match ctx.txn.get(token::key(&family).as_bytes()).await? {
        Some(_) => Ok(Some(family)),
        None if token.entry.grant.uses_left > 0 => Err(Error::invalid(
            "Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.",
        )),
        None => Err(Error::Denied),
    }
}

/// The mount's limits, cut by what the engine says.
pub fn limits_of(limits: Limits, max_ttl: Ttl) -> Limits {
    let max_ttl = if max_ttl.is_zero() { limits.max_ttl } else { max_ttl.min(limits.max_ttl) };
    Limits { default_ttl: limits.default_ttl.min(max_ttl), max_ttl }
}

/// The last moment that a token can reach with all its renewals; None when only its mount's maximum bounds it. A lease that
/// goes beyond the token's present end still ends with the token.
pub fn last_moment(token: &LiveToken) -> Option<Timestamp> {
    let life = &token.entry.life;
    if token.caller.kind == TokenKind::Batch || !life.renewable {
        return life.expires;
    }
    (!life.explicit_max_ttl.is_zero()).then(|| life.created.plus(life.explicit_max_ttl))
}
