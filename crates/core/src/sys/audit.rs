//! `sys/audit`: the configured devices, and the hash that stands for a value in their lines.

use serde::Deserialize;
use serde_json::{Map, json};
use strongroom_engine::{Attributes, Ctx, Error, Field, Input, NoFields, Output, Result, Route, Text, Verb, field, route};

use crate::SystemCall;

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "audit", "Lists the audit devices.", list).attributes(sudo),
        route(Verb::Write, "audit-hash/{path}", "The hash of a value in a device's lines.", hash),
    ]
}

async fn list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let shown: Map<String, serde_json::Value> = call
        .core
        .audit
        .devices()
        .map(|d| {
            let options = json!({ "file_path": d.path.display().to_string() });
            (
                d.name.clone(),
                json!({ "type": "file", "path": d.name, "description": d.description, "local": false, "options": options }),
            )
        })
        .collect();
    Ok(Output::data(&shown)?.top_level())
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
    let name = format!("{}/", input.path.trim_end_matches('/'));
    let hash =
        call.core.audit.hash(&name, &input.input.0).ok_or_else(|| Error::invalid(format!("unknown audit backend {name:?}")))?;
    Output::data(&json!({ "hash": hash }))
}
