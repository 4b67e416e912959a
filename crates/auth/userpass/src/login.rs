//! Logging in, and renewing what a login gave.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_engine::{Auth, Ctx, Error, Field, Input, Login, Output, Result, SecretText, TokenTerms, field};

use crate::name::UserName;
use crate::password;
use crate::store::{self, User};

#[derive(Deserialize)]
pub struct LoginInput {
    username: String,
    #[serde(default)]
    password: SecretText,
}

impl Input for LoginInput {
    const FIELDS: &'static [Field] =
        &[field::<String>("username", "Name of the user.").clear(), field::<SecretText>("password", "The password.")];
}

/// One refusal for a wrong password and for an unknown name.
const WRONG: Error = Error::BadLogin("invalid username or password");

pub async fn login(ctx: &mut Ctx, input: LoginInput) -> Result<Output> {
    let name = UserName::parse(&input.username).ok_or(Error::UnsupportedPath)?;
    if input.password.0.is_empty() {
        return Err(Error::invalid("missing password"));
    }
    let user = prove(ctx, &name, input.password).await?;
    let renewal = Renewal { username: name.as_str().to_owned(), id: user.id, policies: policy_set(&user.terms) };
    let login = Login {
        alias: name.as_str().to_owned(),
        display_name: name.as_str().to_owned(),
        metadata: BTreeMap::from([("username".to_owned(), name.as_str().to_owned())]),
        terms: user.terms,
        renewal: serde_json::to_value(renewal).map_err(|e| Error::Internal(format!("encoding a login: {e}")))?,
        ..Login::default()
    };
    Ok(Output { auth: Some(Auth::Login(Box::new(login))), ..Output::default() })
}

/// The user, when the password is theirs. An imported hash is replaced by one of ours on the way.
async fn prove(ctx: &mut Ctx, name: &UserName, given: SecretText) -> Result<User> {
    let is_at_hand = ctx.txn.view().holds(store::key(&ctx.mount, name).as_bytes());
    let user = store::load(ctx, name).await?;
    let costliest = store::costliest_import(ctx).await?;
    let salt = password::new_salt(ctx.rng.as_ref());
    let stored = user.as_ref().map(|user| user.password.clone());
    let checked = ctx.pool.run(move || -> Result<_> {
        let is_right = password::check(stored.as_ref(), &given.0, costliest)?;
        let is_imported = matches!(stored, Some(password::Stored::Bcrypt(_)));
        Ok((is_right, (is_right && is_imported).then(|| password::hash(&given.0, salt)).transpose()?))
    });
    let (is_right, replacement) = checked.await??;
    if is_at_hand && !is_right {
        // SECURITY (CVE-2025-6011): a name tried for the first time is asked of the store, which takes longer than a look
        // into the cache; so every refusal asks once.
        store::ask_in_vain(ctx).await?;
    }
    let mut user = user.filter(|_| is_right).ok_or(WRONG)?;
    if let Some(replacement) = replacement {
        user.password = replacement;
        store::save(ctx, name, &user)?;
    }
    Ok(user)
}

/// What a token keeps of its login.
#[derive(Serialize, Deserialize)]
struct Renewal {
    username: String,
    id: String,
    policies: BTreeSet<String>,
}

fn policy_set(terms: &TokenTerms) -> BTreeSet<String> {
    terms.policies.iter().map(|name| name.trim().to_lowercase()).collect()
}

/// None when the user is gone. Errors: `InvalidListed` when the user's policies are no longer those of the token.
pub async fn renew(ctx: &mut Ctx, renewal: &Value) -> Result<Option<TokenTerms>> {
    let then: Renewal = serde_json::from_value(renewal.clone())
        .map_err(|_| Error::Internal("a token's renewal is not of the expected form".into()))?;
    let Some(name) = UserName::parse(&then.username) else { return Ok(None) };
    let Some(user) = store::load(ctx, &name).await?.filter(|user| user.id == then.id) else { return Ok(None) };
    if policy_set(&user.terms) != then.policies {
        return Err(Error::InvalidListed("failed to renew entry: policies have changed, not renewing".into()));
    }
    Ok(Some(user.terms))
}
