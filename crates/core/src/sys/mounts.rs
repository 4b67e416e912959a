//! `sys/mounts`: enable, disable, list and show secrets engines.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use strongroom_engine::{
    Ctx, EngineKind, Error, Field, Flag, Input, NoFields, Options, Output, Present, Result, Route, StringMap, Text, TokenType,
    Verb, field, route,
};
use strongroom_types::{CanonicalPath, random_base62, uuid_v4};

use super::mount_settings::{Config, check_ttls, may_lock};
use crate::lease::Removal;
use crate::mount::{self, MountConfig, MountEntry, protected};
use crate::{SystemCall, identity};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Read, "mounts", "Lists the secrets engines.", list),
        route(Verb::Read, "mounts/{path..}", "Shows one secrets engine.", show),
        route(Verb::Write, "mounts/{path..}", "Enables a secrets engine.", enable),
        route(Verb::Delete, "mounts/{path..}", "Disables a secrets engine and deletes what it holds.", disable),
    ]
}

async fn list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    all_of(ctx, EngineKind::Secrets).await
}

pub async fn all_of(ctx: &Ctx, kind: EngineKind) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let table = call.core.mounts.current().await?;
    let name = |path: &str| path.strip_prefix("auth/").unwrap_or(path).to_owned();
    let mounts = table.sorted().into_iter().filter(|m| m.kind == kind);
    let shown: Map<String, Value> = mounts.map(|m| (name(&m.entry.path), Value::Object(m.entry.shown()))).collect();
    Ok(Output::data(&shown)?.top_level())
}

/// The path of a route, as a mount path.
#[derive(Deserialize)]
pub struct AtPath {
    pub path: String,
}
impl Input for AtPath {
    const FIELDS: &'static [Field] = &[field::<String>("path", "Where the engine is mounted.").clear()];
}

/// With one trailing slash.
pub fn with_slash(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

async fn show(ctx: &mut Ctx, input: AtPath) -> Result<Output> {
    let path = with_slash(&input.path);
    let missing = || Error::invalid(format!("No secret engine mount at {path}"));
    show_at(ctx, &path, EngineKind::Secrets).await?.ok_or_else(missing)
}

/// None when no mount of this kind is there.
pub async fn show_at(ctx: &Ctx, path: &str, kind: EngineKind) -> Result<Option<Output>> {
    let call = SystemCall::of(ctx)?;
    let table = call.core.mounts.current().await?;
    let Some(mount) = table.exact(path).filter(|m| m.kind == kind) else { return Ok(None) };
    Ok(Some(Output::data(&mount.entry.shown())?.top_level()))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Enable {
    pub path: String,
    r#type: Text,
    description: Text,
    config: Present<Config>,
    options: Present<StringMap>,
    local: Flag,
    seal_wrap: Flag,
    external_entropy_access: Flag,
    plugin_name: Text,
    plugin_version: Text,
}

impl Input for Enable {
    const FIELDS: &'static [Field] = &[
        field::<String>("path", "Where to mount.").clear(),
        field::<Text>("type", "Type of the engine, such as `kv`.").clear(),
        field::<Text>("description", "Text for people.").clear(),
        field::<Config>("config", "Settings, as in tune.").clear(),
        field::<StringMap>("options", "Options of the engine, such as `version`.").clear(),
        field::<Flag>("local", "Accepted and shown.").clear(),
        field::<Flag>("seal_wrap", "Accepted: every value is sealed anyway.").clear(),
        field::<Flag>("external_entropy_access", "Accepted.").clear(),
        field::<Text>("plugin_name", "Accepted: all engines are built in.").clear(),
        field::<Text>("plugin_version", "Accepted: all engines are built in.").clear(),
    ];
}

async fn enable(ctx: &mut Ctx, input: Enable) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let path = mount_path(&input.path)?;
    let (engine, _) = engine_of(&input)?;
    if protected(&path) {
        return Err(Error::invalid(format!("cannot mount {path:?}")));
    }
    if matches!(engine.as_str(), "system" | "cubbyhole" | "identity" | "token") {
        return Err(Error::invalid(format!("mount type of {engine:?} is not mountable")));
    }
    if call.core.mounts.builtin(&engine).is_none_or(|b| b.kind != EngineKind::Secrets) {
        return Err(Error::invalid("plugin not found in the catalog: `type` must name a secrets engine of this server"));
    }
    enable_at(ctx, input, &path).await
}

/// Enables what the input names; `path` is the whole path, with `auth/` for a method.
pub async fn enable_at(ctx: &mut Ctx, input: Enable, path: &str) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let (engine, options) = engine_of(&input)?;
    let path = mount_path(path)?;
    let mut config = MountConfig::default();
    if path.starts_with("auth/") {
        config.token_type = TokenType::DefaultService.as_str().to_owned();
    }
    let given = input.config.into_option().unwrap_or_default();
    let locks = given.user_lockout_config.clone();
    given.apply(&mut config)?;
    check_ttls(&config, call.core.settings.default_lease_ttl, call.core.settings.max_lease_ttl)?;
    let entry = new_entry(&call.core, &path, &engine, options, config, input.description.0, input.local.0);
    may_lock(&call.core.mounts.ready(entry.clone())?, &locks)?;
    put_new(ctx, &call.core, entry).await?;
    Ok(Output::nothing())
}

