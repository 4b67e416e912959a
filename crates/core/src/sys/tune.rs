//! `sys/mounts/PATH/tune`: a mount's settings.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use strongroom_engine::{
    Attributes, Ctx, Error, Field, Flag, Input, List, Output, Present, Result, Route, StringMap, Text, Verb, field, route,
};

use super::auth::full;
use super::mount_settings::{Config, Lockout, check_ttls, may_lock, no_version};
use super::mounts::{AtPath, with_slash};
use crate::SystemCall;
use crate::mount::{self, MountEntry};

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "mounts/{path..}/tune", "Shows the settings of a mount.", read),
        route(Verb::Read, "auth/{path..}/tune", "Shows the settings of an auth method.", read_auth).attributes(sudo),
        route(Verb::Write, "auth/{path..}/tune", "Changes settings of an auth method; what is left out stays.", write_auth)
            .attributes(sudo),
        route(Verb::Write, "mounts/{path..}/tune", "Changes settings of a mount; what is left out stays.", write),
    ]
}

async fn read(ctx: &mut Ctx, input: AtPath) -> Result<Output> {
    read_at(ctx, &with_slash(&input.path)).await
}

async fn read_auth(ctx: &mut Ctx, input: AtPath) -> Result<Output> {
    read_at(ctx, &full(&input.path)).await
}

async fn read_at(ctx: &Ctx, path: &str) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let table = call.core.mounts.current().await?;
    let mount = table.exact(path).ok_or_else(|| Error::invalid(format!("cannot fetch sysview for path {path:?}")))?;
    let limits = call.core.limits_of(&mount.facts);
    let mut shown: Map<String, Value> = mount.entry.config.shown(Some((limits.default_ttl, limits.max_ttl)));
    shown.insert("description".into(), json!(mount.entry.description));
    if let Some(options) = mount.entry.options.as_ref().filter(|o| !o.is_empty()) {
        shown.insert("options".into(), json!(options));
    }
    Ok(Output::data(&shown)?.top_level())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Tune {
    path: String,
    description: Present<Text>,
    options: Present<StringMap>,
    default_lease_ttl: Present<Text>,
    max_lease_ttl: Present<Text>,
    listing_visibility: Present<Text>,
    audit_non_hmac_request_keys: Present<List>,
    audit_non_hmac_response_keys: Present<List>,
    passthrough_request_headers: Present<List>,
    allowed_response_headers: Present<List>,
    token_type: Present<Text>,
    entity_creation: Present<Text>,
    force_no_cache: Present<Flag>,
    user_lockout_config: Present<Lockout>,
    plugin_version: Present<Text>,
}

impl Input for Tune {
    const FIELDS: &'static [Field] = &[
        field::<String>("path", "Where the engine is mounted.").clear(),
        field::<Text>("description", "Text for people.").clear(),
        field::<StringMap>("options", "Options of the engine, such as `version`.").clear(),
        field::<Text>("default_lease_ttl", "A duration; `system` for the system's.").clear(),
        field::<Text>("max_lease_ttl", "A duration; `system` for the system's.").clear(),
        field::<Text>("listing_visibility", "`unauth`, `hidden` or empty.").clear(),
        field::<List>("audit_non_hmac_request_keys", "Request fields that the audit log shows in clear.").clear(),
        field::<List>("audit_non_hmac_response_keys", "Response fields that the audit log shows in clear.").clear(),
        field::<List>("passthrough_request_headers", "Accepted and shown.").clear(),
        field::<List>("allowed_response_headers", "Accepted and shown.").clear(),
        field::<Text>("token_type", "Kind of token that logins give; auth methods only.").clear(),
        field::<Text>("entity_creation", "`disabled`: logins of unknown people make no entity; auth methods only.").clear(),
        field::<Flag>("force_no_cache", "Accepted and shown.").clear(),
        field::<Lockout>("user_lockout_config", "When names are locked; auth methods with guessable secrets only.").clear(),
        field::<Text>("plugin_version", "Empty: all engines are built in.").clear(),
    ];
}

async fn write(ctx: &mut Ctx, input: Tune) -> Result<Output> {
    let path = with_slash(&input.path);
    write_at(ctx, input, &path).await
}

async fn write_auth(ctx: &mut Ctx, input: Tune) -> Result<Output> {
    let path = full(&input.path);
    write_at(ctx, input, &path).await
}

async fn write_at(ctx: &mut Ctx, input: Tune, path: &str) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let missing = || Error::invalid(format!("tune of path {path:?} failed: no mount entry found"));
    let mut entry: MountEntry = ctx.load(&mount::key(path)).await?.ok_or_else(missing)?;
    let config = Config {
        default_lease_ttl: input.default_lease_ttl,
        max_lease_ttl: input.max_lease_ttl,
        force_no_cache: input.force_no_cache,
        listing_visibility: input.listing_visibility,
        audit_non_hmac_request_keys: input.audit_non_hmac_request_keys,
        audit_non_hmac_response_keys: input.audit_non_hmac_response_keys,
        passthrough_request_headers: input.passthrough_request_headers,
        allowed_response_headers: input.allowed_response_headers,
        token_type: input.token_type,
        user_lockout_config: input.user_lockout_config,
        entity_creation: input.entity_creation,
    };
    no_version(input.plugin_version)?;
    may_lock(&call.core.mounts.ready(entry.clone())?, &config.user_lockout_config)?;
    config.apply(&mut entry.config)?;
    check_ttls(&entry.config, call.core.settings.default_lease_ttl, call.core.settings.max_lease_ttl)?;
    if let Present::Is(Text(description)) = input.description {
        entry.description = description;
    }
    let mut output = Output::nothing();
    if let Present::Is(changed) = input.options {
        let from = entry.options.clone().unwrap_or_default();
        let mut to = from.clone();
        to.extend(changed.0);
        let mount = call.core.mounts.ready(entry.clone())?;
        if let Some(warning) = mount.engine.retune(&from, &to)? {
            output = Output::raw_data(b"null".to_vec()).warn(warning);
        }
        entry.options = Some(to);
    }
    ctx.save(mount::key(path), &entry)?;
    Ok(output)
}
