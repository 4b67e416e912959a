//! Extending tokens. The end only ever moves within the limits that hold since creation.

use serde::Deserialize;
use strongroom_engine::{Auth, Ctx, Error, Field, Input, Output, Present, Result, Seconds, Text, TokenKind, field};
use strongroom_types::{SecretString, Timestamp, Ttl};

use crate::SystemCall;
use crate::token::issue::{capped, put_with_indexes, view_of};
use crate::token::revoke::decode;
use crate::token::role;
use crate::token::{self, Life, TokenEntry};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Renew {
    token: Text,
    accessor: Text,
    increment: Present<Seconds>,
}

impl Input for Renew {
    const FIELDS: &'static [Field] = &[
        field::<Text>("token", "The token to extend."),
        field::<Text>("accessor", "The accessor of the token to extend."),
        field::<Seconds>("increment", "Wanted lifetime from now; the creation ttl when left out.").clear(),
    ];
}

pub async fn own(ctx: &mut Ctx, input: Renew) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let (Some(live), Some(text)) = (&call.token, &call.token_text) else { return Err(Error::Denied) };
    renew(ctx, &live.entry.family, live.caller.kind, text.duplicate(), input.increment).await
}

pub async fn by_token(ctx: &mut Ctx, input: Renew) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if input.token.0.is_empty() {
        return Err(Error::invalid("missing token ID"));
    }
    let text = SecretString::new(input.token.0);
    let live = call.core.tokens.find(&text, ctx.now).await?.ok_or_else(|| Error::invalid("token not found"))?;
    renew(ctx, &live.entry.family, live.caller.kind, text, input.increment).await
}

pub async fn by_accessor(ctx: &mut Ctx, input: Renew) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let live = super::by_accessor(&call, &input.accessor.0, ctx.now).await?;
    renew(ctx, &live.entry.family, live.caller.kind, SecretString::default(), input.increment).await
}

async fn renew(ctx: &mut Ctx, family: &str, kind: TokenKind, text: SecretString, increment: Present<Seconds>) -> Result<Output> {
    if kind == TokenKind::Batch {
        return Err(Error::invalid("batch tokens cannot be renewed"));
    }
    let call = SystemCall::of(ctx)?;
    let found = ctx.txn.get(token::key(family).as_bytes()).await?.ok_or_else(|| Error::invalid("token not found"))?;
    let mut entry = decode(found.value())?;
    let Some(old_end) = entry.life.expires else { return Err(Error::invalid("invalid lease ID")) };
    if !entry.life.renewable {
        return Err(Error::invalid("lease is not renewable"));
    }
    let mut output = Output::default();
    let Some(terms) = terms(ctx, &call, &entry).await? else { return Ok(output) };
    entry.life.period = terms.period;
    let bounds = Life { period: terms.period, explicit_max_ttl: terms.explicit_max_ttl, ..entry.life.clone() };
    let wanted = wanted_ttl(&bounds, increment.into_option().map(|s| s.0), terms.usual_ttl);
    let (end, cap) = new_end(&bounds, wanted, terms.max_ttl, ctx.now);
    if let Some(cap) = cap {
        output.warnings.push(capped(wanted, cap));
    }
    ctx.txn.delete(token::expiry_key(old_end, family).into_bytes());
    (entry.life.expires, entry.life.renewed) = (Some(end), Some(ctx.now));
    put_with_indexes(&mut ctx.txn, &entry)?;
    let left = entry.ttl_left(ctx.now);
    output.auth = Some(Auth::Show(Box::new(view_of(&entry, text, left, false))));
    Ok(output)
}

/// What a renewal goes by.
struct Terms {
    period: Ttl,
    /// Zero is none.
    explicit_max_ttl: Ttl,
    /// When the caller asks for none.
    usual_ttl: Ttl,
    max_ttl: Ttl,
}

