//! Showing tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_engine::{Ctx, Error, Field, Input, Key, NoFields, Number, Output, Present, Result, Text, TokenKind, field};
use strongroom_types::{SecretString, Timestamp};

use super::{ByAccessor, ByToken};
use crate::SystemCall;
use crate::token::LiveToken;

/// Field order is the answer's.
#[derive(Serialize)]
struct Shown<'a> {
    accessor: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bound_cidrs: Vec<String>,
    creation_time: u64,
    creation_ttl: u64,
    display_name: &'a str,
    entity_id: &'a str,
    expire_time: Option<String>,
    explicit_max_ttl: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_namespace_policies: Option<BTreeMap<String, String>>,
    id: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    identity_policies: &'a [String],
    issue_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_renewal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_renewal_time: Option<u64>,
    meta: Option<&'a BTreeMap<String, String>>,
    num_uses: i64,
    orphan: bool,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    policies: &'a [String],
    renewable: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    role: &'a str,
    ttl: u64,
    r#type: &'a str,
}

/// What the audit log may show of a look-up. The token and its accessor are not among it.
pub const SHOWN: &[&str] = &[
    "creation_time",
    "creation_ttl",
    "display_name",
    "entity_id",
    "expire_time",
    "explicit_max_ttl",
    "identity_policies",
    "issue_time",
    "num_uses",
    "path",
    "period",
    "policies",
    "bound_cidrs",
    "role",
    "ttl",
    "type",
];

/// A token whose entity is disabled or gone shows without identity policies: they count for nothing.
async fn shown(call: &SystemCall, token: &LiveToken, id: &str, now: Timestamp, used_up: bool) -> Result<Output> {
    let standing = match token.standing(&call.core.identities).await {
        Ok(standing) => Some(standing),
        Err(Error::BadToken(_)) => None,
        Err(other) => return Err(other),
    };
    let identity_policies = standing.as_ref().map_or(&[][..], |s| s.identity_policies());
    let entry = &token.entry;
    let is_batch = token.caller.kind == TokenKind::Batch;
    let life = &entry.life;
    Output::data(&Shown {
        accessor: if is_batch { "" } else { &entry.family },
        bound_cidrs: entry.bound_cidrs.texts(),
        creation_time: life.created.unix_s(),
        creation_ttl: life.creation_ttl.as_s(),
        display_name: &entry.display_name,
        entity_id: &entry.entity_id,
        expire_time: life.expires.map(Timestamp::rfc3339),
        explicit_max_ttl: life.explicit_max_ttl.as_s(),
        external_namespace_policies: (!identity_policies.is_empty()).then(BTreeMap::new),
        id,
        identity_policies,
        issue_time: life.created.rfc3339(),
        last_renewal: life.renewed.map(Timestamp::rfc3339),
        last_renewal_time: life.renewed.map(Timestamp::unix_s),
        meta: (!entry.meta.is_empty()).then_some(&entry.meta),
        num_uses: if used_up { -1 } else { i64::from(entry.grant.uses_left) },
        orphan: entry.parent.is_none(),
        path: &entry.path,
        period: (!life.period.is_zero()).then_some(life.period.as_s()),
        policies: &entry.grant.policies,
        renewable: life.renewable,
        role: &entry.role,
        ttl: entry.ttl_left(now).as_s(),
        r#type: if is_batch { "batch" } else { "service" },
    })
}

pub async fn own(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let (Some(token), Some(text)) = (&call.token, &call.token_text) else { return Err(Error::Denied) };
    shown(&call, token, text.expose(), ctx.now, call.is_last_use).await
}

pub async fn by_token(ctx: &mut Ctx, input: ByToken) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if input.token.0.is_empty() {
        return Err(Error::invalid("missing token ID"));
    }
    let text = SecretString::new(input.token.0);
    let token = call.core.tokens.find(&text, ctx.now).await?.ok_or(Error::BadToken("bad token"))?;
    shown(&call, &token, text.expose(), ctx.now, false).await
}

pub async fn by_accessor(ctx: &mut Ctx, input: ByAccessor) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let token = super::by_accessor(&call, &input.accessor.0, ctx.now).await?;
    shown(&call, &token, "", ctx.now, false).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Page {
    pub after: Present<Text>,
    pub limit: Present<Number>,
}

impl Input for Page {
    const FIELDS: &'static [Field] =
        &[field::<Text>("after", "Starts behind this name.").clear(), field::<Number>("limit", "At most so many names.").clear()];
}

impl Page {
    /// The names of this page.
    pub async fn of(self, ctx: &mut Ctx, prefix: &Key) -> Result<Vec<String>> {
        let limit = self.limit.into_option().and_then(|n| usize::try_from(n.0).ok()).filter(|n| *n > 0).unwrap_or(usize::MAX);
        let after = self.after.into_option().map(|t| t.0);
        ctx.list(prefix, after.as_deref(), limit).await
    }
}

pub async fn accessors(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let keys = page.of(ctx, &crate::token::key("")).await?;
    Output::data(&serde_json::json!({ "keys": keys }))
}
