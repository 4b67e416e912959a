//! `sys/quotas`: rate limits and their settings. A write replaces all of a rule, as with the reference.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{
    Ctx, Decimal, EngineKind, Error, Field, Flag, Input, List, NoFields, Output, Present, Result, Route, Seconds, Text, Verb,
    field, route,
};
use strongroom_types::Ttl;

use crate::SystemCall;
use crate::mount::Mount;
use crate::quota::{Config, RULES_MAX, Rule, config_key, place_key, rule_key, rules_area};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Read, "quotas/config", "Shows the settings of rate limits.", read_config).shows(CONFIG_SHOWN),
        route(Verb::Write, "quotas/config", "Changes the settings of rate limits.", write_config),
        route(Verb::List, "quotas/rate-limit/", "Lists the rate limits.", list).shows(&["keys"]),
        route(Verb::Read, "quotas/rate-limit/{name}", "Shows a rate limit.", read).shows(RULE_SHOWN),
        route(Verb::Write, "quotas/rate-limit/{name}", "Sets a rate limit.", write),
        route(Verb::Delete, "quotas/rate-limit/{name}", "Deletes a rate limit.", delete),
    ]
}

const CONFIG_SHOWN: &[&str] =
    &["enable_rate_limit_audit_logging", "enable_rate_limit_response_headers", "rate_limit_exempt_paths"];
const RULE_SHOWN: &[&str] = &["block_interval", "inheritable", "interval", "name", "path", "rate", "role", "type"];

/// Bytes of a rule's name and of its path.
const NAME_BYTES_MAX: usize = 256;
const PATH_BYTES_MAX: usize = 1_024;
/// Exempt paths: every request is compared with each.
const EXEMPT_MAX: usize = 100;

