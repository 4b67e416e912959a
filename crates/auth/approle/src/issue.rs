//! Making secret ids: generated, or of a text that somebody chose.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use strongroom_engine::{Ctx, Error, Field, Input, List, Number, Output, Present, Result, Seconds, Text, field};
use strongroom_types::{SecretString, Ttl};

use crate::id::{MacKey, Place, check_chosen, fresh_name};
use crate::role::{self, Role, uses_of};
use crate::secret::{self, Secret};
use crate::{cidr, metadata};

/// What a new secret id may be told to be.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Wanted {
    role_name: Text,
    metadata: Option<Box<RawValue>>,
    cidr_list: List,
    token_bound_cidrs: List,
    num_uses: Present<Number>,
    ttl: Present<Seconds>,
}

impl Input for Wanted {
    const FIELDS: &'static [Field] = &[
        field::<Text>("role_name", "Name of the role.").clear(),
        field::<Box<RawValue>>("metadata", "Names and texts that the tokens carry: an object, or a text that holds one."),
        field::<List>("cidr_list", "Networks from which a login may come, within those of the role.").clear(),
        field::<List>("token_bound_cidrs", "Networks from which the tokens may be used, within those of the role.").clear(),
        field::<Number>("num_uses", "Logins that it serves; the role's number when left out.").clear(),
        field::<Seconds>("ttl", "Lifetime; the role's when left out.").clear(),
    ];
}

/// The text of a secret id that somebody chose.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ChosenText {
    secret_id: Text,
}

impl Input for ChosenText {
    const FIELDS: &'static [Field] = &[field::<Text>("secret_id", "The secret id.")];
}

pub async fn generated(ctx: &mut Ctx, wanted: Wanted) -> Result<Output> {
    let role = role_of(ctx, &wanted).await?;
    let mut secret = settled(ctx, &role, wanted)?;
    let (text, accessor, tag) = MacKey::of(ctx).await?.generate(&role.life, ctx.rng.as_ref(), ctx.now);
    (secret.accessor, secret.tag) = (accessor, hex::encode(tag));
    secret::insert(ctx, &role.life, &secret)?;
    shown(&text, &secret)
}

pub async fn chosen(ctx: &mut Ctx, (wanted, given): (Wanted, ChosenText)) -> Result<Output> {
    let text = SecretString::new(given.secret_id.0);
    check_chosen("secret_id", text.expose())?;
    let role = role_of(ctx, &wanted).await?;
    let mut secret = settled(ctx, &role, wanted)?;
    let key = MacKey::of(ctx).await?;
    let presented = key.read(&role.life, text.expose());
    secret.tag = hex::encode(presented.tag);
    // A text that this role gave out before and that was destroyed goes where it was.
    (secret.accessor, secret.chosen) = match presented.place {
        Place::Accessor(accessor) => (accessor, false),
        Place::Chosen => (fresh_name(ctx.rng.as_ref(), ctx.now), true),
    };
    if secret::is_taken(ctx, &role.life, &secret).await? {
        return Err(Error::invalid("failed to store secret_id: SecretID is already registered"));
    }
    secret::insert(ctx, &role.life, &secret)?;
    shown(&text, &secret)
}

async fn role_of(ctx: &mut Ctx, wanted: &Wanted) -> Result<Role> {
    let name = role::folded(&wanted.role_name.0)?;
    let role = role::load(ctx, &name).await?.ok_or(Error::NotFoundText("role does not exist"))?;
    if role.binds_secret_id { Ok(role) } else { Err(Error::invalid("bind_secret_id is not set on the role")) }
}

/// The record but for its names. Errors: `Invalid` for what goes beyond the role.
fn settled(ctx: &Ctx, role: &Role, wanted: Wanted) -> Result<Secret> {
    let cidrs = cidr::networks("cidr_list", &wanted.cidr_list.0)?;
    let token_cidrs = cidr::networks("token_bound_cidrs", &wanted.token_bound_cidrs.0)?;
    cidr::check_within("cidr_list", &cidrs, &role.secret_id_bound_cidrs)?;
    cidr::check_within("token_bound_cidrs", &token_cidrs, &role.terms.bound_cidrs)?;
    let ttl = ttl_of(ctx, role, wanted.ttl)?;
    Ok(Secret {
        accessor: String::new(),
        tag: String::new(),
        created: ctx.now,
        updated: ctx.now,
        ttl,
        expires: (!ttl.is_zero()).then(|| ctx.now.plus(ttl)),
        uses_left: num_uses_of(role, wanted.num_uses)?,
        metadata: wanted.metadata.as_deref().map(metadata::parse).transpose()?.unwrap_or_default(),
        cidrs,
        token_cidrs,
        chosen: false,
    })
}

fn num_uses_of(role: &Role, wanted: Present<Number>) -> Result<u32> {
    let most = role.secret_id_num_uses;
    let Present::Is(wanted) = wanted else { return Ok(most) };
    let uses = uses_of("num_uses", wanted)?;
    if most != 0 && (uses == 0 || uses > most) {
        return Err(Error::invalid("num_uses cannot be higher than the role's secret_id_num_uses"));
    }
    Ok(uses)
}

/// Zero: it does not expire. What does expire does so within the mount's maximum, where that is set.
fn ttl_of(ctx: &Ctx, role: &Role, wanted: Present<Seconds>) -> Result<Ttl> {
    let most = role.secret_id_ttl;
    let ttl = match wanted {
        Present::Is(Seconds(ttl)) if !most.is_zero() && (ttl.is_zero() || ttl > most) => {
            return Err(Error::invalid("ttl cannot be longer than the role's secret_id_ttl"));
        }
        Present::Is(Seconds(ttl)) => ttl,
        Present::Absent | Present::Null => most,
    };
    Ok(if ctx.mount.max_ttl.is_zero() { ttl } else { ttl.min(ctx.mount.max_ttl) })
}

fn shown(text: &SecretString, secret: &Secret) -> Result<Output> {
    /// Borrowed, so that no further copy of the secret id is made.
    #[derive(Serialize)]
    struct Shown<'a> {
        secret_id: &'a str,
        secret_id_accessor: &'a str,
        secret_id_num_uses: u32,
        secret_id_ttl: u64,
    }
    Output::data(&Shown {
        secret_id: text.expose(),
        secret_id_accessor: &secret.accessor,
        secret_id_num_uses: secret.uses_left,
        secret_id_ttl: secret.ttl.as_s(),
    })
}
