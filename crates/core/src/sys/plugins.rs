//! `sys/plugins/`: the catalogue. Every plug-in is part of the program, so registering one is refused.

use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_engine::{
    Attributes, Builtin, Ctx, EngineKind, Error, Field, Input, List, NoFields, Output, Result, Route, Text, Verb, field, route,
};
use strongroom_types::uuid_v4;

use crate::{Core, SystemCall};

const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"), "+builtin");
const KINDS: [&str; 3] = ["auth", "database", "secret"];

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "plugins/catalog", "Lists the plug-ins by kind.", all),
        route(Verb::List, "plugins/catalog/{kind}/", "Lists the plug-ins of one kind.", of_kind).attributes(sudo),
        route(Verb::Read, "plugins/catalog/{path..}", "Shows a plug-in.", one).attributes(sudo),
        route(Verb::Write, "plugins/catalog/{path..}", "Refuses: plug-ins are built in.", register).attributes(sudo),
        route(Verb::Delete, "plugins/catalog/{path..}", "Does nothing: plug-ins are built in.", deregister).attributes(sudo),
        route(Verb::Write, "plugins/reload/backend", "Makes the engines of this node anew.", reload),
    ]
}

fn kind_of(builtin: &Builtin) -> &'static str {
    match builtin.kind {
        EngineKind::Auth => "auth",
        EngineKind::Secrets => "secret",
    }
}

/// What can be mounted, sorted by kind and name. The core's own engines are no plug-ins.
fn catalogue(core: &Core) -> Vec<(&'static str, &'static str)> {
    let builtins = core.mounts.builtins().filter(|b| !matches!(b.name, "system" | "token" | "cubbyhole" | "identity"));
    let mut all: Vec<_> = builtins.map(|b| (kind_of(b), b.name)).collect();
    all.sort_unstable();
    all
}

fn names(core: &Core, kind: &str) -> Vec<&'static str> {
    catalogue(core).into_iter().filter(|(k, _)| *k == kind).map(|(_, name)| name).collect()
}

async fn all(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let core = &SystemCall::of(ctx)?.core;
    let detail = |(kind, name): (&str, &str)| json!({ "type": kind, "name": name, "version": VERSION, "builtin": true, "deprecation_status": "supported" });
    let detailed: Vec<Value> = catalogue(core).into_iter().map(detail).collect();
    let mut shown: serde_json::Map<_, _> = KINDS.iter().map(|kind| ((*kind).to_owned(), json!(names(core, kind)))).collect();
    shown.insert("detailed".into(), json!(detailed));
    Output::data(&shown)
}

#[derive(Deserialize)]
pub struct OfKind {
    kind: String,
}
impl Input for OfKind {
    const FIELDS: &'static [Field] = &[field::<String>("kind", "`auth`, `database` or `secret`.").clear()];
}

async fn of_kind(ctx: &mut Ctx, input: OfKind) -> Result<Output> {
    if !KINDS.contains(&input.kind.as_str()) {
        return Err(Error::UnsupportedOperation);
    }
    Output::data(&json!({ "keys": names(&SystemCall::of(ctx)?.core, &input.kind) }))
}

#[derive(Deserialize)]
pub struct AtPath {
    path: String,
}
impl Input for AtPath {
    const FIELDS: &'static [Field] = &[field::<String>("path", "KIND/NAME.").clear()];
}

async fn one(ctx: &mut Ctx, input: AtPath) -> Result<Output> {
    let (kind, name) = input.path.split_once('/').ok_or(Error::NotFound)?;
    let found = names(&SystemCall::of(ctx)?.core, kind).into_iter().find(|known| *known == name).ok_or(Error::NotFound)?;
    Output::data(&json!({
        "name": found, "version": VERSION, "builtin": true, "deprecation_status": "supported",
        "args": null, "command": "", "sha256": "", "oci": false, "declarative": false,
    }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Register {
    path: String,
    sha256: Text,
    sha_256: Text,
    command: Text,
    args: List,
    env: List,
    version: Text,
}
impl Input for Register {
    const FIELDS: &'static [Field] = &[
        field::<String>("path", "KIND/NAME.").clear(),
        field::<Text>("sha256", "Checked for its form."),
        field::<Text>("sha_256", "The same under its older name."),
        field::<Text>("command", "Checked for being there."),
        field::<List>("args", "Not looked at."),
        field::<List>("env", "Not looked at."),
        field::<Text>("version", "Not looked at."),
    ];
}

/// Mistakes are told before the refusal, as the reference does.
async fn register(_: &mut Ctx, input: Register) -> Result<Output> {
    let sum = if input.sha256.0.is_empty() { &input.sha_256.0 } else { &input.sha256.0 };
    if sum.is_empty() {
        return Err(Error::invalid("missing SHA-256 value"));
    }
    if input.command.0.is_empty() {
        return Err(Error::invalid("missing command value"));
    }
    let sum = hex::decode(sum).map_err(|_| Error::invalid("Could not decode SHA-256 value from Hex"))?;
    if sum.len() != 32 {
        return Err(Error::invalid("Decoded SHA-256 value is not 32 bytes"));
    }
    Err(Error::invalid("external plugins are not supported: all engines are built in"))
}

async fn deregister(_: &mut Ctx, _: AtPath) -> Result<Output> {
    Ok(Output::nothing())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Reload {
    plugin: Text,
    mounts: List,
    scope: Text,
}
impl Input for Reload {
    const FIELDS: &'static [Field] = &[
        field::<Text>("plugin", "Type of the engines to make anew.").clear(),
        field::<List>("mounts", "Mounts whose engines are made anew.").clear(),
        field::<Text>("scope", "Accepted: only this node is concerned.").clear(),
    ];
}

/// Engines keep their state in the store, so all of them are made anew by the next request, whichever are named.
async fn reload(ctx: &mut Ctx, input: Reload) -> Result<Output> {
    let core = &SystemCall::of(ctx)?.core;
    match (input.plugin.0.is_empty(), input.mounts.0.is_empty()) {
        (true, true) => return Err(Error::invalid("plugin or mounts must be provided")),
        (false, false) => return Err(Error::invalid("plugin and mounts cannot be set at the same time")),
        (false, true) if core.mounts.builtin(&input.plugin.0).is_none() => {
            return Err(Error::invalid("plugin not found in the catalog"));
        }
        _ => {}
    }
    let table = core.mounts.current().await?;
    if input.mounts.0.iter().any(|path| table.exact(&super::mounts::with_slash(path)).is_none()) {
        return Err(Error::InvalidListed("cannot fetch mount entry: `mounts` names a path that is no mount".into()));
    }
    core.mounts.changed();
    Output::data(&json!({ "reload_id": uuid_v4(ctx.rng.as_ref()) }))
}
