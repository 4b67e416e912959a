//! Stages 6 and 7: the handler and what is bound to its answer, in one transaction that is run again on conflict and
//! committed once. Nothing is visible and nothing is lost before the commit; nothing half is there after it.

use std::sync::Arc;

use strongroom_barrier::{Intent, Txn};
use strongroom_engine::{Ctx, Error, Output, Peek, Result, TokenKind, Verb};

use super::bind::{Bound, bind};
use super::judge::Permitted;
use super::route::Target;
use super::{Recorded, help, judge};
use crate::lease;
use crate::lockout;
use crate::mount::Mount;
use crate::token::{self, LiveToken, TokenEntry};
use crate::{Core, SystemCall};

/// Runs of one request before a conflict is given back to the caller. A lost race shows at once and a new try takes
/// microseconds, so that even 64 writers of one key all get through.
const TRIES_MAX: u32 = 64;

/// What became of a request that was recorded.
pub enum Done {
    /// The handler's answer or error; a commit stands behind an answer.
    Answered { permitted: Permitted, result: Box<Result<Bound>> },
    /// The entry came or went since judgement: judge again.
    Changed(Permitted),
}

pub async fn execute(core: &Arc<Core>, recorded: Recorded) -> Done {
    let mut permitted = recorded.into_permitted();
    if permitted.routed.target.attributes().once {
        let result = Box::new(Box::pin(once(core, &permitted)).await);
        return Done::Answered { permitted, result };
    }
    let mut attempt = match attempt(core, &permitted).await {
        Ok(attempt) => attempt,
        Err(error) => return Done::Answered { permitted, result: Box::new(Err(error)) },
    };
    let mut started = permitted.judgement.absent.take();
    let mut result = Err(Error::Barrier(strongroom_barrier::Error::Conflict));
    for _ in 0..TRIES_MAX {
        let txn = started.take().map_or_else(|| core.view.txn(intent(permitted.routed.admitted.verb)), |txn| *txn);
        result = run(core, &permitted, txn, None, attempt.as_mut()).await;
        if !matches!(result, Err(Error::Barrier(strongroom_barrier::Error::Conflict))) {
            break;
        }
        // Another node may have won: trying again before its change is known here would lose again.
        if let Err(e) = core.view.catch_up().await {
            result = Err(e.into());
            break;
        }
    }
    if let Some(attempt) = attempt {
        // INVARIANT: a wrong guess is counted before its answer leaves.
        result = Box::pin(lockout::settle(core, attempt, &result)).await.and(result);
    }
    match result {
        Ok(Some(bound)) => Done::Answered { permitted, result: Box::new(Ok(bound)) },
        Ok(None) => Done::Changed(permitted),
        Err(error) => {
            let result = Box::pin(spend_use(core, payer(&permitted))).await.and(Err(error));
            Done::Answered { permitted, result: Box::new(result) }
        }
    }
}

/// For a login by a secret that can be guessed: may this name be tried now. Before the handler, so that a locked name's
/// credentials are not looked at.
async fn attempt(core: &Core, permitted: &Permitted) -> Result<Option<lockout::Attempt>> {
    let (Target::Route { mount, rest, .. }, Some(route)) = (&permitted.routed.target, permitted.routed.target.route()) else {
        return Ok(None);
    };
    if permitted.routed.admitted.help {
        return Ok(None);
    }
    match route.login_name(&permitted.routed.admitted.fields, rest) {
        Some(name) => lockout::admit(core, mount, &name).await,
        None => Ok(None),
    }
}

/// A handler that acts outside its transaction. Nothing that it commits can be in conflict with the token's use.
async fn once(core: &Arc<Core>, permitted: &Permitted) -> Result<Bound> {
    let paid = pay(core, payer(permitted)).await?;
    let txn = core.view.txn(intent(permitted.routed.admitted.verb));
    run(core, permitted, txn, Some(paid), None).await?.ok_or(Error::Barrier(strongroom_barrier::Error::Conflict))
}

/// One try. None when create or update no longer holds.
async fn run(
    core: &Arc<Core>,
    permitted: &Permitted,
    mut txn: Txn,
    paid: Option<Charged>,
    attempt: Option<&mut lockout::Attempt>,
) -> Result<Option<Bound>> {
    let Target::Route { mount, rest, .. } = &permitted.routed.target else {
        return Err(Error::Internal("executing a request without a route".into()));
    };
    let Some(route) = permitted.routed.target.route() else {
        return Err(Error::Internal("executing a request without a route".into()));
    };
    if permitted.routed.admitted.help {
        return Ok(Some(Bound::of(help::help(mount, rest, route)?)));
    }
    let charged = match paid {
        Some(charged) => charged,
        None => charge(&mut txn, payer(permitted)).await?,
    };
    if route.attributes.rests_on_token {
        rest_on_token(&mut txn, &charged).await?;
    }

    if route.has_existence_check() {
        let peek = Peek::within(txn, mount.facts.clone());
        let operation = route.operation(&peek, rest).await?;
        if operation != permitted.judgement.operation {
            return Ok(None);
        }
        txn = peek.into_txn().ok_or_else(|| Error::Internal("a transaction was lost".into()))?;
    }
    let mut ctx = context(core, permitted, mount, rest, txn, &charged);
    let mut output = route.run(&mut ctx, &permitted.routed.admitted.fields).await?;
    if let Some(attempt) = attempt {
        attempt.accepted();
    }
    output.revoked.extend(charged.ended);
    let bound = bind(core, permitted, &mut ctx, output).await?;
    ctx.txn.commit().await?;
    // INVARIANT: children of an ended token are dead before the answer leaves.
    if !bound.output.revoked.is_empty() {
        Box::pin(token::end_trees(core, bound.output.revoked.clone())).await?;
    }
    if let Some(system) = &bound.output.system {
        lease::jobs::grace(core, &system.jobs).await;
    }
    Ok(Some(bound))
}

