//! `sys/locked-users`: who is locked out, and letting somebody in again.

use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_engine::{Ctx, Error, Field, Input, Output, Result, Route, Text, Verb, field, route};

use crate::SystemCall;
use crate::lockout::{self, Locked};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Read, "locked-users", "Lists the names that are locked after failed logins.", list).shows(&["total"]),
        route(Verb::Write, "locked-users/{target..}", "`ACCESSOR/unlock/NAME` lets a name log in again.", unlock).folds(folded),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Query {
    mount_accessor: Text,
}
impl Input for Query {
    const FIELDS: &'static [Field] = &[field::<Text>("mount_accessor", "Only this auth mount.").clear()];
}

async fn list(ctx: &mut Ctx, input: Query) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let wanted = input.mount_accessor.0;
    let mounts: Vec<_> = call.core.mounts.current().await?.sorted().into_iter().filter(|m| m.has_lockout()).cloned().collect();
    let (mut shown, mut total) = (Vec::new(), 0usize);
    for mount in mounts.iter().filter(|m| wanted.is_empty() || m.entry.accessor == wanted) {
        let locked = lockout::locked(&call.core, mount).await?;
        total = total.saturating_add(locked.count);
        if locked.count > 0 {
            shown.push(mount_shown(&mount.entry.accessor, &locked));
        }
    }
    if shown.is_empty() && !wanted.is_empty() {
        shown.push(mount_shown(&wanted, &Locked::default()));
    }
    let root = json!({ "namespace_id": "root", "namespace_path": "", "counts": total, "mount_accessors": shown });
    Output::data(&json!({ "by_namespace": [root], "total": total }))
}

fn mount_shown(accessor: &str, locked: &Locked) -> Value {
    let names = (locked.count > 0).then_some(&locked.names);
    json!({ "mount_accessor": accessor, "counts": locked.count, "alias_identifiers": names })
}

#[derive(Deserialize)]
struct Target {
    target: String,
}
impl Input for Target {
    const FIELDS: &'static [Field] = &[field::<String>("target", "`ACCESSOR/unlock/NAME`.").clear()];
}

fn folded(target: &str) -> Option<String> {
    let (accessor, name) = target.split_once("/unlock/")?;
    Some(format!("{accessor}/unlock/{}", name.to_lowercase()))
}

/// A name that is not locked is no error.
async fn unlock(ctx: &mut Ctx, input: Target) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let (accessor, name) = input.target.split_once("/unlock/").ok_or(Error::UnsupportedPath)?;
    let mount = call.core.mounts.current().await?.by_accessor(accessor).filter(|m| m.has_lockout()).cloned();
    let mount = mount.ok_or_else(|| Error::invalid("no auth mount that locks names has this accessor"))?;
    lockout::unlock(ctx, &call.core, &mount, name).await?;
    Ok(Output::nothing())
}
