//! `role/NAME/role-id`: the id by which a role is named at logins. No two roles of a mount have the same.

use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{Ctx, Error, Field, Input, Output, Result, Route, Text, Verb, field, route};

use crate::id::{self, MacKey};
use crate::role::{self, Named, Role};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Read, "role/{role_name}/role-id", "Shows a role's id.", read),
        route(Verb::Write, "role/{role_name}/role-id", "Sets a role's id.", write),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct IdOfRole {
    role_name: Text,
    role_id: Text,
}

impl Input for IdOfRole {
    const FIELDS: &'static [Field] =
        &[field::<Text>("role_name", "Name of the role.").clear(), field::<Text>("role_id", "The role's id for logins.")];
}

async fn read(ctx: &mut Ctx, input: Named) -> Result<Output> {
    let name = role::folded(&input.role_name.0)?;
    let role = role::load(ctx, &name).await?.ok_or(Error::NotFound)?;
    Output::data(&json!({ "role_id": role.role_id }))
}

async fn write(ctx: &mut Ctx, input: IdOfRole) -> Result<Output> {
    let name = role::folded(&input.role_name.0)?;
    let mut role = role::load(ctx, &name).await?.ok_or(Error::NotFoundText("role does not exist"))?;
    set(ctx, &name, &mut role, input.role_id.0).await?;
    role::save(ctx, &name, &role, Vec::new())
}

/// Gives a role an id, without saving the role. Errors: `Invalid` for an id that cannot be one or that another role has.
pub async fn set(ctx: &mut Ctx, name: &str, role: &mut Role, wanted: String) -> Result<()> {
    id::check_chosen("role_id", &wanted)?;
    if role.role_id == wanted {
        return Ok(());
    }
    let key = MacKey::of(ctx).await?;
    let place = key.role_place(&ctx.mount, &wanted);
    if ctx.get(&place).await?.is_some() {
        return Err(Error::invalid("role_id already in use"));
    }
    let before = key.role_place(&ctx.mount, &role.role_id);
    ctx.delete(before);
    ctx.put(place, name.as_bytes().to_vec());
    role.role_id = wanted;
    Ok(())
}
