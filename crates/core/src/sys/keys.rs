//! `sys/key-status`, `sys/rotate`, `sys/seal`: the barrier's keys.

use std::sync::atomic::Ordering;

use serde_json::json;
use strongroom_engine::{Attributes, Ctx, Error, NoFields, Output, Result, Route, Verb, route};

use crate::SystemCall;

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "key-status", "Shows the current term of the keyring.", status).shows(&[
            "term",
            "install_time",
            "encryptions",
        ]),
        route(Verb::Write, "rotate", "Adds a term to the keyring.", rotate).attributes(sudo),
        route(Verb::Write, "rotate/keyring", "Adds a term to the keyring.", rotate).attributes(sudo),
        route(Verb::Write, "seal", "Seals the server.", seal).attributes(sudo),
    ]
}

async fn status(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let status = SystemCall::of(ctx)?.core.barrier.key_status()?;
    let shown = json!({ "term": status.term, "install_time": status.installed_at.rfc3339(), "encryptions": status.encryptions });
    Ok(Output::data(&shown)?.top_level())
}

/// The barrier commits the new term by itself: nothing else may share that batch.
async fn rotate(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let core = &SystemCall::of(ctx)?.core;
    match core.barrier.rotate(ctx.now).await {
        Ok(term) => tracing::info!(term, "keyring rotated"),
        // Another node rotated at this moment: there is a new term, which is what was asked for.
        Err(strongroom_barrier::Error::Conflict) => {}
        Err(other) => return Err(Error::Barrier(other)),
    }
    Ok(Output::nothing())
}

/// Takes effect after this answer was recorded.
async fn seal(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    SystemCall::of(ctx)?.core.seal_requested.store(true, Ordering::Release);
    Ok(Output::nothing())
}
