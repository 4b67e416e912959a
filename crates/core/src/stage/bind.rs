//! Stage 7: a token for what asked for one, and a wrapping token for the whole answer when the client wants it wrapped.
//! Runs inside the transaction of the handler.

use std::sync::Arc;

use strongroom_engine::{Auth, AuthView, Ctx, Error, Output, Result};

use super::answer;
use super::judge::Permitted;
use crate::Core;
use crate::token;
use crate::wrap::{self, WrapView};

/// An answer with all that hangs on it.
pub struct Bound {
    pub output: Output,
    pub auth: Option<Box<AuthView>>,
    /// Replaces data and auth on the wire.
    pub wrap: Option<Box<WrapView>>,
    /// Tokens that ended.
    pub revoked: Vec<String>,
    /// A token that came into being: revoked again when the answer cannot be recorded.
    pub issued: Option<String>,
}

pub async fn bind(core: &Arc<Core>, permitted: &Permitted, ctx: &mut Ctx, mut output: Output) -> Result<Bound> {
    // SECURITY (CVE-2026-46405): what is answered as an error never makes a token.
    if output.auth.is_some() && output.status.is_some_and(|status| status >= 400) {
        return Err(Error::Internal("an error answer asks for a token".into()));
    }
    let mut issued = None;
    let auth = match output.auth.take() {
        None => None,
        Some(Auth::Show(view)) => Some(view),
        Some(asked) => {
            let (new, limits) = match asked {
                Auth::Login(login) => token::token_of(ctx, *login, String::new(), core.limits_of(&ctx.mount))?,
                // Until there is an identity store, no alias leads to an entity: what was asked for is refused, not left out.
                Auth::Issue(new) if !new.entity_alias.is_empty() => {
                    return Err(Error::invalid("'entity_alias' cannot be used: no entity has it"));
                }
                Auth::Issue(new) => (*new, core.limits_of(&ctx.mount)),
                Auth::Show(_) => return Err(Error::Internal("a token that exists is not issued".into())),
            };
            let made =
                token::issue(&mut ctx.txn, &core.barrier, &core.tokens.keys, core.rng.as_ref(), ctx.now, new, limits).await?;
            output.warnings.extend(made.warnings);
            issued = (!made.view.batch).then(|| made.view.accessor.clone());
            Some(Box::new(made.view))
        }
    };
    if output.lease.take().is_some() {
        return Err(Error::Internal("leases are not served yet".into()));
    }
    let revoked = std::mem::take(&mut output.revoked);
    let mut bound = Bound { output, auth, wrap: None, revoked, issued };
    let (wrap_ttl, attributes) = (permitted.routed.admitted.wrap_ttl, permitted.routed.target.attributes());
    if wrap_ttl.is_zero() && attributes.only_wrapped {
        return Err(Error::invalid("endpoint requires response wrapping to be used"));
    }
    if !wrap_ttl.is_zero() && !attributes.never_wrapped && answer::has_something(&bound) {
        let inner = answer::envelope(&permitted.routed.admitted.id, &bound);
        let path = permitted.routed.admitted.path.as_str();
        let accessor = bound.auth.as_ref().map(|a| a.accessor.clone()).unwrap_or_default();
        let view = wrap::wrap(core, ctx, path, wrap_ttl, &inner, accessor).await?;
        bound.issued = bound.issued.or_else(|| Some(view.accessor.clone()));
        bound.wrap = Some(Box::new(view));
    }
    Ok(bound)
}
