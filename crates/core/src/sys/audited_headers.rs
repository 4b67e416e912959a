//! `sys/config/auditing/request-headers`: which request headers the audit log records.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use strongroom_engine::{Attributes, Ctx, Error, Field, Flag, Input, NoFields, Output, Result, Route, Verb, field, route};

use crate::rules::{self, Audited, check_name, is_credential};

const HEADERS_MAX: usize = 100;

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "config/auditing/request-headers", "Lists the recorded request headers.", list).attributes(sudo),
        route(Verb::Read, "config/auditing/request-headers/{header}", "Shows how a header is recorded.", read)
            .folds(folded)
            .attributes(sudo),
        route(Verb::Write, "config/auditing/request-headers/{header}", "Records a request header.", write)
            .folds(folded)
            .attributes(sudo),
        route(Verb::Delete, "config/auditing/request-headers/{header}", "Records a header no more.", delete)
            .folds(folded)
            .attributes(sudo),
    ]
}

fn folded(header: &str) -> Option<String> {
    Some(header.to_ascii_lowercase())
}

async fn stored(ctx: &mut Ctx) -> Result<Audited> {
    Ok(ctx.load(&rules::audited_key()).await?.unwrap_or_default())
}

async fn list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let headers: Map<String, Value> =
        stored(ctx).await?.0.into_iter().map(|(name, hmac)| (name, json!({ "hmac": hmac }))).collect();
    Ok(Output::data(&json!({ "headers": headers }))?.top_level())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct OneHeader {
    header: String,
    hmac: Flag,
}
impl Input for OneHeader {
    const FIELDS: &'static [Field] = &[
        field::<String>("header", "Name of the header.").clear(),
        field::<Flag>("hmac", "Records hashes instead of the values.").clear(),
    ];
}

/// Under the spelling that was asked for.
async fn read(ctx: &mut Ctx, input: OneHeader) -> Result<Output> {
    let headers = stored(ctx).await?;
    let hmac = headers.0.get(&input.header.to_ascii_lowercase());
    let hmac = hmac.ok_or_else(|| Error::invalid("Could not find header in config"))?;
    Ok(Output::data(&json!({ input.header: { "hmac": hmac } }))?.top_level())
}

async fn write(ctx: &mut Ctx, input: OneHeader) -> Result<Output> {
    check_name(&input.header)?;
    let name = input.header.to_ascii_lowercase();
    if !input.hmac.0 && is_credential(&name) {
        return Err(Error::invalid("this header can carry a credential: hmac must be true"));
    }
    let mut headers = stored(ctx).await?;
    if headers.0.len() >= HEADERS_MAX && !headers.0.contains_key(&name) {
        return Err(Error::invalid(format!("there can be at most {HEADERS_MAX} headers")));
    }
    headers.0.insert(name, input.hmac.0);
    ctx.save(rules::audited_key(), &headers)?;
    Ok(Output::nothing())
}

async fn delete(ctx: &mut Ctx, input: OneHeader) -> Result<Output> {
    let mut headers = stored(ctx).await?;
    if headers.0.remove(&input.header.to_ascii_lowercase()).is_some() {
        ctx.save(rules::audited_key(), &headers)?;
    }
    Ok(Output::nothing())
}
