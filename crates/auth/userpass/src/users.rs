//! Users: made, shown, changed, listed, removed.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use strongroom_engine::{
    Cidrs, Ctx, Error, Field, Input, List, Number, Output, Present, Result, Seconds, SecretText, TokenFields, TokenTerms, field,
};

use crate::name::UserName;
use crate::password::{self, Stored};
use crate::store::{self, Former, User};

/// Names in one answer.
const NAMES_MAX: usize = 100_000;

/// A user by the path.
#[derive(Deserialize)]
pub struct ByName {
    username: String,
}
impl Input for ByName {
    const FIELDS: &'static [Field] = &[field::<String>("username", "Name of the user.").clear()];
}

/// Errors: `UnsupportedPath`, as for every path that no route serves.
fn named(username: &str) -> Result<UserName> {
    UserName::parse(username).ok_or(Error::UnsupportedPath)
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct UserInput {
    username: String,
    password: SecretText,
    password_hash: SecretText,
    policies: Present<List>,
    ttl: Present<Seconds>,
    max_ttl: Present<Seconds>,
    bound_cidrs: Present<List>,
}

impl Input for UserInput {
    const FIELDS: &'static [Field] = &[
        field::<String>("username", "Name of the user.").clear(),
        field::<SecretText>("password", "The password, at most 72 bytes."),
        field::<SecretText>("password_hash", "A bcrypt hash in place of the password."),
        field::<List>("policies", "Former name of `token_policies`.").clear(),
        field::<Seconds>("ttl", "Former name of `token_ttl`.").clear(),
        field::<Seconds>("max_ttl", "Former name of `token_max_ttl`.").clear(),
        field::<List>("bound_cidrs", "Former name of `token_bound_cidrs`.").clear(),
    ];
}

/// What the audit log may show of a user: all but the hash, which is never answered.
pub const SHOWN: &[&str] = &[
    "bound_cidrs",
    "max_ttl",
    "policies",
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
    "ttl",
];

pub async fn write(ctx: &mut Ctx, (input, tokens): (UserInput, TokenFields)) -> Result<Output> {
    let name = named(&input.username)?;
    let before = store::load(ctx, &name).await?;
    let (mut terms, mut former) = before.as_ref().map(|user| (user.terms.clone(), user.former)).unwrap_or_default();
    let UserInput { password, password_hash, policies, ttl, max_ttl, bound_cidrs, .. } = input;
    take_former(FormerFields { policies, ttl, max_ttl, bound_cidrs }, &tokens, &mut terms, &mut former)?;
    tokens.apply(&mut terms)?;
    let given = new_password(ctx, password, password_hash).await?;
    let user = match (before, given) {
        (Some(user), given) => User { password: given.unwrap_or(user.password), terms, former, id: user.id },
        (None, Some(password)) => User { id: hex::encode(password::new_salt(ctx.rng.as_ref())), password, terms, former },
        (None, None) => return Err(none_given()),
    };
    store::save(ctx, &name, &user)?;
    Ok(Output::nothing())
}

fn none_given() -> Error {
    Error::invalid("must provide either password or password_hash")
}

/// None when neither field says anything.
async fn new_password(ctx: &mut Ctx, password: SecretText, hash: SecretText) -> Result<Option<Stored>> {
    match (password.0.is_empty(), hash.0.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Err(Error::invalid("only one of password or password_hash may be provided")),
        (true, false) => {
            let (stored, cost) = password::imported(&hash.0)?;
            store::note_import(ctx, cost).await?;
            Ok(Some(stored))
        }
        (false, true) => {
            let (password, salt) = (password::acceptable(password.0)?, password::new_salt(ctx.rng.as_ref()));
            ctx.pool.run(move || password::hash(&password, salt)).await?.map(Some)
        }
    }
}

struct FormerFields {
    policies: Present<List>,
    ttl: Present<Seconds>,
    max_ttl: Present<Seconds>,
    bound_cidrs: Present<List>,
}

/// A former name counts where the present one is not given, and is shown until the present one alone is.
fn take_former(given: FormerFields, tokens: &TokenFields, terms: &mut TokenTerms, former: &mut Former) -> Result<()> {
    let shows = |given: bool, present: &str, before: bool| given || (before && !tokens.gives(present));
    former.policies = shows(given.policies != Present::Absent, "token_policies", former.policies);
    former.ttl = shows(given.ttl != Present::Absent, "token_ttl", former.ttl);
    former.max_ttl = shows(given.max_ttl != Present::Absent, "token_max_ttl", former.max_ttl);
    former.bound_cidrs = shows(given.bound_cidrs != Present::Absent, "token_bound_cidrs", former.bound_cidrs);
    if let Present::Is(List(policies)) = given.policies {
        terms.policies = policies;
    }
    for (given, place) in [(given.ttl, &mut terms.ttl), (given.max_ttl, &mut terms.max_ttl)] {
        if let Present::Is(Seconds(ttl)) = given {
            *place = ttl;
        }
    }
    if let Present::Is(List(cidrs)) = given.bound_cidrs {
        terms.bound_cidrs = Cidrs::parse(&cidrs)?;
    }
    Ok(())
}

