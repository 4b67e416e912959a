//! `role/NAME/secret-id`, `secret-id-accessor`, `custom-secret-id`: list, look up and destroy secret ids.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{Ctx, Error, Field, Input, Output, Page, Result, Route, Text, Verb, field, list_names, route};
use strongroom_types::{SecretString, Timestamp};

use crate::id::MacKey;
use crate::issue;
use crate::role::{self, Named, Role};
use crate::secret::{self, Secret};

/// What a time is that never comes.
const NEVER: &str = "0001-01-01T00:00:00Z";
/// What the audit log shows in clear: accessors are masked there, as those of tokens are.
const ISSUED: &[&str] = &["secret_id_num_uses", "secret_id_ttl"];
const FACTS: &[&str] = &[
    "cidr_list",
    "creation_time",
    "expiration_time",
    "last_updated_time",
    "secret_id_num_uses",
    "secret_id_ttl",
    "token_bound_cidrs",
];

pub fn routes() -> Vec<Route> {
    use Verb::{Delete, List, Write};
    vec![
        route(List, "role/{role_name}/secret-id", "Lists accessors of a role's secret ids.", list),
        route(List, "role/{role_name}/secret-id/", "Lists accessors of a role's secret ids.", list),
        route(Write, "role/{role_name}/secret-id", "Makes a secret id.", issue::generated).shows(ISSUED),
        route(Write, "role/{role_name}/custom-secret-id", "Makes a chosen text a secret id.", issue::chosen).shows(ISSUED),
        route(Write, "role/{role_name}/secret-id/lookup", "Tells about a secret id.", lookup).shows(FACTS),
        route(Write, "role/{role_name}/secret-id/destroy", "Ends a secret id.", destroy),
        route(Delete, "role/{role_name}/secret-id/destroy", "Ends a secret id.", destroy),
        route(Write, "role/{role_name}/secret-id-accessor/lookup", "Tells about a secret id.", lookup_accessor).shows(FACTS),
        route(Write, "role/{role_name}/secret-id-accessor/destroy", "Ends a secret id.", destroy_accessor),
        route(Delete, "role/{role_name}/secret-id-accessor/destroy", "Ends a secret id.", destroy_accessor),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct OfRole {
    role_name: Text,
    secret_id: Text,
}

impl Input for OfRole {
    const FIELDS: &'static [Field] =
        &[field::<Text>("role_name", "Name of the role.").clear(), field::<Text>("secret_id", "The secret id.")];
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AccessorOfRole {
    role_name: Text,
    secret_id_accessor: Text,
}

impl Input for AccessorOfRole {
    const FIELDS: &'static [Field] = &[
        field::<Text>("role_name", "Name of the role.").clear(),
        field::<Text>("secret_id_accessor", "The secret id's accessor."),
    ];
}

async fn role_of(ctx: &mut Ctx, name: &Text) -> Result<Role> {
    let name = role::folded(&name.0)?;
    role::load(ctx, &name).await?.ok_or(Error::NotFoundText("role does not exist"))
}

async fn list(ctx: &mut Ctx, (named, page): (Named, Page)) -> Result<Output> {
    let name = role::folded(&named.role_name.0)?;
    let role = role::load(ctx, &name).await?.ok_or_else(|| Error::invalid("role does not exist"))?;
    let prefix = secret::records(&ctx.mount, &role.life);
    list_names(ctx, &prefix, &page).await
}

async fn lookup(ctx: &mut Ctx, input: OfRole) -> Result<Output> {
    match find(ctx, input).await? {
        (_, Some(secret)) => facts(&secret),
        (_, None) => Ok(Output::nothing()),
    }
}

async fn destroy(ctx: &mut Ctx, input: OfRole) -> Result<Output> {
    if let (role, Some(secret)) = find(ctx, input).await? {
        secret::remove(ctx, &role.life, &secret);
    }
    Ok(Output::nothing())
}

async fn find(ctx: &mut Ctx, input: OfRole) -> Result<(Role, Option<Arc<Secret>>)> {
    let text = SecretString::new(input.secret_id.0);
    if text.expose().trim().is_empty() {
        return Err(Error::invalid("missing secret_id"));
    }
    let role = role_of(ctx, &input.role_name).await?;
    let key = MacKey::of(ctx).await?;
    let secret = secret::by_text(ctx, &key, &role.life, text.expose().trim()).await?;
    Ok((role, secret))
}

/// An accessor of another role is as unknown as one of none.
async fn lookup_accessor(ctx: &mut Ctx, input: AccessorOfRole) -> Result<Output> {
    match find_accessor(ctx, input).await? {
        (_, Some(secret)) => facts(&secret),
        (_, None) => Ok(Output::nothing()),
    }
}

async fn destroy_accessor(ctx: &mut Ctx, input: AccessorOfRole) -> Result<Output> {
    let (role, secret) = find_accessor(ctx, input).await?;
    let unknown = Error::NotFoundText("failed to find accessor entry for secret_id_accessor in this role");
    secret::remove(ctx, &role.life, &*secret.ok_or(unknown)?);
    Ok(Output::nothing())
}

async fn find_accessor(ctx: &mut Ctx, input: AccessorOfRole) -> Result<(Role, Option<Arc<Secret>>)> {
    let accessor = input.secret_id_accessor.0;
    if accessor.is_empty() {
        return Err(Error::invalid("missing secret_id_accessor"));
    }
    let role = role_of(ctx, &input.role_name).await?;
    let found = secret::by_accessor(ctx, &role.life, &accessor).await?;
    let now = ctx.now;
    Ok((role, found.filter(|secret| secret.is_live(now))))
}

/// All about a secret id but itself.
fn facts(secret: &Secret) -> Result<Output> {
    Output::data(&json!({
        "cidr_list": secret.cidrs.networks(),
        "creation_time": secret.created.rfc3339(),
        "expiration_time": secret.expires.map_or_else(|| NEVER.to_owned(), Timestamp::rfc3339),
        "last_updated_time": secret.updated.rfc3339(),
        "metadata": secret.metadata,
        "secret_id_accessor": secret.accessor,
        "secret_id_num_uses": secret.uses_left,
        "secret_id_ttl": secret.ttl.as_s(),
        "token_bound_cidrs": secret.token_cidrs.networks(),
    }))
}