/// Writers may build on what waits in the commit queue; readers see committed values only.
fn intent(verb: Option<Verb>) -> Intent {
    match verb {
        Some(Verb::Write | Verb::Patch | Verb::Delete) => Intent::Write,
        _ => Intent::Read,
    }
}

/// The token that this request uses. On a path that needs none, a token that came along is not used.
fn payer(permitted: &Permitted) -> Option<&Arc<LiveToken>> {
    permitted.token.as_ref().filter(|_| !permitted.routed.target.attributes().no_token)
}

/// A token after this use was counted.
struct Charged {
    token: Option<Arc<LiveToken>>,
    was_limited: bool,
    is_last_use: bool,
    /// Families that ended by it.
    ended: Vec<String>,
}

/// INVARIANT: of a write for a token and the token's end, whichever commits second sees the other: the write is refused, or its
/// entry is found and wiped. The record of a limited token was read for its use; a batch token has none.
async fn rest_on_token(txn: &mut Txn, charged: &Charged) -> Result<()> {
    let stored = charged.token.as_ref().filter(|live| live.caller.kind == TokenKind::Service && !charged.was_limited);
    let Some(live) = stored else { return Ok(()) };
    let found = txn.get(token::key(&live.entry.family).as_bytes()).await?;
    found.map(drop).ok_or(Error::BadToken("permission denied"))
}

/// Counts one use of a limited token in the request's own transaction, so that the last use happens once.
async fn charge(txn: &mut Txn, token: Option<&Arc<LiveToken>>) -> Result<Charged> {
    let unlimited = |token: Option<&Arc<LiveToken>>| Charged {
        token: token.cloned(),
        was_limited: false,
        is_last_use: false,
        ended: Vec::new(),
    };
    let Some(live) = token.filter(|t| t.entry.grant.uses_left > 0) else { return Ok(unlimited(token)) };
    let family = &live.entry.family;
    let found = txn.get(token::key(family).as_bytes()).await?.ok_or(Error::BadToken("permission denied"))?;
    let mut entry: TokenEntry = token::decode(found.value())?;
    entry.grant.uses_left = entry.grant.uses_left.saturating_sub(1);
    let is_last_use = entry.grant.uses_left == 0;
    let mut ended = Vec::new();
    if is_last_use {
        token::drop_in(txn, &entry);
        ended.push(family.clone());
    } else {
        let bytes = serde_json::to_vec(&entry).map_err(|e| Error::Internal(format!("encoding a token: {e}")))?;
        txn.put(token::key(family).into_bytes(), bytes);
    }
    let token = Some(Arc::new(LiveToken::new(entry, live.caller.kind)));
    Ok(Charged { token, was_limited: true, is_last_use, ended })
}

/// Counts the use of a request that was refused or failed: trying costs a use too.
pub async fn spend_use(core: &Core, token: Option<&Arc<LiveToken>>) -> Result<()> {
    match pay(core, token).await {
        Ok(_) | Err(Error::BadToken(_)) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Counts one use in a commit of its own. Errors: `BadToken` when the token has ended since.
async fn pay(core: &Core, token: Option<&Arc<LiveToken>>) -> Result<Charged> {
    for _ in 0..TRIES_MAX {
        let mut txn = core.view.txn(Intent::Write);
        let mut charged = charge(&mut txn, token).await?;
        if !charged.was_limited {
            return Ok(charged);
        }
        match txn.commit().await {
            Err(strongroom_barrier::Error::Conflict) => core.view.catch_up().await?,
            Err(other) => return Err(other.into()),
            Ok(_) => {
                token::end_trees(core, std::mem::take(&mut charged.ended)).await?;
                return Ok(charged);
            }
        }
    }
    Err(Error::Barrier(strongroom_barrier::Error::Conflict))
}

fn context(core: &Arc<Core>, permitted: &Permitted, mount: &Arc<Mount>, rest: &str, txn: Txn, charged: &Charged) -> Ctx {
    let admitted = &permitted.routed.admitted;
    let system = mount.is_system().then(|| -> Arc<dyn std::any::Any + Send + Sync> {
        Arc::new(SystemCall {
            core: core.clone(),
            token: charged.token.clone().or_else(|| permitted.token.clone()),
            token_text: admitted.headers.token.as_ref().map(strongroom_types::SecretString::duplicate),
            was_limited: charged.was_limited,
            upload: admitted.upload.clone(),
            is_last_use: charged.is_last_use,
        })
    });
    Ctx {
        txn,
        mount: mount.facts.clone(),
        operation: permitted.judgement.operation,
        path: rest.to_owned(),
        caller: judge::caller(charged.token.as_ref()),
        now: admitted.received,
        lifetimes: core.lifetimes_of(&mount.facts),
        rng: core.rng.clone(),
        remote: admitted.peer.address.map(|a| a.ip()),
        pool: core.pool.clone(),
        has_sudo: permitted.judgement.has_sudo,
        system,
    }
}

/// An answer that has nothing to bind.
impl Bound {
    pub fn of(output: Output) -> Self {
        Self { output, auth: None, lease: None, is_new_lease: false, wrap: None, issued: None }
    }
}
