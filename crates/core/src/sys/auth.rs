//! `sys/auth`: enable, disable, list and show auth methods. What is common to all mounts is done by `mounts`.

use strongroom_engine::{Attributes, Ctx, EngineKind, Error, NoFields, Output, Result, Route, Verb, route};

use super::mounts::{AtPath, Enable, all_of, disable_at, enable_at, engine_of, show_at, with_slash};
use crate::SystemCall;
use crate::mount::TOKEN_MOUNT;

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "auth", "Lists the auth methods.", list),
        route(Verb::Read, "auth/{path..}", "Shows one auth method.", show).attributes(sudo),
        route(Verb::Write, "auth/{path..}", "Enables an auth method.", enable).attributes(sudo),
        route(Verb::Delete, "auth/{path..}", "Disables an auth method and ends its tokens.", disable).attributes(sudo),
    ]
}

/// Where a method is mounted.
pub fn full(path: &str) -> String {
    format!("auth/{}", with_slash(path.trim_start_matches('/')))
}

async fn list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    all_of(ctx, EngineKind::Auth).await
}

async fn show(ctx: &mut Ctx, input: AtPath) -> Result<Output> {
    let missing = || Error::invalid(format!("No auth engine at {}", with_slash(&input.path)));
    show_at(ctx, &full(&input.path), EngineKind::Auth).await?.ok_or_else(missing)
}

async fn enable(ctx: &mut Ctx, input: Enable) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let (engine, _) = engine_of(&input)?;
    if engine == "token" {
        return Err(Error::invalid("token credential backend cannot be instantiated"));
    }
    if call.core.mounts.builtin(&engine).is_none_or(|b| b.kind != EngineKind::Auth) {
        return Err(Error::invalid("plugin not found in the catalog: `type` must name an auth method of this server"));
    }
    let path = full(&input.path);
    enable_at(ctx, input, &path).await
}

async fn disable(ctx: &mut Ctx, input: AtPath) -> Result<Output> {
    let path = full(&input.path);
    if path == TOKEN_MOUNT {
        return Err(Error::invalid("token credential backend cannot be disabled"));
    }
    disable_at(ctx, &path, EngineKind::Auth).await
}
