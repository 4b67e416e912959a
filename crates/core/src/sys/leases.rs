//! `sys/leases`: look up, renew, revoke, list and count leases. A login's token is shown as a lease too: its id is the path of the
//! login and its accessor.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_engine::{
    Attributes, Ctx, Error, Field, Flag, Input, Key, NoFields, Number, Output, Result, Route, Seconds, Text, Verb, field, route,
};

use crate::SystemCall;
use crate::lease::revoke::{self, Mode};
use crate::lease::{self, LeaseEntry, Removal};
use crate::token::{self, TokenEntry};

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::Write, "leases/lookup", "Shows a lease.", lookup).shows(&["expire_time", "issue_time", "renewable", "ttl"]),
        route(Verb::List, "leases/lookup", "Lists leases level by level.", list_top).attributes(sudo),
        route(Verb::List, "leases/lookup/", "Lists leases level by level.", list_top).attributes(sudo),
        route(Verb::List, "leases/lookup/{prefix..}", "Lists leases level by level.", list).attributes(sudo),
        route(Verb::Write, "leases/renew", "Extends a lease.", renew),
        route(Verb::Write, "leases/renew/{url_lease_id..}", "Extends a lease.", renew),
        route(Verb::Write, "leases/revoke", "Ends a lease.", revoke_one),
        route(Verb::Write, "leases/revoke/{url_lease_id..}", "Ends a lease.", revoke_one),
        route(Verb::Write, "leases/revoke-prefix/{prefix..}", "Ends all leases and tokens below a path.", revoke_prefix)
            .attributes(sudo),
        route(Verb::Write, "leases/revoke-force/{prefix..}", "As revoke-prefix, whatever engines say.", revoke_force)
            .attributes(sudo),
        route(Verb::Read, "leases/count", "Counts leases.", count),
        route(Verb::Read, "leases/removals", "Lists disabled mounts that are not gone yet.", removals).attributes(sudo),
        route(Verb::Read, "leases", "Lists leases that could not be revoked.", irrevocable).attributes(sudo),
        route(Verb::Write, "leases/tidy", "Looks for leases that are due.", tidy).also_answers(&[(202, "Under way.")]),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ById {
    lease_id: Text,
    url_lease_id: String,
    increment: Seconds,
    sync: Flag,
}
impl Input for ById {
    const FIELDS: &'static [Field] = &[
        field::<Text>("lease_id", "The lease."),
        field::<String>("url_lease_id", "The lease, in the path."),
        field::<Seconds>("increment", "Wanted lifetime from now; the usual one when left out.").clear(),
        field::<Flag>("sync", "Answer when the engine has revoked it, instead of when that is on its way.").clear(),
    ];
}

impl ById {
    fn id(&self) -> Result<&str> {
        let [given, in_path] = [&self.lease_id.0, &self.url_lease_id].map(|id| id.trim_start_matches('/'));
        // SECURITY (CVE-2026-89322): policy judged the path, so the body may not lead to another lease.
        if !given.is_empty() && !in_path.is_empty() && given != in_path {
            return Err(Error::invalid("lease_id is not the lease in the path"));
        }
        let id = if given.is_empty() { in_path } else { given };
        if id.is_empty() { Err(Error::invalid("lease_id must be specified")) } else { Ok(id) }
    }
}

async fn lookup(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let id = input.id()?;
    if let Some(lease) = lease::find::lease(&mut ctx.txn, id).await? {
        return Output::data(&lease_shown(id, &lease, ctx.now));
    }
    match lease::find::token(&mut ctx.txn, id).await? {
        Some(token) if token.is_live(ctx.now) => Output::data(&token_shown(id, &token, ctx.now)),
        _ => Err(Error::invalid("invalid lease")),
    }
}

fn lease_shown(id: &str, lease: &LeaseEntry, now: strongroom_types::Timestamp) -> Value {
    let mut shown = json!({
        "id": id,
        "path": id.rsplit_once('/').map_or("", |(path, _)| path),
        "issue_time": lease.issued.rfc3339(),
        "expire_time": lease.expires.rfc3339(),
        "last_renewal": lease.renewed.map(strongroom_types::Timestamp::rfc3339),
        "renewable": lease.renewable && lease.is_live(now),
        "ttl": lease.expires.seconds_since(now),
    });
    if let (Some(trouble), Some(shown)) = (&lease.trouble, shown.as_object_mut()) {
        shown.insert("revocation_error".into(), json!(trouble.error));
        shown.insert("revocation_attempts".into(), json!(trouble.attempts));
        shown.insert("next_attempt".into(), json!(lease.due.rfc3339()));
    }
    shown
}

fn token_shown(id: &str, token: &TokenEntry, now: strongroom_types::Timestamp) -> Value {
    json!({
        "id": id,
        "path": token.path,
        "issue_time": token.life.created.rfc3339(),
        "expire_time": token.life.expires.map(strongroom_types::Timestamp::rfc3339),
        "last_renewal": token.life.renewed.map(strongroom_types::Timestamp::rfc3339),
        "renewable": token.life.renewable,
        "ttl": token.life.expires.map_or(0, |end| end.seconds_since(now)),
    })
}

async fn renew(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let renewed = lease::renew(&call.core, ctx, input.id()?, input.increment.0).await?;
    let (view, mut output) = (renewed.view, Output::default());
    output.warnings.extend(renewed.warning);
    output.system.get_or_insert_default().lease = Some((view.id, view.renewable, view.ttl));
    Ok(output)
}

