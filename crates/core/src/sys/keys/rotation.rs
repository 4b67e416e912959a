//! `sys/rotate/config`: when the keyring is rotated by itself.

use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_engine::{
    Attributes, Ctx, Error, Field, Flag, Input, NoFields, Number, Output, Present, Result, Route, Seconds, Verb, field, route,
};
use strongroom_types::go_duration;

use crate::keys::rotation::{Config, INTERVAL_MIN, OPERATIONS_MAX, OPERATIONS_MIN, config_key};

const SHOWN: &[&str] = &["enabled", "interval", "max_operations"];

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    let both = |path: &'static str| {
        [
            route(Verb::Read, path, "Shows when the keyring is rotated by itself.", read).shows(SHOWN),
            route(Verb::Write, path, "Sets when the keyring is rotated by itself.", write).attributes(sudo),
        ]
    };
    [both("rotate/config"), both("rotate/keyring/config")].into_iter().flatten().collect()
}

async fn read(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let config: Config = ctx.load(&config_key()).await?.unwrap_or_default();
    let interval = if config.interval.is_zero() { json!(0) } else { Value::String(go_duration(config.interval.as_s())) };
    Output::data(&json!({ "enabled": config.enabled, "interval": interval, "max_operations": config.max_operations }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wish {
    enabled: Present<Flag>,
    max_operations: Present<Number>,
    interval: Present<Seconds>,
}

impl Input for Wish {
    const FIELDS: &'static [Field] = &[
        field::<Flag>("enabled", "Whether the keyring is rotated by itself. Default: true.").clear(),
        field::<Number>("max_operations", "Encryptions under one term, 1000000 to 3865470566 (the default).").clear(),
        field::<Seconds>("interval", "Age of a term, 24h at least; 0 (the default) sets none.").clear(),
    ];
}

async fn write(ctx: &mut Ctx, wish: Wish) -> Result<Output> {
    let mut config: Config = ctx.load(&config_key()).await?.unwrap_or_default();
    if let Present::Is(Flag(enabled)) = wish.enabled {
        config.enabled = enabled;
    }
    if let Present::Is(Number(operations)) = wish.max_operations {
        let operations = u64::try_from(operations).ok().filter(|n| (OPERATIONS_MIN..=OPERATIONS_MAX).contains(n));
        let rule = format!("max_operations must be in the range [{OPERATIONS_MIN},{OPERATIONS_MAX}]");
        config.max_operations = operations.ok_or_else(|| Error::invalid(rule))?;
    }
    if let Present::Is(Seconds(interval)) = wish.interval {
        if !interval.is_zero() && interval < INTERVAL_MIN {
            return Err(Error::invalid(format!("interval must be greater or equal to {}", go_duration(INTERVAL_MIN.as_s()))));
        }
        config.interval = interval;
    }
    ctx.save(config_key(), &config)?;
    Ok(Output::nothing())
}