pub async fn read(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let user = store::load(ctx, &named(&input.username)?).await?.ok_or(Error::NotFound)?;
    Output::data(&shown(&user))
}

fn shown(user: &User) -> Map<String, Value> {
    let (terms, former) = (&user.terms, user.former);
    let mut map = terms.shown();
    for (is_used, name, value) in [
        (former.policies, "policies", json!(terms.policies)),
        (former.ttl, "ttl", json!(terms.ttl.as_s())),
        (former.max_ttl, "max_ttl", json!(terms.max_ttl.as_s())),
        (former.bound_cidrs, "bound_cidrs", json!(terms.bound_cidrs.texts())),
    ] {
        if is_used {
            map.insert(name.into(), value);
        }
    }
    map
}

pub async fn delete(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let key = store::key(&ctx.mount, &named(&input.username)?);
    ctx.delete(key);
    Ok(Output::nothing())
}

/// The user of an endpoint that changes one. Errors: `InvalidListed` when there is none.
async fn existing(ctx: &mut Ctx, name: &UserName) -> Result<User> {
    store::load(ctx, name).await?.ok_or_else(|| Error::InvalidListed("username does not exist".into()))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PasswordInput {
    username: String,
    password: SecretText,
    password_hash: SecretText,
}
impl Input for PasswordInput {
    const FIELDS: &'static [Field] = &[
        field::<String>("username", "Name of the user.").clear(),
        field::<SecretText>("password", "The password, at most 72 bytes."),
        field::<SecretText>("password_hash", "A bcrypt hash in place of the password."),
    ];
}

pub async fn set_password(ctx: &mut Ctx, input: PasswordInput) -> Result<Output> {
    let name = named(&input.username)?;
    let mut user = existing(ctx, &name).await?;
    user.password = new_password(ctx, input.password, input.password_hash).await?.ok_or_else(none_given)?;
    store::save(ctx, &name, &user)?;
    Ok(Output::nothing())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PoliciesInput {
    username: String,
    policies: Present<List>,
    token_policies: Present<List>,
}
impl Input for PoliciesInput {
    const FIELDS: &'static [Field] = &[
        field::<String>("username", "Name of the user.").clear(),
        field::<List>("policies", "Former name of `token_policies`.").clear(),
        field::<List>("token_policies", "Policies of the user's tokens.").clear(),
    ];
}

pub async fn set_policies(ctx: &mut Ctx, input: PoliciesInput) -> Result<Output> {
    let name = named(&input.username)?;
    let mut user = existing(ctx, &name).await?;
    let is_former = input.policies != Present::Absent;
    if let Some(List(policies)) = input.token_policies.into_option().or(input.policies.into_option()) {
        user.terms.policies = policies.iter().map(|name| name.trim().to_lowercase()).collect();
        user.terms.policies.sort_unstable();
        user.terms.policies.dedup();
        user.former.policies = is_former;
        store::save(ctx, &name, &user)?;
    }
    Ok(Output::nothing())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ListInput {
    after: String,
    limit: Number,
}
impl Input for ListInput {
    const FIELDS: &'static [Field] = &[
        field::<String>("after", "Names up to this one are left out.").clear(),
        field::<Number>("limit", "Most names to answer; 0 or none is all.").clear(),
    ];
}

pub async fn list(ctx: &mut Ctx, input: ListInput) -> Result<Output> {
    let after = Some(input.after.as_str()).filter(|after| !after.is_empty());
    let wanted = usize::try_from(input.limit.0).ok().filter(|n| (1..=NAMES_MAX).contains(n));
    let names = ctx.list(&store::users(&ctx.mount), after, wanted.unwrap_or(NAMES_MAX.saturating_add(1))).await?;
    if names.len() > NAMES_MAX {
        return Err(Error::invalid(format!("more than {NAMES_MAX} names: list with `after` and `limit`")));
    }
    Output::keys(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_engine::testing::assert_fields_match;

    #[test]
    fn field_tables_are_true() {
        assert_fields_match::<ByName>();
        assert_fields_match::<UserInput>();
        assert_fields_match::<PasswordInput>();
        assert_fields_match::<PoliciesInput>();
        assert_fields_match::<ListInput>();
        assert_fields_match::<crate::login::LoginInput>();
    }
}
