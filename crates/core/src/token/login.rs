//! From a login that an auth method vouches for to the token that it gets.

use strongroom_engine::{Cidrs, Ctx, Error, Login, LoginFacts, NewToken, Result, TokenTerms};
use strongroom_types::{PolicyName, Ttl};

use super::Limits;
use crate::acl;

/// What the login gets, and the limits that hold for it. `entity_id` is empty without an identity.
/// Errors: `BadToken` for a login from where its token could not be used, and from an unknown address when the token is to be
/// bound to it.
pub fn token_of(ctx: &Ctx, login: Login, entity_id: String, limits: Limits) -> Result<(NewToken, Limits)> {
    let Login { display_name, metadata, terms, renewal, .. } = login;
    let batch = terms.kind.is_batch_on(ctx.mount.token_type);
    let mount = ctx.mount.path.trim_start_matches("auth/").trim_end_matches('/').replace('/', "-");
    let facts = LoginFacts { mount: ctx.mount.path.clone(), accessor: ctx.mount.accessor.clone(), renewal };
    let new = NewToken {
        batch,
        policies: policies(&terms),
        ttl: terms.ttl,
        explicit_max_ttl: terms.explicit_max_ttl,
        period: terms.period,
        num_uses: terms.num_uses,
        renewable: true,
        display_name: if display_name.is_empty() { mount } else { format!("{mount}-{display_name}") },
        meta: metadata,
        path: format!("{}{}", ctx.mount.path, ctx.path),
        entity_id,
        bound_cidrs: bound(ctx, &terms)?,
        login: (!batch).then_some(facts),
        ..NewToken::default()
    };
    let limits = limits_of(&terms, limits);
    Ok((new, limits))
}

/// The mount's limits, cut by the role's maximum.
pub fn limits_of(terms: &TokenTerms, limits: Limits) -> Limits {
    let max_ttl = if terms.max_ttl.is_zero() { limits.max_ttl } else { terms.max_ttl.min(limits.max_ttl) };
    Limits { default_ttl: limits.default_ttl.min(max_ttl), max_ttl }
}

/// Wanted lifetime at a renewal that asks for none.
pub fn usual_ttl(terms: &TokenTerms, limits: Limits) -> Ttl {
    if terms.ttl.is_zero() { limits.default_ttl } else { terms.ttl }
}

/// Folded, sorted, each once. SECURITY: a login never gives root; a name that is no policy name grants nothing and is left out.
pub fn policies(terms: &TokenTerms) -> Vec<String> {
    let named = terms.policies.iter().filter_map(|name| PolicyName::parse(name).ok()).map(|name| name.as_str().to_owned());
    let mut policies: Vec<String> = named.filter(|name| name != acl::ROOT).collect();
    if !terms.no_default_policy {
        policies.push(acl::DEFAULT.to_owned());
    }
    policies.sort_unstable();
    policies.dedup();
    policies
}

/// SECURITY: an unknown address, as on a unix socket, fits no binding.
fn bound(ctx: &Ctx, terms: &TokenTerms) -> Result<Cidrs> {
    const REFUSAL: Error = Error::BadToken("permission denied");
    if !terms.bound_cidrs.admits(ctx.remote) {
        return Err(REFUSAL);
    }
    if terms.strictly_bind_ip { ctx.remote.map(Cidrs::only).ok_or(REFUSAL) } else { Ok(terms.bound_cidrs.clone()) }
}
