//! `sys/wrapping/`: wrap, look up, unwrap and rewrap. An answer comes out once; a second try is refused.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{AnyFields, Attributes, Body, Ctx, Error, Field, Input, Output, Result, Route, Text, Verb, field, route};
use strongroom_types::SecretString;
use zeroize::Zeroizing;

use crate::SystemCall;
use crate::token::{self, LiveToken};
use crate::{acl, wrap};

pub fn routes() -> Vec<Route> {
    // Who holds a wrapping token may use it: no other right is asked for.
    let open = Attributes { no_token: true, ..Attributes::default() };
    let lookup_only = Attributes { no_token: true, never_wrapped: true, ..Attributes::default() };
    let only_wrapped = Attributes { only_wrapped: true, ..Attributes::default() };
    vec![
        route(Verb::Write, "wrapping/wrap", "Wraps what is sent.", wrap_fields).attributes(only_wrapped),
        route(Verb::Write, "wrapping/unwrap", "Gives out a wrapped answer, once.", unwrap).attributes(open),
        route(Verb::Write, "wrapping/rewrap", "Moves a wrapped answer to a new token.", rewrap).attributes(open),
        route(Verb::Write, "wrapping/lookup", "Tells where and when an answer was wrapped.", lookup).attributes(lookup_only),
        route(Verb::Read, "wrapping/lookup", "Tells where and when an answer was wrapped.", lookup).attributes(lookup_only),
    ]
}

async fn wrap_fields(_: &mut Ctx, input: AnyFields) -> Result<Output> {
    Ok(Output::raw_data(input.object_text()))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ByToken {
    token: Text,
}
impl Input for ByToken {
    const FIELDS: &'static [Field] = &[field::<Text>("token", "The wrapping token; the request's own when left out.")];
}

const GONE: &str = "wrapping token is not valid or does not exist";

/// The wrapping token that a request means: the one in its body, or its own.
async fn wrapping_token(ctx: &Ctx, call: &SystemCall, input: ByToken) -> Result<Arc<LiveToken>> {
    let own = call.token_text.as_ref().map(SecretString::duplicate).unwrap_or_default();
    let text = if input.token.0.is_empty() { own } else { SecretString::new(input.token.0) };
    if text.is_empty() {
        return Err(Error::BadToken("error validating wrapping token: token is empty"));
    }
    let found = call.core.tokens.find(&text, ctx.now).await?;
    let is_wrapping = |t: &Arc<LiveToken>| t.entry.grant.policies == [acl::RESPONSE_WRAPPING];
    found.filter(is_wrapping).ok_or_else(|| Error::invalid(GONE))
}

/// The wrapping token to be used up. One in the body is for somebody who has a live token besides; alone it is sent as the
/// request's own.
async fn spendable(ctx: &Ctx, call: &SystemCall, input: ByToken) -> Result<Arc<LiveToken>> {
    let live = wrapping_token(ctx, call, input).await?;
    match call.token {
        Some(_) => Ok(live),
        None => Err(Error::BadToken("permission denied")),
    }
}

/// Takes the stored answer out and ends the token, in this transaction: of two who try, one gets it.
async fn take(ctx: &mut Ctx, live: &LiveToken) -> Result<String> {
    let family = &live.entry.family;
    let place = token::private(family).name(wrap::RESPONSE);
    let stored = ctx.get(&place).await?.ok_or_else(|| Error::invalid(GONE))?;
    // INVARIANT: the read becomes a precondition, so a token that somebody else ends meanwhile gives out nothing here.
    ctx.txn.get(token::key(family).as_bytes()).await?.ok_or_else(|| Error::invalid(GONE))?;
    token::drop_alone_in(&mut ctx.txn, &live.entry);
    ctx.delete(place);
    let stored: wrap::Stored<'_> = serde_json::from_slice(stored.value()).map_err(|_| Error::invalid(GONE))?;
    Ok(stored.response.into_owned())
}

async fn unwrap(ctx: &mut Ctx, input: ByToken) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let live = spendable(ctx, &call, input).await?;
    let text = take(ctx, &live).await?;
    Ok(Output { body: Body::Whole(text.into_bytes()), ..Output::default() })
}

async fn rewrap(ctx: &mut Ctx, input: ByToken) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let live = spendable(ctx, &call, input).await?;
    let (text, made) = (Zeroizing::new(take(ctx, &live).await?), &live.entry);
    let view = wrap::wrap(&call.core, ctx, &made.path, made.life.creation_ttl, text.as_bytes(), made.wraps.clone()).await?;
    Ok(Output { body: Body::Whole(crate::stage::answer::wrap_envelope(&view)), ..Output::default() })
}

async fn lookup(ctx: &mut Ctx, input: ByToken) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let live = wrapping_token(ctx, &call, input).await?;
    let made = &live.entry;
    Output::data(&json!({
        "creation_path": made.path,
        "creation_time": made.life.created.rfc3339(),
        "creation_ttl": made.life.creation_ttl.as_s(),
    }))
}
