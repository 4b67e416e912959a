//! `role/`: make, change, show, list and delete roles.

use std::sync::Arc;

use strongroom_engine::{
    Ctx, Error, Key, MountFacts, Output, Page, Peek, Present, Result, Route, TokenFields, Verb, list_names, route,
};
use strongroom_types::BoxFuture;

use crate::id::{self, MacKey};
use crate::role::{self, Named, Role, RoleFields};
use crate::role_id;

const SHOWN: &[&str] = &[
    "bind_secret_id",
    "local_secret_ids",
    "period",
    "policies",
    "secret_id_bound_cidrs",
    "secret_id_num_uses",
    "secret_id_ttl",
    "token_bound_cidrs",
    "token_explicit_max_ttl",
    "token_max_ttl",
    "token_no_default_policy",
    "token_num_uses",
    "token_period",
    "token_policies",
    "token_strictly_bind_ip",
    "token_ttl",
    "token_type",
];

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::List, "role", "Lists the roles.", list).shows(&["keys"]),
        route(Verb::List, "role/", "Lists the roles.", list).shows(&["keys"]),
        route(Verb::Read, "role/{role_name}", "Shows a role.", read).shows(SHOWN),
        route(Verb::Write, "role/{role_name}", "Makes or changes a role.", write)
            .exists(|peek, path| -> BoxFuture<'_, Result<bool>> { Box::pin(role::exists(peek, path)) }),
        route(Verb::Delete, "role/{role_name}", "Deletes a role; its secret ids end at once.", delete),
    ]
}

async fn list(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let prefix = role::key(&ctx.mount, "");
    list_names(ctx, &prefix, &page).await
}

async fn read(ctx: &mut Ctx, input: Named) -> Result<Output> {
    let name = role::folded(&input.role_name.0)?;
    let role = role::load(ctx, &name).await?.ok_or(Error::NotFound)?;
    Output::data(&role.shown())
}

async fn write(ctx: &mut Ctx, (mut own, tokens): (RoleFields, TokenFields)) -> Result<Output> {
    let name = role::folded(&own.role_name.0)?;
    let found = role::load(ctx, &name).await?;
    if found.is_some() && matches!(own.local_secret_ids, Present::Is(_)) {
        return Err(Error::invalid("local_secret_ids can only be modified during role creation"));
    }
    let mut role = found.unwrap_or_else(|| Role::fresh(ctx));
    let wanted = std::mem::take(&mut own.role_id).into_option();
    let warnings = role.apply(own, tokens)?;
    match wanted {
        Some(wanted) => role_id::set(ctx, &name, &mut role, wanted.0).await?,
        None if role.role_id.is_empty() => role_id::set(ctx, &name, &mut role, fresh_id(ctx)).await?,
        None => {}
    }
    role::save(ctx, &name, &role, warnings)
}

fn fresh_id(ctx: &Ctx) -> String {
    strongroom_types::uuid_v4(ctx.rng.as_ref())
}

/// The role goes, and with its life all that belongs to it: nothing finds a secret id of a life that no role has. What they
/// take up is wiped later.
async fn delete(ctx: &mut Ctx, input: Named) -> Result<Output> {
    let name = role::folded(&input.role_name.0)?;
    let Some(role) = role::load(ctx, &name).await? else { return Ok(Output::nothing()) };
    let (key, place) = (role::key(&ctx.mount, &name), MacKey::of(ctx).await?.role_place(&ctx.mount, &role.role_id));
    ctx.delete(key);
    ctx.delete(place);
    let intent = wipe_intent(&ctx.mount, &role.life);
    ctx.put(intent, Vec::new());
    Ok(Output::nothing())
}

/// The name of the role that a role id names, as committed.
pub async fn name_of(peek: &Peek, key: &MacKey, role_id: &str) -> Result<Option<String>> {
    if role_id.len() > id::CHOSEN_BYTES_MAX {
        return Ok(None);
    }
    name_at(peek, &key.role_place(&peek.mount, role_id)).await
}

async fn name_at(peek: &Peek, place: &Key) -> Result<Option<String>> {
    let Some(entry) = peek.get(place).await? else { return Ok(None) };
    let name = std::str::from_utf8(entry.value()).map_err(|_| Error::Internal("a role's name is malformed".into()))?;
    Ok(Some(name.to_owned()))
}

/// Secret ids of a life that is over and not yet wiped.
pub fn wipe_intent(mount: &MountFacts, life: &str) -> Key {
    mount.key("wipe").name(life)
}

/// Looks at the store that finding a role takes when nothing is at hand.
pub const LOOKS_MAX: usize = 2;

/// What a role id names.
pub struct Found {
    /// With its name.
    pub role: Option<(String, Arc<Role>)>,
    /// How many looks at the store it took.
    pub looks: usize,
}

/// The role that a role id names. The transaction rests on the role, which holds the id too.
pub async fn find(ctx: &mut Ctx, key: &MacKey, role_id: &str) -> Result<Found> {
    if role_id.len() > id::CHOSEN_BYTES_MAX {
        return Ok(Found { role: None, looks: 0 });
    }
    let place = key.role_place(&ctx.mount, role_id);
    let looks = look(ctx, &place);
    let Some(name) = name_at(&ctx.peek(), &place).await? else { return Ok(Found { role: None, looks }) };
    let looks = looks.saturating_add(look(ctx, &role::key(&ctx.mount, &name)));
    let role = role::load_shared(ctx, &name).await?;
    Ok(Found { role: role.filter(|r| r.role_id == role_id).map(|r| (name, r)), looks })
}

/// 1 when a read of this key would ask the store.
fn look(ctx: &Ctx, key: &Key) -> usize {
    usize::from(!ctx.txn.view().holds(key.as_bytes()))
}

/// Takes as long as `find` would have taken with nothing at hand.
pub async fn look_in_vain(ctx: &Ctx, key: &MacKey, looks: usize) -> Result<()> {
    let nowhere = key.role_place(&ctx.mount, "");
    for _ in looks..LOOKS_MAX {
        ctx.txn.view().ask_in_vain(nowhere.as_bytes()).await?;
    }
    Ok(())
}
