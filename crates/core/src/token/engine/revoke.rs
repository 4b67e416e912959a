//! Ending tokens on request. The pipeline ends what hangs on them before it answers.

use strongroom_barrier::Txn;
use strongroom_engine::{Ctx, Error, NoFields, Output, Result, TokenKind};
use strongroom_types::SecretString;

use super::{ByAccessor, ByToken};
use crate::SystemCall;
use crate::token::revoke::{decode, drop_again_in, drop_in, drop_sparing_children_in};
use crate::token::{self, LiveToken, TokenEntry};

pub async fn own(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let live = call.token.clone().ok_or(Error::Denied)?;
    end(ctx, &live).await
}

pub async fn by_token(ctx: &mut Ctx, input: ByToken) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if input.token.0.is_empty() {
        return Err(Error::invalid("missing token ID"));
    }
    let text = SecretString::new(input.token.0);
    match call.core.tokens.find(&text, ctx.now).await? {
        Some(live) => end(ctx, &live).await,
        None => Ok(gone(call.core.tokens.family_of(&text))),
    }
}

pub async fn by_accessor(ctx: &mut Ctx, input: ByAccessor) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if input.accessor.0.is_empty() {
        return Err(Error::InvalidListed("missing accessor".into()));
    }
    match call.core.tokens.by_family(&input.accessor.0, ctx.now).await? {
        Some(live) => end(ctx, &live).await,
        None => {
            let revoked = token::is_family(&input.accessor.0).then(|| input.accessor.0.clone());
            let output = Output::raw_data(b"null".to_vec()).warn("No token found with this accessor");
            Ok(Output { revoked: gone(revoked).revoked, ..output })
        }
    }
}

/// A token that ended already, perhaps a moment ago: what is left below it ends before the answer.
fn gone(family: Option<String>) -> Output {
    Output { revoked: family.into_iter().collect(), ..Output::default() }
}

pub async fn orphan(ctx: &mut Ctx, input: ByToken) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if input.token.0.is_empty() {
        return Err(Error::invalid("missing token ID"));
    }
    let found = call.core.tokens.find(&SecretString::new(input.token.0), ctx.now).await?;
    let live = found.ok_or_else(|| Error::invalid("token to revoke not found"))?;
    end_by(ctx, &live, drop_sparing_children_in).await
}

/// Compares indexes and records in the background. Expired tokens need no tidying.
pub async fn tidy(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let text = if crate::task::request_tidy(ctx).await? {
        "Tidy operation successfully started. Any information from the operation will be printed to the server logs."
    } else {
        "Tidy operation already in progress."
    };
    Ok(Output { status: Some(202), ..Output::raw_data(b"null".to_vec()).warn(text) })
}

async fn end(ctx: &mut Ctx, live: &LiveToken) -> Result<Output> {
    end_by(ctx, live, drop_in).await
}

async fn end_by(ctx: &mut Ctx, live: &LiveToken, drop_in: fn(&mut Txn, &TokenEntry)) -> Result<Output> {
    if live.caller.kind == TokenKind::Batch {
        return Err(Error::invalid("batch tokens cannot be revoked"));
    }
    let family = &live.entry.family;
    // Read in the transaction: a renewal meanwhile moved the index entry that must go too.
    match ctx.txn.get(token::key(family).as_bytes()).await? {
        Some(found) => drop_in(&mut ctx.txn, &decode(found.value())?),
        None => drop_again_in(&mut ctx.txn, &live.entry),
    }
    Ok(Output { revoked: vec![family.clone()], ..Output::default() })
}
