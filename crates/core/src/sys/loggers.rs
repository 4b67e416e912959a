//! `sys/loggers`: the levels of this node's own log, changed while it runs. Nothing is stored: a restart puts the
//! configured level back.

use std::collections::BTreeMap;

use serde::Deserialize;
use strongroom_engine::{Ctx, Error, Field, Input, NoFields, Output, Result, Route, Text, Verb, field, route};

use crate::{LevelRefused, SystemCall};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Read, "loggers", "Shows every logger with its level.", all),
        route(Verb::Write, "loggers", "Sets the level of all loggers.", set_all),
        route(Verb::Delete, "loggers", "Puts the configured level of all loggers back.", reset_all),
        route(Verb::Read, "loggers/{name}", "Shows a logger's level.", one),
        route(Verb::Write, "loggers/{name}", "Sets a logger's level.", set_one),
        route(Verb::Delete, "loggers/{name}", "Puts a logger's configured level back.", reset_one),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Level {
    name: String,
    level: Text,
}
impl Input for Level {
    const FIELDS: &'static [Field] = &[
        field::<String>("name", "Name of the logger.").clear(),
        field::<Text>("level", "`trace`, `debug`, `info`, `warn` or `error`.").clear(),
    ];
}

#[derive(Deserialize)]
pub struct Named {
    name: String,
}
impl Input for Named {
    const FIELDS: &'static [Field] = &[field::<String>("name", "Name of the logger.").clear()];
}

async fn all(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let loggers: BTreeMap<_, _> = SystemCall::of(ctx)?.core.process.loggers().into_iter().collect();
    Ok(Output { lists_warnings: true, ..Output::data(&loggers)? })
}

/// An unknown logger shows as an empty object.
async fn one(ctx: &mut Ctx, input: Named) -> Result<Output> {
    let loggers = SystemCall::of(ctx)?.core.process.loggers();
    let found: BTreeMap<_, _> = loggers.into_iter().filter(|(name, _)| *name == input.name).collect();
    Ok(Output { lists_warnings: true, ..Output::data(&found)? })
}

async fn set_all(ctx: &mut Ctx, input: Level) -> Result<Output> {
    set(ctx, None, &input.level.0)
}

async fn set_one(ctx: &mut Ctx, input: Level) -> Result<Output> {
    set(ctx, Some(&input.name), &input.level.0)
}

/// Setting a level twice is setting it once, so a handler that is run again does no harm.
fn set(ctx: &Ctx, logger: Option<&str>, level: &str) -> Result<Output> {
    if level.is_empty() {
        return Err(Error::invalid("level is required"));
    }
    SystemCall::of(ctx)?.core.process.set_level(logger, level).map_err(refusal)?;
    Ok(Output::nothing())
}

async fn reset_all(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    SystemCall::of(ctx)?.core.process.reset_level(None).map_err(refusal)?;
    Ok(Output::nothing())
}

async fn reset_one(ctx: &mut Ctx, input: Named) -> Result<Output> {
    SystemCall::of(ctx)?.core.process.reset_level(Some(&input.name)).map_err(refusal)?;
    Ok(Output::nothing())
}

fn refusal(reason: LevelRefused) -> Error {
    match reason {
        LevelRefused::UnknownLevel => Error::invalid("invalid level provided: it is trace, debug, info, warn or error"),
        LevelRefused::UnknownLogger => Error::invalid("logger not found"),
        LevelRefused::Failed => Error::Internal("the log level can't be changed".into()),
    }
}
