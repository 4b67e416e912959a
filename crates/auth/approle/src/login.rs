//! Logins. An unknown role id and a wrong secret id take one way and get one answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_engine::{Auth, Cidrs, Ctx, Error, Field, FieldSet, Input, Login, Output, Peek, Result, Text, TokenTerms, field};
use strongroom_types::SecretString;

use crate::id::MacKey;
use crate::role::{self, Role};
use crate::roles;
use crate::secret::{self, Secret};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Credentials {
    role_id: Text,
    secret_id: Text,
}

impl Input for Credentials {
    const FIELDS: &'static [Field] =
        &[field::<Text>("role_id", "The role's id."), field::<Text>("secret_id", "A secret id of the role.")];
}

/// What a renewal needs to find the role again.
#[derive(Serialize, Deserialize)]
struct Renewal {
    role: String,
    life: String,
}

fn refused() -> Error {
    Error::BadLogin("invalid role or secret ID")
}

/// Whose secret ids a request tries.
pub fn tried_role_id(fields: &FieldSet, _: &str) -> Option<String> {
    let role_id = fields.text("role_id")?;
    Some(role_id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The role whose id a request brings.
pub async fn role_asked(peek: &Peek, fields: &FieldSet) -> Result<Option<String>> {
    let Some(role_id) = tried_role_id(fields, "") else { return Ok(None) };
    let key = MacKey::seen(peek).await?;
    roles::name_of(peek, &key, &role_id).await
}

pub async fn login(ctx: &mut Ctx, input: Credentials) -> Result<Output> {
    let (role_id, secret_id) = (input.role_id.0.trim(), SecretString::new(input.secret_id.0));
    if role_id.is_empty() {
        return Err(Error::invalid("missing role_id"));
    }
    let key = MacKey::of(ctx).await?;
    let found = roles::find(ctx, &key, role_id).await?;
    let secret = match &found.role {
        Some((_, role)) if !role.binds_secret_id => None,
        Some((_, role)) => Some(proven(ctx, &key, &role.life, secret_id.expose().trim(), found.looks).await?),
        None => Some(proven(ctx, &key, &key.life_of_nobody(role_id), secret_id.expose().trim(), found.looks).await?),
    };
    let (name, role) = found.role.ok_or_else(refused)?;
    check_address(ctx, &role, secret.as_deref())?;
    if let Some(secret) = &secret {
        spend(ctx, &role.life, secret)?;
    }
    let login = vouch(&name, &role, secret.as_deref())?;
    Ok(Output { auth: Some(Auth::Login(Box::new(login))), ..Output::default() })
}

async fn proven(ctx: &mut Ctx, key: &MacKey, life: &str, text: &str, looks: usize) -> Result<Arc<Secret>> {
    if text.is_empty() {
        return Err(Error::invalid("missing secret_id"));
    }
    let found = secret::by_text(ctx, key, life, text).await?;
    if found.is_none() {
        // SECURITY: a role, or a role id, that is not at hand is asked of the store, which takes longer; so every refusal does.
        roles::look_in_vain(ctx, key, looks).await?;
    }
    found.ok_or_else(refused)
}

/// SECURITY: told only to those who proved themselves, but for a role that asks for no secret id, where this is the proof.
fn check_address(ctx: &Ctx, role: &Role, secret: Option<&Secret>) -> Result<()> {
    if secret.is_some_and(|s| !s.cidrs.admits(ctx.remote)) {
        return Err(Error::invalid("source address unauthorized through CIDR restrictions on the secret ID"));
    }
    let proves = secret.is_some() || role.terms.bound_cidrs.admits(ctx.remote);
    if !proves || !role.secret_id_bound_cidrs.admits(ctx.remote) {
        return Err(Error::invalid("source address unauthorized by CIDR restrictions on the role"));
    }
    Ok(())
}

/// Counts one login. INVARIANT: the record was read in this transaction, so of two logins at once one counts first and the
/// other sees what it left.
fn spend(ctx: &mut Ctx, life: &str, secret: &Secret) -> Result<()> {
    match secret.uses_left {
        0 => Ok(()),
        1 => {
            secret::remove(ctx, life, secret);
            Ok(())
        }
        uses => {
            let spent = Secret { uses_left: uses.saturating_sub(1), updated: ctx.now, ..secret.clone() };
            secret::update(ctx, life, &spent)
        }
    }
}

fn vouch(name: &str, role: &Role, secret: Option<&Secret>) -> Result<Login> {
    let renewal = serde_json::to_value(Renewal { role: name.to_owned(), life: role.life.clone() });
    let renewal = renewal.map_err(|e| Error::Internal(format!("encoding a login: {e}")))?;
    let (mut metadata, own_cidrs) = secret.map(|s| (s.metadata.clone(), s.token_cidrs.clone())).unwrap_or_default();
    metadata.insert("role_name".to_owned(), name.to_owned());
    let mut terms = role.terms.clone();
    terms.bound_cidrs = narrower(own_cidrs, terms.bound_cidrs);
    Ok(Login { alias: role.role_id.clone(), alias_metadata: metadata.clone(), metadata, terms, renewal, ..Login::default() })
}

/// The secret id's networks while they lie within the role's, which may have shrunk since.
fn narrower(own: Cidrs, of_role: Cidrs) -> Cidrs {
    if !own.is_empty() && own.is_within(&of_role) { own } else { of_role }
}

/// The role's terms of today; None when the role that logged in is gone, whatever has its name now.
pub async fn renew(ctx: &mut Ctx, renewal: &Value) -> Result<Option<TokenTerms>> {
    let renewal = Renewal::deserialize(renewal).map_err(|_| Error::Internal("a login's renewal is malformed".into()))?;
    let role = role::load(ctx, &renewal.role).await?;
    Ok(role.filter(|role| role.life == renewal.life).map(|role| role.terms))
}
