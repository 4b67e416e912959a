//! `sys/internal/ui/`: what clients ask before they show or use a mount. The command line learns the kv version here.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use strongroom_engine::{Attributes, Ctx, EngineKind, Error, Field, Input, NoFields, Output, Result, Route, Verb, field, route};

use crate::SystemCall;
use crate::mount::Mount;

pub fn routes() -> Vec<Route> {
    let open = Attributes { no_token: true, ..Attributes::default() };
    let any = Attributes { any_token: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "internal/ui/mounts", "Lists the mounts that the caller can reach.", all).attributes(open),
        route(Verb::Read, "internal/ui/mounts/{path..}", "Shows the mount that holds a path.", one).attributes(any),
        route(Verb::Read, "internal/ui/resultant-acl", "Shows the caller's merged rules.", resultant),
    ]
}

async fn all(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let acl = match &call.token {
        Some(token) => Some(token.acl(&call.core.policies).await?),
        None => None,
    };
    let (mut secret, mut auth) = (Map::new(), Map::new());
    for mount in call.core.mounts.current().await?.sorted() {
        let path = mount.entry.path.as_str();
        let shown = match &acl {
            Some(acl) if acl.is_root() || acl.grants_any_below(path) || is_always_shown(mount) => {
                Value::Object(mount.entry.shown())
            }
            _ if mount.entry.config.listing_visibility == "unauth" => brief(mount),
            _ => continue,
        };
        match mount.kind {
            EngineKind::Secrets => secret.insert(path.to_owned(), shown),
            EngineKind::Auth => auth.insert(path.trim_start_matches("auth/").to_owned(), shown),
        };
    }
    Output::data(&json!({ "secret": secret, "auth": auth }))
}

/// Built-in mounts are no secret to anybody with a token.
fn is_always_shown(mount: &Mount) -> bool {
    mount.entry.is_builtin()
}

fn brief(mount: &Mount) -> Value {
    json!({ "type": mount.entry.engine, "description": mount.entry.description, "options": mount.entry.options })
}

#[derive(Deserialize)]
pub struct AtPath {
    path: String,
}
impl Input for AtPath {
    const FIELDS: &'static [Field] = &[field::<String>("path", "A path in the mount.").clear()];
}

/// The same refusal for a mount that the caller cannot reach and for one that is not there.
async fn one(ctx: &mut Ctx, input: AtPath) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let path = format!("{}/", input.path.trim_end_matches('/'));
    let refusal = || {
        Error::Forbidden(format!(
            "preflight capability check returned 403, please ensure client's policies grant access to path {path:?}"
        ))
    };
    let token = call.token.clone().ok_or(Error::BadToken("permission denied"))?;
    let acl = token.acl(&call.core.policies).await?;
    let table = call.core.mounts.current().await?;
    let (mount, _) = table.find(&path).ok_or_else(refusal)?;
    if !acl.is_root() && !acl.grants_any_below(&mount.entry.path) {
        return Err(refusal());
    }
    let mut shown = mount.entry.shown();
    shown.insert("path".into(), json!(mount.entry.path));
    Output::data(&shown)
}

async fn resultant(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let token = call.token.clone().ok_or(Error::Denied)?;
    let acl = token.acl(&call.core.policies).await?;
    Output::data(&acl.resultant())
}
