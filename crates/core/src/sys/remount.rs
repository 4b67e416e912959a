//! `sys/remount`: moves a mount to another path. Its keys do not hold the path, so the move is one small batch.

use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{Attributes, Ctx, Error, Field, Input, Key, Output, Result, Route, Text, Verb, field, route};
use strongroom_types::uuid_v4;

use super::mounts::{mount_path, with_slash};
use crate::SystemCall;
use crate::lease::jobs::{self, Job};
use crate::mount::{self, MountEntry, protected};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Write, "remount", "Moves a mount.", remount).attributes(Attributes { sudo: true, ..Attributes::default() }),
        route(Verb::Read, "remount/status/{migration_id}", "Shows how a move went.", status),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Remount {
    from: Text,
    to: Text,
}
impl Input for Remount {
    const FIELDS: &'static [Field] =
        &[field::<Text>("from", "Where the mount is.").clear(), field::<Text>("to", "Where it shall be.").clear()];
}

fn record(id: &str) -> Key {
    Key::area("e").name(id)
}

async fn remount(ctx: &mut Ctx, input: Remount) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if input.from.0.is_empty() || input.to.0.is_empty() {
        return Err(Error::invalid("both 'from' and 'to' path must be specified as a string"));
    }
    let (from, to) = (with_slash(&input.from.0), mount_path(&input.to.0)?);
    let is_auth = from.starts_with("auth/");
    if (protected(&from) && !is_auth) || from == "auth/token/" {
        return Err(Error::invalid(format!("cannot remount {from:?}")));
    }
    if to.starts_with("auth/") != is_auth || (protected(&to) && !is_auth) {
        return Err(Error::invalid(format!("cannot remount to destination {to}")));
    }
    let mut entry: MountEntry =
        ctx.load(&mount::key(&from)).await?.ok_or_else(|| Error::invalid(format!("no matching mount at {from:?}")))?;
    if from == to || super::mounts::free_path(ctx, &call.core, &to).await.is_err() {
        return Err(Error::invalid(format!("path already in use at {to:?}")));
    }
    ctx.delete(mount::key(&from));
    entry.path.clone_from(&to);
    ctx.save(mount::key(&to), &entry)?;
    let id = uuid_v4(ctx.rng.as_ref());
    ctx.save(record(&id), &json!({ "source_mount": from, "target_mount": to, "status": "success" }))?;
    // What was given out under the old path ends, as its ids say nothing of the new one.
    let job = Job { below: from, mount: Some((entry.storage_id, entry.accessor)), until: ctx.now };
    let job = jobs::put_in(&mut ctx.txn, &id, &job)?;
    let output = Output::data(&json!({ "migration_id": id }))?.top_level().with_job(job);
    Ok(output.warn("Mount move is done. Its outcome can be read with the returned migration_id"))
}

#[derive(Deserialize)]
pub struct ById {
    migration_id: String,
}
impl Input for ById {
    const FIELDS: &'static [Field] = &[field::<String>("migration_id", "What the move answered.").clear()];
}

async fn status(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let info: serde_json::Value = ctx.load(&record(&input.migration_id)).await?.ok_or(Error::NotFound)?;
    Output::data(&json!({ "migration_id": input.migration_id, "migration_info": info }))
}
