//! `sys/audit`: the devices of the configuration and those of the API, and the hash that stands for a value in their lines.
//! Enabling is off unless the configuration allows it and names the folder for files (decisions.md 8).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use strongroom_engine::{
    Attributes, Ctx, Error, Field, Flag, Input, NoFields, Output, Present, Result, Route, StringMap, Text, Verb, field, route,
};
use strongroom_types::uuid_v4;

use crate::SystemCall;
use crate::audit::{DEVICES_MAX, Entry, Table, table_key};

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "audit", "Lists the audit devices.", list).attributes(sudo),
        route(Verb::Write, "audit/{path..}", "Enables an audit device.", enable).attributes(sudo),
        route(Verb::Delete, "audit/{path..}", "Disables an audit device that the API enabled.", disable).attributes(sudo),
        route(Verb::Write, "audit-hash/{path}", "The hash of a value in a device's lines.", hash),
    ]
}

async fn list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let table: Table = ctx.load(&table_key()).await?.unwrap_or_default();
    let configured = call.core.audit.configured().map(|d| {
        let options = Value::Object(d.kind.options());
        (d.name.clone(), shown(&d.name, d.kind.name(), &d.description, false, options))
    });
    let enabled =
        table.0.iter().map(|(name, e)| (name.clone(), shown(name, e.kind_name(), &e.description, e.local, json!(e.options))));
    let all: Map<String, Value> = enabled.chain(configured).collect();
    Ok(Output::data(&all)?.top_level())
}

fn shown(name: &str, kind: &str, description: &str, is_local: bool, options: Value) -> Value {
    json!({ "type": kind, "path": name, "description": description, "local": is_local, "options": options })
}

/// With one trailing slash.
fn with_slash(path: &str) -> String {
    format!("{}/", path.trim_matches('/'))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Enable {
    path: String,
    r#type: Text,
    description: Text,
    local: Flag,
    options: Present<StringMap>,
}
impl Input for Enable {
    const FIELDS: &'static [Field] = &[
        field::<String>("path", "Name of the device.").clear(),
        field::<Text>("type", "`file` or `socket`.").clear(),
        field::<Text>("description", "Text for people.").clear(),
        field::<Flag>("local", "Accepted and shown.").clear(),
        field::<StringMap>("options", "Where the lines go, such as `file_path`.").clear(),
    ];
}

async fn enable(ctx: &mut Ctx, input: Enable) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let Some(folder) = &call.core.audit.folder else {
        return Err(Error::invalid(
            "cannot enable audit device via API; use declarative, config-based audit device management instead",
        ));
    };
    let name = with_slash(&input.path);
    if !is_plain_name(name.trim_end_matches('/')) {
        return Err(Error::invalid("path: the device's name must be 1 to 100 letters, digits, `-`, `_` or `.`"));
    }
    let options = match input.options {
        Present::Is(map) => map.0,
        Present::Absent | Present::Null => BTreeMap::new(),
    };
    let entry = Entry::new(&input.r#type.0, input.description.0, input.local.0, options, folder)?;
    let mut table: Table = ctx.load(&table_key()).await?.unwrap_or_default();
    if call.core.audit.is_configured(&name) || table.0.contains_key(&name) {
        return Err(Error::invalid("path already in use"));
    }
    if table.0.len() >= DEVICES_MAX {
        return Err(Error::invalid(format!("there are {DEVICES_MAX} audit devices already: disable one first")));
    }
    call.core.audit.prepare(&name, &entry, &uuid_v4(ctx.rng.as_ref())).await?;
    table.0.insert(name, entry);
    ctx.save(table_key(), &table)?;
    Ok(Output::nothing())
}

fn is_plain_name(name: &str) -> bool {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    is_plain && !name.is_empty() && name.len() <= 100
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AtPath {
    path: String,
}
impl Input for AtPath {
    const FIELDS: &'static [Field] = &[field::<String>("path", "Name of the device.").clear()];
}

async fn disable(ctx: &mut Ctx, input: AtPath) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let name = with_slash(&input.path);
    if call.core.audit.is_configured(&name) {
        return Err(Error::invalid("cannot disable this audit device via API: the configuration declares it"));
    }
    let mut table: Table = ctx.load(&table_key()).await?.unwrap_or_default();
    if table.0.remove(&name).is_none() {
        return Ok(Output::nothing());
    }
    if call.core.audit.folder.is_none() {
        return Err(Error::invalid(
            "cannot disable audit device via API; use declarative, config-based audit device management instead",
        ));
    }
    if !call.core.audit.can_miss(&name) {
        return Err(Error::invalid("cannot disable the last audit device: requests must be recorded"));
    }
    ctx.save(table_key(), &table)?;
    Ok(Output::nothing())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Hash {
    path: String,
    input: Text,
}
impl Input for Hash {
    const FIELDS: &'static [Field] =
        &[field::<String>("path", "Name of the device.").clear(), field::<Text>("input", "The value.")];
}

async fn hash(ctx: &mut Ctx, input: Hash) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if input.input.0.is_empty() {
        return Err(Error::invalid("the \"input\" parameter is empty"));
    }
    let name = with_slash(&input.path);
    let hash = call.core.audit.hash(&name, &input.input.0).await;
    let hash = hash.ok_or_else(|| Error::invalid(format!("unknown audit backend {name:?}")))?;
    Ok(Output::data(&json!({ "hash": hash }))?.top_level())
}
