//! Stage 7: a token for what asked for one, and a wrapping token for the whole answer when the client wants it wrapped.
//! Runs inside the transaction of the handler.

use std::sync::Arc;

use strongroom_engine::{Auth, AuthView, Ctx, Error, Login, Output, Result};

use super::answer;
use super::judge::Permitted;
use crate::Core;
use crate::lease::{self, LeaseView};
use crate::wrap::{self, WrapView};
use crate::{identity, token};

/// An answer with all that hangs on it.
pub struct Bound {
    pub output: Output,
    pub auth: Option<Box<AuthView>>,
    pub lease: Option<Box<LeaseView>>,
    /// It came into being just now: revoked again when the answer cannot be recorded.
    pub is_new_lease: bool,
    /// Replaces data and auth on the wire.
    pub wrap: Option<Box<WrapView>>,
    /// A token that came into being: revoked again when the answer cannot be recorded.
    pub issued: Option<String>,
}

pub async fn bind(core: &Arc<Core>, permitted: &Permitted, ctx: &mut Ctx, mut output: Output) -> Result<Bound> {
    // SECURITY (CVE-2026-46405): what is answered as an error never makes a token.
    if output.auth.is_some() && output.status.is_some_and(|status| status >= 400) {
        return Err(Error::Internal("an error answer asks for a token".into()));
    }
    let (auth, issued) = match output.auth.take() {
        None => (None, None),
        // Boxed, as what follows: most requests make nothing, and each pays for the size of its future.
        Some(asked) => Box::pin(token_for(core, ctx, asked, &mut output.warnings)).await.map(|(a, i)| (Some(a), i))?,
    };
    let (lease, is_new_lease) = lease_of(core, permitted, ctx, &mut output).await?;
    let mut bound = Bound { output, auth, lease, is_new_lease, wrap: None, issued };
    let (wrap_ttl, attributes) = (permitted.routed.admitted.wrap_ttl, permitted.routed.target.attributes());
    if wrap_ttl.is_zero() && attributes.only_wrapped {
        return Err(Error::invalid("endpoint requires response wrapping to be used"));
    }
    if !wrap_ttl.is_zero() && !attributes.never_wrapped && answer::can_be_wrapped(&bound) {
        let inner = answer::envelope(&permitted.routed.admitted.id, &bound);
        let path = permitted.routed.admitted.path.as_str();
        let accessor = bound.auth.as_ref().map(|a| a.accessor.clone()).unwrap_or_default();
        let view = Box::pin(wrap::wrap(core, ctx, path, wrap_ttl, &inner, accessor)).await?;
        bound.issued = bound.issued.or_else(|| Some(view.accessor.clone()));
        bound.wrap = Some(Box::new(view));
    }
    Ok(bound)
}

/// The token to show, and the family of one that came into being just now.
async fn token_for(
    core: &Arc<Core>,
    ctx: &mut Ctx,
    asked: Auth,
    warnings: &mut Vec<String>,
) -> Result<(Box<AuthView>, Option<String>)> {
    let (new, limits, identity_policies) = match asked {
        Auth::Show(mut view) => {
            view.identity_policies = policies_of(core, &view.entity_id).await?;
            return Ok((view, None));
        }
        Auth::Login(login) => {
            let person = identity::on_login(&core.identities, ctx, &login, makes_entities(core, ctx).await?).await?;
            let (id, policies) = person.map(|p| (p.id, p.policies)).unwrap_or_default();
            let (new, limits) = token::token_of(ctx, *login, id, core.limits_of(&ctx.mount))?;
            (new, limits, policies)
        }
        Auth::Issue(mut new) if !new.entity_alias.is_empty() => {
            let login = Login { alias: std::mem::take(&mut new.entity_alias), ..Login::default() };
            // What was asked for is made or refused, never left out.
            let person = identity::on_login(&core.identities, ctx, &login, true).await?;
            let person = person.ok_or_else(|| Error::invalid("'entity_alias' leads to no entity"))?;
            new.entity_id = person.id;
            (*new, core.limits_of(&ctx.mount), person.policies)
        }
        Auth::Issue(new) => {
            let policies = policies_of(core, &new.entity_id).await?;
            (*new, core.limits_of(&ctx.mount), policies)
        }
    };
    let made = token::issue(&mut ctx.txn, &core.barrier, &core.tokens.keys, core.rng.as_ref(), ctx.now, new, limits).await?;
    warnings.extend(made.warnings);
    let issued = (!made.view.batch).then(|| made.view.accessor.clone());
    Ok((Box::new(AuthView { identity_policies, ..made.view }), issued))
}

/// Whether logins of this mount make entities for people who are not known yet.
async fn makes_entities(core: &Core, ctx: &Ctx) -> Result<bool> {
    let table = core.mounts.current().await?;
    Ok(table.by_accessor(&ctx.mount.accessor).is_some_and(|mount| !mount.entry.config.no_new_entities))
}

/// Of an entity that exists; none without one.
async fn policies_of(core: &Core, entity_id: &str) -> Result<Vec<String>> {
    if entity_id.is_empty() {
        return Ok(Vec::new());
    }
    Ok(core.identities.facts(entity_id).await?.map(|f| f.policies.clone()).unwrap_or_default())
}

/// The lease to show, and whether it came into being just now.
async fn lease_of(
    core: &Core,
    permitted: &Permitted,
    ctx: &mut Ctx,
    output: &mut Output,
) -> Result<(Option<Box<LeaseView>>, bool)> {
    if let Some(renewed) = output.system.as_mut().and_then(|system| system.lease.take()) {
        let (id, renewable, ttl) = renewed;
        return Ok((Some(Box::new(LeaseView { id, renewable, ttl })), false));
    }
    let Some(new) = output.lease.take() else { return Ok((None, false)) };
    let path = permitted.routed.admitted.path.as_str();
    let made = lease::register(core, ctx, path, permitted.token.as_deref(), *new).await?;
    output.warnings.extend(made.warning);
    Ok((Some(Box::new(made.view)), true))
}
