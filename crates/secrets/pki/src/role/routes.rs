//! `roles/`: make, change, show, list and delete roles.

use serde::Deserialize;
use strongroom_engine::{Ctx, Error, Field, Input, Output, Page, Peek, Result, Route, Text, Verb, field, list_names, route};
use strongroom_types::BoxFuture;

use super::{Role, RoleFields, SHOWN, checked_name};
use crate::{issuers, store};

/// The role of the path, and nothing else.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Named {
    pub name: Text,
}

impl Input for Named {
    const FIELDS: &'static [Field] = &[field::<Text>("name", "Name of the role.").clear()];
}

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::List, "roles", "Lists the roles.", list).shows(&["keys"]),
        route(Verb::List, "roles/", "Lists the roles.", list).shows(&["keys"]),
        route(Verb::Read, "roles/{name}", "Shows a role.", read).shows(SHOWN),
        route(Verb::Write, "roles/{name}", "Makes or replaces a role; what is left out gets its default.", write)
            .shows(SHOWN)
            .exists(|peek, path| -> BoxFuture<'_, Result<bool>> { Box::pin(exists(peek, path)) }),
        route(Verb::Patch, "roles/{name}", "Changes a role; what is left out stays.", patch).shows(SHOWN),
        route(Verb::Delete, "roles/{name}", "Deletes a role; its certificates stay valid.", delete),
    ]
}

async fn exists(peek: &Peek, path: &str) -> Result<bool> {
    let name = path.strip_prefix("roles/").unwrap_or(path);
    Ok(peek.get(&store::roles(&peek.mount).name(name)).await?.is_some())
}

async fn list(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let prefix = store::roles(&ctx.mount);
    list_names(ctx, &prefix, &page).await
}

async fn read(ctx: &mut Ctx, input: Named) -> Result<Output> {
    let key = store::roles(&ctx.mount).name(checked_name(&input.name.0)?);
    let role: Role = ctx.load(&key).await?.ok_or(Error::NotFound)?;
    Output::data(&role)
}

async fn write(ctx: &mut Ctx, input: RoleFields) -> Result<Output> {
    change(ctx, Role::default(), input).await
}

async fn patch(ctx: &mut Ctx, input: RoleFields) -> Result<Output> {
    let key = store::roles(&ctx.mount).name(checked_name(&input.name.0)?);
    let role = ctx.load(&key).await?.ok_or_else(|| Error::invalid("Unable to fetch role entry to patch"))?;
    change(ctx, role, input).await
}

async fn change(ctx: &mut Ctx, mut role: Role, mut input: RoleFields) -> Result<Output> {
    let name = std::mem::take(&mut input.name).0;
    let key = store::roles(&ctx.mount).name(checked_name(&name)?);
    input.apply(&mut role);
    let mut warnings = issuers::missing(ctx, &role.issuer_ref).await?;
    warnings.extend(role.settle()?);
    ctx.save(key, &role)?;
    Ok(Output { warnings, ..Output::data(&role)? })
}

async fn delete(ctx: &mut Ctx, input: Named) -> Result<Output> {
    let key = store::roles(&ctx.mount).name(checked_name(&input.name.0)?);
    ctx.delete(key);
    Ok(Output::nothing())
}