async fn revoke_one(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    revoke::one(&call.core, ctx, input.id()?, input.sync.0).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Below {
    prefix: String,
    sync: Flag,
}
impl Input for Below {
    const FIELDS: &'static [Field] = &[
        field::<String>("prefix", "A path.").clear(),
        field::<Flag>("sync", "Answer when all are revoked, instead of when that is on its way.").clear(),
    ];
}

async fn revoke_prefix(ctx: &mut Ctx, input: Below) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let mode = if input.sync.0 { Mode::Sync } else { Mode::Queued };
    revoke::below(&call.core, ctx, &input.prefix, mode).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AtPrefix {
    prefix: String,
}
impl Input for AtPrefix {
    const FIELDS: &'static [Field] = &[field::<String>("prefix", "A path.").clear()];
}

async fn revoke_force(ctx: &mut Ctx, input: AtPrefix) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    revoke::below(&call.core, ctx, &input.prefix, Mode::Force).await
}

/// Most names in one answer that asks for no limit.
const NAMES_MAX: usize = 100_000;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Listed {
    prefix: String,
    after: Text,
    limit: Number,
}
impl Input for Listed {
    const FIELDS: &'static [Field] = &[
        field::<String>("prefix", "A path.").clear(),
        field::<Text>("after", "Names up to this one are left out."),
        field::<Number>("limit", "Most names to answer; 0 or none is all.").clear(),
    ];
}

async fn list_top(ctx: &mut Ctx, input: Listed) -> Result<Output> {
    list_below(ctx, "", &input).await
}

async fn list(ctx: &mut Ctx, input: Listed) -> Result<Output> {
    list_below(ctx, &format!("{}/", input.prefix.trim_matches('/')), &input).await
}

async fn list_below(ctx: &mut Ctx, folder: &str, input: &Listed) -> Result<Output> {
    let view = ctx.txn.view().clone();
    let wanted = usize::try_from(input.limit.0).ok().filter(|n| (1..=NAMES_MAX).contains(n));
    let limit = wanted.unwrap_or(NAMES_MAX.saturating_add(1));
    let after = Some(input.after.0.as_str()).filter(|after| !after.is_empty());
    let mut names = BTreeSet::new();
    for area in ["l", "w"] {
        let found = view.list(Key::area(area).name(folder).as_bytes(), after.map(str::as_bytes), limit).await?;
        names.extend(found.iter().filter_map(|name| std::str::from_utf8(name).ok().map(str::to_owned)));
    }
    names.extend(token::created_names(&view, folder).await?.into_iter().filter(|name| after.is_none_or(|a| name.as_str() > a)));
    if wanted.is_none() && names.len() > NAMES_MAX {
        return Err(Error::invalid("more than 100000 names: list with `after` and `limit`"));
    }
    Output::keys(names.into_iter().take(limit).collect())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct OfType {
    r#type: Text,
    limit: Text,
    include_child_namespaces: Flag,
}
impl Input for OfType {
    const FIELDS: &'static [Field] = &[
        field::<Text>("type", "`irrevocable`; for counts also `all`.").clear(),
        field::<Text>("limit", "Most leases to show, or `none`; 1000 when left out.").clear(),
        field::<Flag>("include_child_namespaces", "Accepted.").clear(),
    ];
}

async fn count(ctx: &mut Ctx, input: OfType) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    match input.r#type.0.as_str() {
        "irrevocable" => {
            let counts = lease::irrevocable::counts(&call.core).await?;
            let total = counts.values().fold(0u64, |sum, n| sum.saturating_add(*n));
            Output::data(&json!({ "lease_count": total, "counts": counts }))
        }
        "all" => {
            let counts = call.core.leases.counts.now();
            let nothing: HashMap<String, u64> = HashMap::new();
            Output::data(&json!({ "lease_count": counts.leases, "irrevocable": counts.irrevocable, "counts": nothing }))
        }
        _ => Err(Error::NotFound),
    }
}

async fn irrevocable(ctx: &mut Ctx, input: OfType) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if input.r#type.0 != "irrevocable" {
        return Err(Error::NotFound);
    }
    let limit = match input.limit.0.as_str() {
        "" => 1000,
        "none" => NAMES_MAX,
        text => text.parse().map_err(|_| Error::invalid("invalid 'limit' provided: it must be a number or \"none\""))?,
    };
    let (leases, is_cut) = lease::irrevocable::list(&call.core, limit).await?;
    let output = Output::data(&json!({ "lease_count": leases.len(), "leases": leases }))?;
    Ok(if is_cut { output.warn("There are more irrevocable leases; ask with a larger limit or \"none\"") } else { output })
}

/// Removals in one answer.
const REMOVALS_MAX: usize = 1000;
/// Leases counted of each.
const LEFT_MAX: usize = 10_000;

async fn removals(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let mut shown = Vec::new();
    for (storage_id, removal) in Removal::all(&call.core, None, REMOVALS_MAX).await? {
        let Some(removal) = removal else { continue };
        let left = call.core.view.keys(lease::due_index(&storage_id).as_bytes(), None, LEFT_MAX).await?.len();
        shown.push(json!({
            "path": removal.mount.path,
            "type": removal.mount.engine,
            "accessor": removal.mount.accessor,
            "since": removal.since.rfc3339(),
            "leases": left,
        }));
    }
    Output::data(&json!({ "removals": shown }))
}

/// Leases need no tidying: their indexes change with them, and what is due is found by itself. What is asked for is done now.
async fn tidy(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    call.core.leases.wake();
    let output = Output::raw_data(b"null".to_vec()).warn(
        "Tidy operation successfully started. Any information from the operation will be printed to Strongroom's server logs.",
    );
    Ok(Output { status: Some(202), ..output })
}
