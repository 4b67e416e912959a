//! `sys/policies/acl` and its older form `sys/policy`.

use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use strongroom_engine::{
    Ctx, Error, Field, Flag, Input, NoFields, Number, Output, Present, Result, Route, Text, Verb, field, route,
};
use strongroom_policy::Policy;
use strongroom_types::{PolicyName, Timestamp};

use crate::SystemCall;
use crate::acl::{self, Document};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::List, "policies/acl/", "Lists the policies.", list).shows(SHOWN),
        route(Verb::Read, "policies/acl/{name}", "Shows a policy.", read).folds(folded).shows(SHOWN),
        route(Verb::Write, "policies/acl/{name}", "Writes a policy.", write).folds(folded),
        route(Verb::Delete, "policies/acl/{name}", "Deletes a policy.", delete).folds(folded),
        route(Verb::Read, "policy", "Lists the policies.", legacy_list).shows(SHOWN),
        route(Verb::List, "policy/", "Lists the policies.", legacy_list).shows(SHOWN),
        route(Verb::Read, "policy/{name}", "Shows a policy.", legacy_read).folds(folded).shows(SHOWN),
        route(Verb::Write, "policy/{name}", "Writes a policy.", write).folds(folded),
        route(Verb::Delete, "policy/{name}", "Deletes a policy.", delete).folds(folded),
    ]
}

async fn names(ctx: &Ctx) -> Result<Vec<String>> {
    let mut names = SystemCall::of(ctx)?.core.policies.names().await?;
    names.retain(|n| n != acl::RESPONSE_WRAPPING);
    names.push(acl::ROOT.to_owned());
    names.sort_unstable();
    Ok(names)
}

async fn list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    Output::keys(names(ctx).await?)
}

async fn legacy_list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let names = names(ctx).await?;
    Ok(Output::data(&json!({ "keys": names, "policies": names }))?.top_level())
}

#[derive(Deserialize)]
pub struct ByName {
    name: String,
}
impl Input for ByName {
    const FIELDS: &'static [Field] = &[field::<String>("name", "The policy's name; upper case is folded.").clear()];
}

fn folded(name: &str) -> Option<String> {
    PolicyName::parse(name).ok().map(|name| name.as_str().to_owned())
}

fn parsed(name: &str) -> Result<PolicyName> {
    PolicyName::parse(name).map_err(|e| Error::invalid(format!("policy name: {e}")))
}

/// A document as shown; `text_key` is `policy`, or `rules` in the older form.
async fn shown(ctx: &Ctx, name: &str, text_key: &str) -> Result<Map<String, Value>> {
    let name = parsed(name)?;
    let mut map = Map::new();
    map.insert("name".into(), json!(name.as_str()));
    map.insert("allow_slashes_in_identity_templates".into(), json!(false));
    map.insert("allow_wildcards_in_identity_templates".into(), json!(false));
    let (text, version, cas_required) = if name.as_str() == acl::ROOT {
        (String::new(), 0, false)
    } else {
        let document = SystemCall::of(ctx)?.core.policies.document(&name).await?.ok_or(Error::NotFound)?;
        map.insert("modified".into(), json!(document.modified.rfc3339()));
        (document.text, document.version, document.cas_required)
    };
    map.insert(text_key.into(), json!(text));
    map.insert("version".into(), json!(version));
    map.insert("cas_required".into(), json!(cas_required));
    Ok(map)
}

/// What the audit log may show: a policy is no secret.
const SHOWN: &[&str] = &["name", "version", "modified", "cas_required", "policy", "rules", "keys", "policies"];

async fn read(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    Output::data(&shown(ctx, &input.name, "policy").await?)
}

async fn legacy_read(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    Ok(Output::data(&shown(ctx, &input.name, "rules").await?)?.top_level())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Write {
    name: String,
    policy: Present<Text>,
    rules: Present<Text>,
    cas: Present<Number>,
    cas_required: Present<Flag>,
}

impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<String>("name", "The policy's name; upper case is folded.").clear(),
        field::<Text>("policy", "The policy in HCL or JSON, or that in base64."),
        field::<Text>("rules", "Older name of policy."),
        field::<Number>("cas", "Version that this write replaces; -1 means only if there is none.").clear(),
        field::<Flag>("cas_required", "Whether later writes must give cas.").clear(),
    ];
}

/// Largest policy text in bytes.
const POLICY_BYTES_MAX: usize = 256 * 1024;

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    let name = parsed(&input.name)?;
    if name.as_str() == acl::ROOT {
        return Err(Error::invalid("cannot update \"root\" policy"));
    }
    let text = input.policy.into_option().or(input.rules.into_option()).map(|t| t.0).unwrap_or_default();
    if text.is_empty() {
        return Err(Error::invalid("'policy' parameter not supplied or empty"));
    }
    let text = plain(text);
    if text.len() > POLICY_BYTES_MAX {
        return Err(Error::invalid("policy must have at most 262144 bytes"));
    }
    Policy::parse(name.clone(), &text).map_err(|e| Error::invalid(format!("failed to parse policy: {e}")))?;
    let old: Option<Document> = ctx.load(&acl::key(&name)).await?;
    check_cas(old.as_ref(), input.cas.into_option().map(|n| n.0))?;
    let document = next(old, text, input.cas_required.into_option().map(|f| f.0), ctx.now);
    ctx.save(acl::key(&name), &document)?;
    Ok(Output::nothing())
}

/// Text that is base64 of text is decoded, as the command line of others sends it.
pub fn plain(text: String) -> String {
    let decoded = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok();
    decoded.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|t| !t.is_empty()).unwrap_or(text)
}

fn check_cas(old: Option<&Document>, cas: Option<i64>) -> Result<()> {
    match (old, cas) {
        (Some(old), None) if old.cas_required => Err(Error::invalid("check-and-set parameter required for this call")),
        (_, None) | (None, Some(-1)) => Ok(()),
        (Some(_), Some(-1)) => Err(Error::invalid("check-and-set parameter set to -1 on existing entry")),
        (old, Some(cas)) => {
            let version = old.map_or(0, |o| o.version);
            if u64::try_from(cas) == Ok(version) {
                return Ok(());
            }
            Err(Error::invalid(format!("check-and-set parameter {cas} did not match the current version {version}")))
        }
    }
}

fn next(old: Option<Document>, text: String, cas_required: Option<bool>, now: Timestamp) -> Document {
    Document {
        text,
        version: old.as_ref().map_or(0, |o| o.version).saturating_add(1),
        modified: now,
        cas_required: cas_required.unwrap_or(old.is_some_and(|o| o.cas_required)),
    }
}

async fn delete(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let name = parsed(&input.name)?;
    match name.as_str() {
        acl::ROOT => Err(Error::invalid("cannot delete \"root\" policy")),
        acl::DEFAULT => Err(Error::invalid("cannot delete default policy")),
        acl::RESPONSE_WRAPPING => Err(Error::invalid("cannot delete \"response-wrapping\" policy")),
        _ => {
            ctx.delete(acl::key(&name));
            Ok(Output::nothing())
        }
    }
}
