//! The pipeline: every request that reaches an unsealed server goes through these stages, in this order, and leaves by
//! one exit. Each stage's type is made by that stage alone, so skipping one does not compile.

use std::sync::Arc;

use strongroom_engine::{Error, Result};
use strongroom_types::uuid_v4;

use crate::Core;
use crate::lease;
use crate::metrics::Refusal;
use crate::stage::bind::Bound;
use crate::stage::execute::{Done, execute, spend_use};
use crate::stage::judge::{Permitted, judge_again};
use crate::stage::{Admitted, Known, Refused, admit, answer, identify, judge, record, route};
use crate::token;
use crate::wire::{Answer, RawHeaders, Request};

/// Judgements of one request before an entry that keeps coming and going is given back to the caller.
const JUDGEMENTS_MAX: u32 = 4;

/// Answers one request. Never fails: what goes wrong becomes an answer too.
pub async fn handle(core: &Arc<Core>, request: Request) -> Answer {
    let id = uuid_v4(core.rng.as_ref());
    let _flight = core.flights.begin(&id, core.clock.now(), &request);
    let raw = request.headers.raw.clone();
    // 1. What is malformed or oversized is refused before anything is looked up.
    let admitted = match admit::admit(id.clone(), core.clock.now(), request) {
        Ok(admitted) => admitted,
        Err(reason) => return Box::pin(not_admitted(core, &id, &raw, reason)).await,
    };
    let exit = match attempt(core, admitted).await {
        Ok((permitted, result)) => Exit { known: permitted.into_known(), result },
        Err(refused) => {
            let spent = Box::pin(spend_use(core, refused.known.token.as_ref())).await;
            Exit { known: *refused.known, result: spent.and(Err(refused.error)) }
        }
    };
    leave(core, id, exit).await
}

/// Stages 2 to 7.
async fn attempt(core: &Arc<Core>, admitted: Box<Admitted>) -> std::result::Result<(Permitted, Result<Bound>), Refused> {
    // 2. The place, so that the next stages know what the path asks for.
    let routed = route::route(core, admitted).await?;
    // 3. The caller, because a judgement is about somebody.
    let identified = identify::identify(core, routed).await?;
    // 4. The judgement, before anything of the engine runs.
    let mut permitted = judge::judge(core, identified).await?;
    for _ in 0..JUDGEMENTS_MAX {
        // 5. The record, before the effect: what cannot be recorded does not happen.
        let recorded = record::request(core, permitted).await?;
        // 6 and 7. The effect and what is bound to it, in one commit.
        match execute(core, recorded).await {
            Done::Answered { permitted, result } => return Ok((permitted, *result)),
            Done::Changed(before) => permitted = judge_again(core, before).await?,
        }
    }
    let conflict = Error::Barrier(strongroom_barrier::Error::Conflict);
    Err(Refused { error: conflict, known: Box::new(permitted.into_known()) })
}

/// What a request leaves with.
struct Exit {
    known: Known,
    result: Result<Bound>,
}

/// 8 and 9. Every answer is recorded before it leaves; one that cannot be recorded is taken back.
async fn leave(core: &Core, id: String, exit: Exit) -> Answer {
    let now = core.clock.now();
    core.metrics.answered(&exit.known, exit.result.as_ref(), now);
    let recorded = record::response(core, (&id, now), &exit.known, exit.result.as_ref()).await;
    match (recorded, exit.result) {
        (Ok(()), Ok(mut bound)) => {
            if let Some(afterwards) = bound.output.afterwards.take() {
                afterwards.run(true).await;
            }
            let restore = bound.output.system.as_mut().and_then(|system| system.restore.take());
            let restore = restore.and_then(|checked| checked.into_inner().ok()).map(Box::new);
            Answer { restore, ..answer::success(&id, &bound) }
        }
        (Ok(()), Err(error)) => {
            log_failure(&id, &error);
            answer::failure(&id, error)
        }
        (Err(unrecorded), result) => {
            tracing::error!(request_id = id, "response could not be audited: {unrecorded}");
            Box::pin(take_back(core, result.ok())).await;
            answer::failure(&id, Error::Internal("response could not be audited".into()))
        }
    }
}

/// Ends what an unrecorded answer would have handed out. Nobody has seen it: the answer never left.
async fn take_back(core: &Core, bound: Option<Bound>) {
    let Some(mut bound) = bound else { return };
    if let Some(afterwards) = bound.output.afterwards.take() {
        afterwards.run(false).await;
    }
    if let Some(family) = bound.issued
        && let Err(e) = token::revoke(core, &family).await
    {
        tracing::error!("token of an unaudited answer could not be revoked, it stays unused until it expires: {e}");
    }
    if let Some(lease) = bound.lease.filter(|_| bound.is_new_lease)
        && let Err(e) = lease::revoke::queue_one(core, &lease.id).await
    {
        tracing::error!(lease_id = lease.id, "lease of an unaudited answer could not be revoked, it stays until it expires: {e}");
    }
}

/// Answers, and records, what must not reach the first stage.
pub async fn turn_away(core: &Core, raw: &RawHeaders, reason: admit::NotAdmitted) -> Answer {
    not_admitted(core, &uuid_v4(core.rng.as_ref()), raw, reason).await
}

async fn not_admitted(core: &Core, id: &str, raw: &RawHeaders, reason: admit::NotAdmitted) -> Answer {
    core.metrics.refused(Refusal::Malformed);
    match record::not_admitted(core, id, raw, &reason).await {
        Ok(()) => answer::not_admitted(id, reason),
        Err(e) => {
            tracing::error!(request_id = id, "refusal could not be audited: {e}");
            answer::failure(id, Error::Internal("refusal could not be audited".into()))
        }
    }
}

/// The caller of a failure sees no detail; the operator finds it by the request id.
fn log_failure(id: &str, error: &Error) {
    if error.status() >= 500 {
        tracing::error!(request_id = id, "request failed: {error}");
    }
}