/// Errors: `Invalid` when some mount already holds the path or part of it.
pub async fn put_new(ctx: &mut Ctx, core: &crate::Core, entry: MountEntry) -> Result<()> {
    free_path(ctx, core, &entry.path).await?;
    let mount = core.mounts.ready(entry)?;
    let own = std::mem::replace(&mut ctx.mount, mount.facts.clone());
    let enabled = mount.engine.enable(ctx).await;
    ctx.mount = own;
    enabled?;
    ctx.save(mount::key(&mount.entry.path), &mount.entry)
}

/// Rests the transaction on the path staying free on every node: the key itself, and all keys below and above it.
pub async fn free_path(ctx: &mut Ctx, core: &crate::Core, path: &str) -> Result<()> {
    if let Some(mount) = core.mounts.current().await?.conflict(path) {
        return Err(in_use(&mount.entry.path));
    }
    let taken = ctx.get(&mount::key(path)).await?.is_some() || !ctx.list(&mount::key(path), None, 1).await?.is_empty();
    let segments: Vec<usize> = path.match_indices('/').map(|(i, _)| i).collect();
    let mut above_taken = false;
    for end in segments {
        let above = path.get(..=end).unwrap_or_default();
        above_taken |= above != path && ctx.get(&mount::key(above)).await?.is_some();
    }
    if taken || above_taken { Err(in_use(path)) } else { Ok(()) }
}

/// Auth methods are named without `auth/`, as in their own list.
fn in_use(path: &str) -> Error {
    Error::invalid(format!("path is already in use at {}", path.strip_prefix("auth/").unwrap_or(path)))
}

pub fn mount_path(path: &str) -> Result<String> {
    let path = with_slash(path.trim_start_matches('/'));
    // Printable, clean, and short enough that keys below it stay within the store's limit.
    CanonicalPath::from_decoded(&path).map_err(|e| Error::invalid(format!("invalid mount path: {e}")))?;
    if path.len() > 512 || path == "/" {
        return Err(Error::invalid("invalid mount path: it must have 1 to 511 bytes"));
    }
    Ok(path)
}

/// `kv-v2` is `kv` with version 2.
pub fn engine_of(input: &Enable) -> Result<(String, Options)> {
    let mut options = match &input.options {
        Present::Is(map) => map.0.clone(),
        Present::Absent | Present::Null => BTreeMap::new(),
    };
    let name = if input.r#type.0 == "plugin" { &input.plugin_name.0 } else { &input.r#type.0 };
    match name.as_str() {
        "" => Err(Error::invalid("backend type must be specified as a string")),
        "kv-v2" => {
            options.insert("version".into(), "2".into());
            Ok(("kv".into(), options))
        }
        "kv-v1" | "generic" => {
            options.insert("version".into(), "1".into());
            Ok(("kv".into(), options))
        }
        name => Ok((name.to_owned(), options)),
    }
}

pub fn new_entry(
    core: &crate::Core,
    path: &str,
    engine: &str,
    options: Options,
    config: MountConfig,
    description: String,
    local: bool,
) -> MountEntry {
    let rng = core.rng.as_ref();
    let class = if path.starts_with("auth/") { "auth_" } else { "" };
    MountEntry {
        path: path.to_owned(),
        engine: engine.to_owned(),
        uuid: uuid_v4(rng),
        accessor: format!("{class}{engine}_{}", random_base62(rng, 8).to_lowercase()),
        storage_id: random_base62(rng, 11),
        description,
        options: Some(options),
        config,
        local,
    }
}

async fn disable(ctx: &mut Ctx, input: AtPath) -> Result<Output> {
    let path = with_slash(&input.path);
    if protected(&path) {
        return Err(Error::invalid(format!("cannot unmount {path:?}")));
    }
    disable_at(ctx, &path, EngineKind::Secrets).await
}

/// A path that holds no mount of this kind is no error.
pub async fn disable_at(ctx: &mut Ctx, path: &str, kind: EngineKind) -> Result<Output> {
    let Some(entry) = ctx.load::<MountEntry>(&mount::key(path)).await? else { return Ok(Output::nothing()) };
    if path.starts_with("auth/") != (kind == EngineKind::Auth) {
        return Ok(Output::nothing());
    }
    ctx.delete(mount::key(path));
    if kind == EngineKind::Auth {
        ctx.put(identity::gone_mount_key(&entry.accessor), Vec::new());
    }
    // It serves nobody from here on. Its leases, its tokens and then its data go in the background, also after a crash.
    let job = Removal::put_in(&mut ctx.txn, entry, ctx.now)?;
    Ok(Output::nothing().with_job(job))
}
