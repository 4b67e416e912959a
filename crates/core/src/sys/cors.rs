//! `sys/config/cors`: which pages of other origins may use the API from a browser.

use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{
    Attributes, Ctx, Field, Flag, Input, List, NoFields, Output, Present, Result, Route, Verb, field, route,
};

use crate::rules::{self, Cors};

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "config/cors", "Shows the rules for cross-origin requests.", read).attributes(sudo),
        route(Verb::Write, "config/cors", "Replaces the rules and switches them on.", write).attributes(sudo),
        route(Verb::Delete, "config/cors", "Switches the rules off.", delete).attributes(sudo),
    ]
}

async fn read(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let shown = match ctx.load::<Cors>(&rules::cors_key()).await? {
        None => json!({ "enabled": false }),
        Some(cors) => json!({
            "enabled": true,
            "allowed_origins": cors.allowed_origins,
            "allowed_headers": cors.allowed_headers,
            "allow_credentials": cors.allow_credentials,
        }),
    };
    Ok(Output::data(&shown)?.top_level())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Write {
    enable: Present<Flag>,
    allowed_origins: List,
    allowed_headers: List,
    allow_credentials: Flag,
}

impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<Flag>("enable", "`false` switches the rules off, like a delete.").clear(),
        field::<List>("allowed_origins", "`*`, or origins such as https://ui.example.com.").clear(),
        field::<List>("allowed_headers", "Headers that pages may send besides the usual ones.").clear(),
        field::<Flag>("allow_credentials", "Whether pages may send cookies; not with `*`.").clear(),
    ];
}

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    if input.enable == Present::Is(Flag(false)) {
        ctx.delete(rules::cors_key());
        return Ok(Output::nothing());
    }
    let cors = Cors::new(input.allowed_origins.0, input.allowed_headers.0, input.allow_credentials.0)?;
    ctx.save(rules::cors_key(), &cors)?;
    Ok(Output::nothing())
}

async fn delete(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    ctx.delete(rules::cors_key());
    Ok(Output::nothing())
}
