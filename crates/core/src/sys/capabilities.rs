//! `sys/capabilities*`: what a token may do on given paths.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, json};
use strongroom_engine::{Attributes, Ctx, Error, Field, Input, List, Output, Result, Route, Text, Verb, field, route};
use strongroom_policy::Acl;
use strongroom_types::SecretString;

use crate::SystemCall;
use crate::mount::Table;
use crate::stage::judge::folded_path;
use crate::token::LiveToken;

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Write, "capabilities", "What a token may do.", of_token),
        route(Verb::Write, "capabilities-accessor", "What the token of an accessor may do.", of_accessor),
        route(Verb::Write, "capabilities-self", "What the caller may do.", of_self).attributes(Attributes::default()),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Ask {
    path: List,
    paths: List,
    token: Text,
    accessor: Text,
}

impl Input for Ask {
    const FIELDS: &'static [Field] = &[
        field::<List>("path", "Paths asked about.").clear(),
        field::<List>("paths", "Paths asked about.").clear(),
        field::<Text>("token", "The token asked about."),
        field::<Text>("accessor", "The accessor of the token asked about."),
    ];
}

impl Ask {
    fn paths(&self) -> Result<&[String]> {
        let paths = if self.paths.0.is_empty() { &self.path.0 } else { &self.paths.0 };
        if paths.is_empty() { Err(Error::invalid("paths must be supplied")) } else { Ok(paths) }
    }
}

async fn of_self(ctx: &mut Ctx, ask: Ask) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let token = call.token.clone().ok_or(Error::Denied)?;
    answer(&call, &token, ask.paths()?).await
}

async fn of_token(ctx: &mut Ctx, ask: Ask) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let paths = ask.paths()?;
    if ask.token.0.is_empty() {
        return Err(Error::invalid("missing token"));
    }
    let found = call.core.tokens.find(&SecretString::new(ask.token.0.clone()), ctx.now).await?;
    let token = found.ok_or_else(|| Error::InvalidListed("invalid token".into()))?;
    answer(&call, &token, paths).await
}

async fn of_accessor(ctx: &mut Ctx, ask: Ask) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if ask.accessor.0.is_empty() {
        return Err(Error::invalid("missing accessor"));
    }
    let paths = ask.paths()?;
    let found = call.core.tokens.by_family(&ask.accessor.0, ctx.now).await?;
    let token = found.ok_or_else(|| Error::InvalidListed("invalid accessor".into()))?;
    answer(&call, &token, paths).await
}

async fn answer(call: &SystemCall, token: &Arc<LiveToken>, paths: &[String]) -> Result<Output> {
    let acl = token.acl(&call.core.policies).await?;
    let mut map = Map::new();
    let table = call.core.mounts.current().await?;
    for path in paths {
        map.insert(path.clone(), json!(on_path(&acl, &table, path.trim_start_matches('/'))));
    }
    if let [one] = paths {
        map.insert("capabilities".into(), map.get(one).cloned().unwrap_or_default());
    }
    Ok(Output::data(&map)?.top_level())
}

/// What is granted on a path, and where its name has several spellings also on the one that they all mean.
fn on_path(acl: &Arc<Acl>, table: &Table, path: &str) -> Vec<&'static str> {
    let granted = acl.capabilities(path);
    let folded = table.find(path).and_then(|(mount, rest)| mount.routes.iter().find_map(|route| folded_path(route, path, rest)));
    let Some(folded) = folded else { return granted };
    let canonical = acl.folded().capabilities(&folded);
    let both: Vec<_> = granted.into_iter().filter(|name| canonical.contains(name)).collect();
    if both.is_empty() { vec!["deny"] } else { both }
}