async fn read_config(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let config: Config = ctx.load(&config_key()).await?.unwrap_or_default();
    Output::data(&json!({
        "enable_rate_limit_audit_logging": config.has_audit,
        "enable_rate_limit_response_headers": config.has_headers,
        "rate_limit_exempt_paths": config.exempt_paths,
    }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Settings {
    enable_rate_limit_audit_logging: Present<Flag>,
    enable_rate_limit_response_headers: Present<Flag>,
    rate_limit_exempt_paths: Present<List>,
}
impl Input for Settings {
    const FIELDS: &'static [Field] = &[
        field::<Flag>("enable_rate_limit_audit_logging", "Accepted: refusals are always recorded, once a second and source.")
            .clear(),
        field::<Flag>("enable_rate_limit_response_headers", "Tells clients their limit in X-Ratelimit headers.").clear(),
        field::<List>("rate_limit_exempt_paths", "Paths that no limit counts; `*` at the end stands for anything.").clear(),
    ];
}

async fn write_config(ctx: &mut Ctx, input: Settings) -> Result<Output> {
    let mut config: Config = ctx.load(&config_key()).await?.unwrap_or_default();
    if let Present::Is(flag) = input.enable_rate_limit_audit_logging {
        config.has_audit = flag.0;
    }
    if let Present::Is(flag) = input.enable_rate_limit_response_headers {
        config.has_headers = flag.0;
    }
    if let Present::Is(List(paths)) = input.rate_limit_exempt_paths {
        if paths.len() > EXEMPT_MAX || paths.iter().any(|p| p.len() > PATH_BYTES_MAX) {
            return Err(Error::invalid("rate_limit_exempt_paths: at most 100 paths of 1024 bytes"));
        }
        config.exempt_paths = paths;
    }
    ctx.save(config_key(), &config)?;
    Ok(Output::nothing())
}

async fn list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    Output::keys(ctx.list(&rules_area(), None, RULES_MAX).await?)
}

#[derive(Deserialize)]
pub struct ByName {
    name: String,
}
impl Input for ByName {
    const FIELDS: &'static [Field] = &[field::<String>("name", "Name of the rate limit.").clear()];
}

async fn read(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let rule: Rule = ctx.load(&rule_key(&input.name)).await?.ok_or(Error::NotFound)?;
    Output::data(&json!({
        "block_interval": rule.block_interval.as_s(),
        "inheritable": rule.path.is_empty(),
        "interval": rule.interval.as_s(),
        "name": rule.name,
        "path": rule.path,
        "rate": rule.rate,
        "role": rule.role,
        "type": "rate-limit",
    }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Write {
    name: String,
    path: Text,
    role: Text,
    rate: Present<Decimal>,
    interval: Seconds,
    block_interval: Seconds,
    inheritable: Flag,
    r#type: Text,
}

impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<String>("name", "Name of the rate limit.").clear(),
        field::<Text>("path", "A mount, a path in one, or such a path with `*` at its end. Empty: everything.").clear(),
        field::<Text>("role", "Counts only logins that ask for this role; `path` is an auth mount whose method has roles.")
            .clear(),
        field::<Decimal>("rate", "Requests that one client has in an interval; above 0.").clear(),
        field::<Seconds>("interval", "1 second when left out.").clear(),
        field::<Seconds>("block_interval", "How long a client that went over the rate gets nothing at all.").clear(),
        field::<Flag>("inheritable", "Accepted for the limit of everything.").clear(),
        field::<Text>("type", "`rate-limit`.").clear(),
    ];
}

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    if input.name.len() > NAME_BYTES_MAX {
        return Err(Error::invalid("name: at most 256 bytes"));
    }
    if !matches!(input.r#type.0.as_str(), "" | "rate-limit") {
        return Err(Error::invalid("type: must be \"rate-limit\""));
    }
    let rate = input.rate.into_option().map(|r| r.0).filter(|r| r.is_finite() && *r > 0.0);
    let rate = rate.ok_or_else(|| Error::invalid("'rate' is invalid"))?;
    let (path, role) = settled_place(ctx, &input.path.0, &input.role.0).await?;
    if input.inheritable.0 && !path.is_empty() {
        return Err(Error::invalid("only the quota of a namespace can be configured as inheritable"));
    }
    let interval = if input.interval.0.is_zero() { Ttl::from_s(1) } else { input.interval.0 };
    let rule = Rule { name: input.name, path, role, rate, interval, block_interval: input.block_interval.0 };
    store(ctx, &rule).await?;
    Ok(Output::nothing())
}

/// A mount's path with its slash, or a path in it; and the role as its method spells it.
async fn settled_place(ctx: &Ctx, given: &str, role: &str) -> Result<(String, String)> {
    let path = given.trim_start_matches('/');
    let call = SystemCall::of(ctx)?;
    let table = call.core.mounts.current().await?;
    if path.len() > PATH_BYTES_MAX || path.strip_suffix('*').unwrap_or(path).contains('*') {
        return Err(Error::invalid("path: at most 1024 bytes, with `*` at its end only"));
    }
    let found = table.find(path);
    if !path.is_empty() && found.is_none() {
        return Err(Error::invalid("invalid mount path: `path` must begin with the path of a mount"));
    }
    // A mount named without its slash is the mount.
    let named = table.exact(&format!("{path}/"));
    let path = named.map_or(path, |mount| &mount.entry.path).to_owned();
    let role = match role {
        "" => String::new(),
        role => settled_role(named.map(|mount| (mount, "")).or(found), role)?,
    };
    Ok((path, role))
}

/// A role in the one form in which logins will tell it. `found` is what the path names: a mount and the rest below it.
fn settled_role(found: Option<(&Arc<Mount>, &str)>, role: &str) -> Result<String> {
    let Some((mount, rest)) = found.filter(|(mount, _)| mount.kind == EngineKind::Auth) else {
        let text = "the mount path is not a valid auth method and therefore unsuitable for use with role-based quotas";
        return Err(Error::invalid(text));
    };
    if !rest.is_empty() {
        return Err(Error::invalid(
            "Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth mount with a concept of roles",
        ));
    }
    let Some(login) = mount.routes.iter().find(|route| route.is_role_login()) else {
        return Err(Error::invalid("the mount path does not support use with role-based quotas"));
    };
    let folded = login.fold_name(role).filter(|folded| folded.len() <= NAME_BYTES_MAX);
    folded.ok_or_else(|| Error::invalid("role: no role can have this name"))
}

/// INVARIANT: a path and role have one rule, because its place is read and written in the same transaction.
async fn store(ctx: &mut Ctx, rule: &Rule) -> Result<()> {
    let key = rule_key(&rule.name);
    let old: Option<Rule> = ctx.load(&key).await?;
    if old.is_none() && SystemCall::of(ctx)?.core.quotas.count().await? >= RULES_MAX {
        return Err(Error::invalid("at most 4096 rate limits"));
    }
    let place = place_key(&rule.path, &rule.role);
    match ctx.load::<String>(&place).await? {
        Some(holder) if holder != rule.name => {
            return Err(Error::invalid(format!("quota rule with similar properties exists under the name {holder:?}")));
        }
        _ => ctx.save(place, &rule.name)?,
    }
    if let Some(old) = old.filter(|old| (&old.path, &old.role) != (&rule.path, &rule.role)) {
        ctx.delete(place_key(&old.path, &old.role));
    }
    ctx.save(key, rule)
}

async fn delete(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let key = rule_key(&input.name);
    if let Some(rule) = ctx.load::<Rule>(&key).await? {
        ctx.delete(place_key(&rule.path, &rule.role));
        ctx.delete(key);
    }
    Ok(Output::nothing())
}
