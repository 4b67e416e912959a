//! `sys/policies/password`: what generated passwords look like.

use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{
    Ctx, Error, Field, Input, NoFields, Output, PasswordDocument, Result, Route, Text, Verb, field, password_policy_key, route,
};
use strongroom_password::PasswordPolicy;

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::List, "policies/password/", "Lists the password policies.", list).shows(&["keys"]),
        // Before the policy itself: the longer pattern must be tried first.
        route(Verb::Read, "policies/password/{name}/generate", "A password by a policy.", generate),
        route(Verb::Read, "policies/password/{name}", "Shows a password policy.", read).shows(&["policy"]),
        route(Verb::Write, "policies/password/{name}", "Writes a password policy.", write),
        route(Verb::Delete, "policies/password/{name}", "Deletes a password policy.", delete),
    ]
}

/// Largest text in bytes, and longest name.
const TEXT_BYTES_MAX: usize = 64 * 1024;
const NAME_BYTES_MAX: usize = 128;

#[derive(Deserialize)]
pub struct ByName {
    name: String,
}
impl Input for ByName {
    const FIELDS: &'static [Field] = &[field::<String>("name", "The policy's name.").clear()];
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Write {
    name: String,
    policy: Text,
}
impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<String>("name", "The policy's name.").clear(),
        field::<Text>("policy", "Its rules in HCL or JSON, or that in base64."),
    ];
}

async fn list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    Output::keys(ctx.list(&password_policy_key(""), None, usize::MAX).await?)
}

async fn document(ctx: &mut Ctx, name: &str) -> Result<PasswordDocument> {
    ctx.load(&password_policy_key(name)).await?.ok_or_else(|| Error::NotFoundListed("policy does not exist".into()))
}

async fn read(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    Output::data(&json!({ "policy": document(ctx, &input.name).await?.text }))
}

async fn generate(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let password = document(ctx, &input.name).await?.policy()?.generate(ctx.rng.as_ref());
    Output::data(&json!({ "password": password.expose() }))
}

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    if input.name.len() > NAME_BYTES_MAX {
        return Err(Error::invalid("name must have at most 128 bytes"));
    }
    if input.policy.0.is_empty() {
        return Err(Error::InvalidListed("missing policy".into()));
    }
    let text = super::policies::plain(input.policy.0);
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::invalid("policy must have at most 65536 bytes"));
    }
    PasswordPolicy::parse(&text).map_err(|e| Error::InvalidListed(e.to_string()))?;
    ctx.save(password_policy_key(&input.name), &PasswordDocument { text })?;
    Ok(Output::nothing())
}

async fn delete(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    ctx.delete(password_policy_key(&input.name));
    Ok(Output::nothing())
}
