//! `sys/storage/snapshot`: takes, verifies and restores snapshots of the store.

use strongroom_barrier::{Keys, SnapshotHeader};
use strongroom_engine::{Attributes, Body, Ctx, Error, NoFields, Output, Result, Route, Streamed, Verb, route};

use crate::{SystemCall, snapshot};

const SHOWN: &[&str] = &["format", "server_version", "created", "revision", "entry_count", "content_bytes", "sha256"];
const CONTENT_TYPE: &str = "application/octet-stream";

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, never_wrapped: true, ..Attributes::default() };
    let acts = Attributes { once: true, ..sudo };
    let both = |own: &'static str, known: &'static str| {
        [
            route(Verb::Read, own, "Takes a snapshot of the whole store, values sealed.", save)
                .attributes(sudo)
                .shows(SHOWN)
                .produces(&[CONTENT_TYPE]),
            route(Verb::Write, own, "Puts a snapshot of this server's keys in the store's place.", restore)
                .attributes(acts)
                .shows(SHOWN),
            route(Verb::Write, known, "Puts a snapshot of any keys in the store's place, and seals.", force)
                .attributes(acts)
                .shows(SHOWN),
        ]
    };
    let verify =
        route(Verb::Write, "storage/snapshot-verify", "Verifies a snapshot of this server's keys; changes nothing.", verify)
            .attributes(acts)
            .shows(SHOWN);
    let own = both("storage/snapshot", "storage/snapshot-force");
    // Where scripts for the reference look.
    let known = both("storage/raft/snapshot", "storage/raft/snapshot-force");
    own.into_iter().chain(known).chain([verify]).collect()
}

async fn save(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let saved = snapshot::take(&SystemCall::of(ctx)?.core.barrier, ctx.now).await?;
    let body = Streamed::new(CONTENT_TYPE, saved.bytes, saved.file, facts(&saved.header)?);
    Ok(Output { body: Body::Streamed(Box::new(body)), ..Output::default() })
}

async fn restore(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    put_in_place(ctx, Keys::Same).await
}

async fn force(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    put_in_place(ctx, Keys::Other).await
}

/// Everything but the last step, which follows when the answer is recorded.
async fn put_in_place(ctx: &mut Ctx, keys: Keys) -> Result<Output> {
    let checked = receive(ctx, keys).await?;
    let mut output = Output::raw_data(facts(checked.header())?);
    output.system.get_or_insert_default().restore = Some(std::sync::Mutex::new(checked));
    Ok(output)
}

async fn verify(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    Ok(Output::raw_data(facts(receive(ctx, Keys::Same).await?.header())?))
}

async fn receive(ctx: &mut Ctx, keys: Keys) -> Result<strongroom_barrier::Checked> {
    let call = SystemCall::of(ctx)?;
    let pieces = call.upload.take().ok_or_else(|| Error::invalid("the body must be a snapshot"))?;
    snapshot::receive(&call.core.barrier, pieces, keys).await
}

fn facts(header: &SnapshotHeader) -> Result<Vec<u8>> {
    serde_json::to_vec(header).map_err(|e| Error::Internal(format!("encoding a snapshot's header: {e}")))
}