/// A login's terms are those that hold now: its method is asked again. None when the method no longer knows the login, which
/// leaves the token its present end.
async fn terms(ctx: &mut Ctx, call: &SystemCall, entry: &TokenEntry) -> Result<Option<Terms>> {
    let Some(login) = &entry.login else { return own_terms(ctx, call, entry).await.map(Some) };
    let table = call.core.mounts.current().await?;
    // By accessor: a mount that was moved still knows its logins, another one at its former path does not.
    let mount = table.by_accessor(&login.accessor).cloned();
    drop(table);
    let mount = mount.ok_or_else(|| Error::invalid("the auth method of this token is gone"))?;
    let own = std::mem::replace(&mut ctx.mount, mount.facts.clone());
    let asked = mount.engine.renew_login(ctx, &login.renewal).await;
    ctx.mount = own;
    let Some(now) = asked? else { return Ok(None) };
    let limits = token::login::limits_of(&now, call.core.limits_of(&mount.facts));
    let usual_ttl = token::login::usual_ttl(&now, limits);
    let explicit_max_ttl = entry.life.explicit_max_ttl;
    Ok(Some(Terms { period: now.period, explicit_max_ttl, usual_ttl, max_ttl: limits.max_ttl }))
}

/// Of a token that no login made: its own, within its role's as that is now. Errors: `Invalid` when the role is gone.
async fn own_terms(ctx: &mut Ctx, call: &SystemCall, entry: &TokenEntry) -> Result<Terms> {
    let life = match entry.role.as_str() {
        "" => entry.life.clone(),
        name => role::load(ctx, name).await?.ok_or_else(|| role_gone(name))?.bound_life(&entry.life),
    };
    Ok(Terms {
        period: life.period,
        explicit_max_ttl: life.explicit_max_ttl,
        usual_ttl: life.creation_ttl,
        max_ttl: call.core.settings.max_lease_ttl,
    })
}

fn role_gone(name: &str) -> Error {
    Error::InvalidListed(format!("failed to renew entry: original token role \"{name}\" could not be found, not renewing"))
}

fn wanted_ttl(bounds: &Life, increment: Option<Ttl>, usual: Ttl) -> Ttl {
    if !bounds.period.is_zero() {
        return bounds.period;
    }
    increment.filter(|t| !t.is_zero()).unwrap_or(usual)
}

/// The new end, and the limit that cut it. Periodic tokens have no maximum but an explicit one.
fn new_end(life: &Life, wanted: Ttl, max: Ttl, now: Timestamp) -> (Timestamp, Option<Ttl>) {
    let explicit = Some(life.explicit_max_ttl).filter(|t| !t.is_zero());
    let cap = match (explicit, life.period.is_zero()) {
        (Some(explicit), _) => explicit,
        (None, true) => max,
        (None, false) => return (now.plus(wanted), None),
    };
    let (end, last) = (now.plus(wanted), life.created.plus(cap));
    // INVARIANT: the token is live, so `last` lies after `now` unless limits shrank; then the old end stands.
    let bound = last.max(life.expires.unwrap_or(last).min(end));
    if end > bound { (bound, (wanted > cap).then_some(cap)) } else { (end, None) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strongroom_types::{Timestamp, Ttl};

    use super::{new_end, wanted_ttl};
    use crate::token::Life;

    proptest! {
        /// CVE-2021-32923: whatever the clock and the limits, a renewed token lives on, and not beyond its maximum.
        #[test]
        fn cve_2021_32923_a_renewed_token_has_time_left_and_ends_in_time(
            created in 0u64..10_000,
            age_ns in 0u64..200_000_000_000,
            left_ns in 1u64..200_000_000_000,
            (ttl, explicit, period, max) in (1u64..200, 0u64..200, 0u64..200, 1u64..200),
            increment in proptest::option::of(0u64..400),
        ) {
            let s = Ttl::from_s;
            let created = Timestamp::from_s(created);
            let now = Timestamp::from_ns(created.ns().saturating_add(age_ns));
            let old_end = Timestamp::from_ns(now.ns().saturating_add(left_ns));
            let life = Life {
                created,
                creation_ttl: s(ttl),
                expires: Some(old_end),
                explicit_max_ttl: s(explicit),
                period: s(period),
                renewable: true,
                renewed: None,
            };
            let wanted = wanted_ttl(&life, increment.map(s), s(ttl));
            let (end, _) = new_end(&life, wanted, s(max), now);
            prop_assert!(!wanted.is_zero() && end > now, "a renewal ends a live token");
            let cap = if explicit > 0 { Some(explicit) } else { (period == 0).then_some(max) };
            if let Some(cap) = cap {
                prop_assert!(end <= created.plus(s(cap)).max(old_end), "a renewal passes the maximum");
            }
            prop_assert!(end <= now.plus(wanted).max(old_end));
        }
    }
}
