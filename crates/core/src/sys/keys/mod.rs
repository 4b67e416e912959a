//! `sys/key-status`, `sys/rotate`, `sys/rekey`, `sys/generate-root`, `sys/seal`: the keys of the whole server.

mod generate_root;
mod rekey;
mod rekey_routes;
mod rotation;

pub use rekey::seal_config;

use std::sync::atomic::Ordering;

use serde_json::json;
use strongroom_engine::{Attributes, Body, Ctx, Error, NoFields, Output, Result, Route, Verb, route};
use strongroom_pgp::Recipient;
use strongroom_types::Timestamp;

use crate::{SystemCall, keys};

const STATUS: &[&str] = &["term", "install_time", "encryptions"];

pub fn routes() -> Vec<Route> {
    // These act on the barrier itself, and not in the request's transaction.
    let sudo = Attributes { sudo: true, once: true, ..Attributes::default() };
    let mut routes = vec![
        route(Verb::Read, "key-status", "Shows the current term of the keyring.", status).shows(STATUS),
        route(Verb::Write, "rotate", "Adds a term to the keyring.", rotate).attributes(sudo),
        route(Verb::Write, "rotate/keyring", "Adds a term to the keyring.", rotate).attributes(sudo),
        route(Verb::Write, "seal", "Seals the server.", seal).attributes(sudo),
    ];
    routes.extend(rotation::routes());
    routes.extend(rekey_routes::routes());
    routes.extend(generate_root::routes());
    routes
}

async fn status(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let status = keys::rotation::status(&call.core).await?;
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

/// An answer without an envelope, as the endpoints have it that need no token.
fn bare(value: &impl serde::Serialize) -> Result<Output> {
    let mut bytes = serde_json::to_vec(value).map_err(|e| Error::Internal(format!("encoding an answer: {e}")))?;
    bytes.push(b'\n');
    Ok(Output { body: Body::Whole(bytes), ..Output::default() })
}

/// Reads OpenPGP public keys. Errors: `Invalid` that says which one.
pub fn recipients(texts: &[String], now: Timestamp) -> Result<Vec<Recipient>> {
    let numbered = texts.iter().zip(1u32..);
    numbered
        .map(|(text, number)| {
            Recipient::read(text, now).map_err(|e| Error::invalid(format!("error decoding given PGP key: key {number}: {e}")))
        })
        .collect()
}
