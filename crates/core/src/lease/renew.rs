//! Extending a lease. The end only ever moves within the limits that hold since its beginning, and always lies ahead.

use std::sync::Arc;

use strongroom_engine::{Ctx, Error, Lease, RenewedLease, Result};
use strongroom_types::{Timestamp, Ttl};

use super::entry::{self, LeaseEntry};
use super::register::{last_moment, limits_of};
use super::{LeaseView, Registered, find};
use crate::Core;
use crate::mount::Mount;
use crate::token::{self, Limits, LiveToken};

/// Extends a lease from now by `increment`; zero is the usual lifetime. Errors: `Invalid` for an unknown or ended lease and for
/// one that is not renewable, and what the engine says.
pub async fn renew(core: &Core, ctx: &mut Ctx, id: &str, increment: Ttl) -> Result<Registered> {
    if find::token(&mut ctx.txn, id).await?.is_some() {
        return Err(Error::invalid("tokens cannot be renewed through this endpoint"));
    }
    let old = find::lease(&mut ctx.txn, id).await?.ok_or_else(|| Error::invalid("lease not found"))?;
    if !old.is_live(ctx.now) {
        return Err(Error::invalid("lease expired"));
    }
    if !old.renewable {
        return Err(Error::invalid("lease is not renewable"));
    }
    let last = holder_end(core, ctx, &old).await?;
    let mount = super::mount_of(core, &old.mount).await?.ok_or_else(|| Error::invalid("the mount of this lease is gone"))?;
    let said = ask(ctx, &mount, id, &old).await?;
    let limits = limits_of(core.limits_of(&mount.facts), said.max_ttl);
    let wanted = wanted_ttl(increment, said, limits);
    let (end, cap) = new_end(&old, wanted, limits.max_ttl, last, ctx.now);
    let new = LeaseEntry { expires: end, due: end, renewed: Some(ctx.now), ..old.clone() };
    entry::put_in(&mut ctx.txn, id, Some(&old), &new)?;
    let view = LeaseView { id: id.to_owned(), renewable: true, ttl: Ttl::from_s(end.seconds_since(ctx.now)) };
    Ok(Registered { view, warning: cap.map(|cap| token::capped(wanted, cap)) })
}

/// The last moment that the lease's token can reach. Errors: `Invalid` when the token is gone and the lease is about to be.
async fn holder_end(core: &Core, ctx: &mut Ctx, lease: &LeaseEntry) -> Result<Option<Timestamp>> {
    let Some(family) = &lease.token else { return Ok(None) };
    // Read in the transaction: the renewal rests on the token being there.
    let found = ctx.txn.get(token::key(family).as_bytes()).await?;
    let live = core.tokens.by_family(family, ctx.now).await?;
    let live: Option<Arc<LiveToken>> = live.filter(|_| found.is_some());
    live.map(|token| last_moment(&token)).ok_or_else(|| Error::invalid("lease expired"))
}

async fn ask(ctx: &mut Ctx, mount: &Arc<Mount>, id: &str, lease: &LeaseEntry) -> Result<RenewedLease> {
    let asked = Lease { id: id.to_owned(), issued: lease.issued, recipe: lease.recipe.clone() };
    let own = std::mem::replace(&mut ctx.mount, mount.facts.clone());
    let system = ctx.system.take();
    let said = mount.engine.renew_lease(ctx, &asked).await;
    (ctx.mount, ctx.system) = (own, system);
    match said {
        Err(Error::UnsupportedOperation) => Err(Error::invalid("lease is not renewable")),
        other => other,
    }
}

fn wanted_ttl(increment: Ttl, said: RenewedLease, limits: Limits) -> Ttl {
    match (increment.is_zero(), said.ttl.is_zero()) {
        (false, _) => increment,
        (true, false) => said.ttl,
        (true, true) => limits.default_ttl,
    }
}

/// The new end, and the maximum when it cut the wish.
fn new_end(lease: &LeaseEntry, wanted: Ttl, max: Ttl, token_end: Option<Timestamp>, now: Timestamp) -> (Timestamp, Option<Ttl>) {
    let cap = lease.issued.plus(max);
    let last = token_end.map_or(cap, |end| cap.min(end));
    // SECURITY: at its maximum a lease keeps the end that it has: never a lifetime of zero, which would read as none at all
    // (CVE-2021-32923).
    let last = if last <= now { lease.expires } else { last };
    let end = now.plus(wanted).min(last);
    (end, (now.plus(wanted) > cap).then_some(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(issued_s: u64, expires_s: u64) -> LeaseEntry {
        let (issued, expires) = (Timestamp::from_s(issued_s), Timestamp::from_s(expires_s));
        let (mount, recipe) = ("S".into(), serde_json::Value::Null);
        LeaseEntry {
            mount,
            issued,
            expires,
            due: expires,
            renewed: None,
            renewable: true,
            token: None,
            recipe,
            ending: false,
            trouble: None,
        }
    }

    proptest::proptest! {
        /// CVE-2021-32923: whatever is asked for, a live lease stays live and inside its limits.
        #[test]
        fn a_renewed_end_lies_ahead_and_within_the_maximum(
            issued in 1_000u64..2_000, life in 1u64..5_000, age in 0u64..5_000,
            wanted in 1u64..10_000, max in 1u64..10_000, token in proptest::option::of(1_000u64..20_000),
        ) {
            let lease = lease(issued, issued.saturating_add(life));
            let now = Timestamp::from_s(issued.saturating_add(age.checked_rem(life).unwrap_or(0)));
            let token_end = token.map(Timestamp::from_s);
            let (end, _) = new_end(&lease, Ttl::from_s(wanted), Ttl::from_s(max), token_end, now);
            proptest::prop_assert!(end > now);
            let bound = lease.issued.plus(Ttl::from_s(max)).min(token_end.unwrap_or(Timestamp::MAX));
            proptest::prop_assert!(end <= bound.max(lease.expires));
        }
    }
}
