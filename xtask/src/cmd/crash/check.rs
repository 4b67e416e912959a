//! After the crash: asks the server for each thing and compares with what may hold.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::claim::{Claim, Hot, MountState, Resource, Secret, TokenState, Version};
use super::load::hot_path;
use crate::api::Api;

/// Time left, seconds, above which a token's renewal has taken effect (it is made with 30 hours, renewed to 100).
const RENEWED_TTL_S: u64 = 60 * 3600;
/// A child of a token whose revocation was not acknowledged may live this long after the parent is gone.
const CASCADE_TRIES: usize = 100;

/// The lists that a check looks into, asked for once.
pub struct Lists {
    policies: BTreeSet<String>,
    mounts: Value,
}

impl Lists {
    pub fn load(api: &Api) -> Result<Self> {
        let policies = texts(&api.must("LIST", "sys/policies/acl", None)?["data"]["keys"]);
        Ok(Self { policies, mounts: api.must("GET", "sys/mounts", None)?["data"].take() })
    }
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Compares one thing with the server.
pub fn settle(api: &Api, lists: &Lists, resource: &mut Resource) -> Result<()> {
    let shown = format!("{resource:?}").chars().take(600).collect::<String>();
    match resource {
        Resource::Secret { path, claim } => secret(api, path).and_then(|seen| claim.settle(seen)),
        Resource::Policy { name, claim } => policy(api, lists, name).and_then(|seen| claim.settle(seen)),
        Resource::Mount { path, claim } => mount(api, lists, path).and_then(|seen| claim.settle(seen)),
        Resource::Thing(thing) => thing.settle(api),
        Resource::Token { id, accessor, parent, limited, claim } => {
            let settled = settle_token(api, id, accessor, parent.as_deref(), claim);
            if *limited {
                claim.acked = TokenState::Gone; // the check was its one use
            }
            settled
        }
    }
    .context(shown)
}

fn settle_token(api: &Api, id: &str, accessor: &str, parent: Option<&str>, claim: &mut Claim<TokenState>) -> Result<()> {
    let seen = token(api, id, accessor)?;
    let orphaned = parent.map(|p| token_gone(api, p)).transpose()?.unwrap_or(false);
    if orphaned && seen != TokenState::Gone && !dies_soon(api, id)? {
        bail!("its parent is gone, and it is still served");
    }
    claim.settle(if orphaned { TokenState::Gone } else { seen })
}

fn dies_soon(api: &Api, id: &str) -> Result<bool> {
    for _ in 0..CASCADE_TRIES {
        if token_gone(api, id)? {
            return Ok(true);
        }
        sleep(Duration::from_millis(50));
    }
    Ok(false)
}

/// A secret as metadata and data show it; they must agree on every version.
fn secret(api: &Api, path: &str) -> Result<Secret> {
    let answer = api.call("GET", &format!("secret/metadata/{path}"), None)?;
    if answer.status == 404 {
        if api.call("GET", &format!("secret/data/{path}"), None)?.status != 404 {
            bail!("has data and no metadata");
        }
        return Ok(Secret::default());
    }
    if !answer.ok() {
        bail!("metadata: {} {}", answer.status, answer.text());
    }
    let meta = answer.json()["data"].take();
    let listed = meta["versions"].as_object().context("metadata without versions")?;
    let custom = meta["custom_metadata"].as_object().into_iter().flatten();
    let custom: BTreeMap<_, _> = custom.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect();
    if meta["current_version"] != json!(listed.len()) {
        bail!("current_version {} with {} versions", meta["current_version"], listed.len());
    }
    let versions = (1..=listed.len())
        .map(|n| version(api, path, n, listed.get(&n.to_string()).with_context(|| format!("version {n} is not listed"))?))
        .collect::<Result<_>>()?;
    Ok(Secret { versions, custom })
}

fn version(api: &Api, path: &str, number: usize, listed: &Value) -> Result<Version> {
    let url = format!("secret/data/{path}?version={number}");
    let answer = api.call("GET", &url, None)?;
    let body = answer.json()["data"].take();
    let gone = listed["deletion_time"] != json!("");
    if listed["destroyed"] == json!(true) {
        if !body["data"].is_null() {
            bail!("version {number} is destroyed and readable");
        }
        return Ok(Version::Destroyed);
    }
    if gone {
        if answer.status != 404 || !body["data"].is_null() {
            bail!("version {number} is deleted and answered {}", answer.status);
        }
        return Ok(Version::Deleted(undeleted(api, path, number)?));
    }
    if answer.status != 200 {
        bail!("version {number} is listed and answered {} {}", answer.status, answer.text());
    }
    Ok(Version::Live(body["data"].clone()))
}

/// What a soft-deleted version still holds: it is brought back, read and deleted again.
fn undeleted(api: &Api, path: &str, number: usize) -> Result<Value> {
    let versions = json!({"versions": [number]});
    api.must("POST", &format!("secret/undelete/{path}"), Some(&versions))?;
    let value = api.must("GET", &format!("secret/data/{path}?version={number}"), None)?["data"]["data"].take();
    api.must("POST", &format!("secret/delete/{path}"), Some(&versions))?;
    Ok(value)
}

fn token_gone(api: &Api, id: &str) -> Result<bool> {
    Ok(api.with_token(id).call("GET", "auth/token/lookup-self", None)?.status == 403)
}

/// A token asked for in three ways, which must agree. Nothing is asked with the token itself before the root has seen
/// it: that would use it up.
fn token(api: &Api, id: &str, accessor: &str) -> Result<TokenState> {
    let by_id = api.call("POST", "auth/token/lookup", Some(&json!({"token": id})))?;
    let by_accessor = api.call("POST", "auth/token/lookup-accessor", Some(&json!({"accessor": accessor})))?;
    if by_id.ok() != by_accessor.ok() {
        bail!("lookup answers {}, lookup-accessor {}", by_id.status, by_accessor.status);
    }
    if token_gone(api, id)? == by_id.ok() {
        bail!("lookup by the root answers {}, lookup-self the opposite", by_id.status);
    }
    if !by_id.ok() {
        return Ok(TokenState::Gone);
    }
    let ttl = by_id.json()["data"]["ttl"].as_u64().context("a live token without ttl")?;
    Ok(TokenState::Live { renewed: ttl > RENEWED_TTL_S })
}

fn policy(api: &Api, lists: &Lists, name: &str) -> Result<Option<String>> {
    let answer = api.call("GET", &format!("sys/policies/acl/{name}"), None)?;
    match (answer.status, lists.policies.contains(name)) {
        (404, false) => Ok(None),
        (200, true) => Ok(answer.json()["data"]["policy"].as_str().map(str::to_owned)),
        (other, listed) => bail!("read answers {other}, listed: {listed}"),
    }
}

fn mount(api: &Api, lists: &Lists, path: &str) -> Result<MountState> {
    let secret = api.call("GET", &format!("{path}/one"), None)?;
    match (lists.mounts.get(format!("{path}/")).is_some(), secret.status) {
        (true, 200) => Ok(MountState::Holds(secret.json()["data"].take())),
        (true, 404) => Ok(MountState::Empty),
        (false, 404) => Ok(MountState::Absent),
        (there, other) => bail!("in the mount table: {there}, its secret answers {other} {}", secret.text()),
    }
}

/// Checks the hot keys of a cycle.
pub fn settle_hot(api: &Api, all: &[Hot], cycle: usize) -> Result<()> {
    all.iter().enumerate().try_for_each(|(index, hot)| {
        let path = hot_path(cycle, index);
        secret(api, &path).and_then(|seen| hot.settle(&seen)).context(path)
    })
}

/// Every live token's accessor must be listed, and every accessor that is listed must lead to a token; unknown ones only
/// as many as there were unanswered requests. `half_done` allows those that lead nowhere.
pub fn accessors(api: &Api, known: &BTreeSet<String>, unanswered: usize, half_done: bool) -> Result<()> {
    let listed = texts(&api.must("LIST", "auth/token/accessors", None)?["data"]["keys"]);
    if let Some(missing) = known.difference(&listed).next() {
        bail!("accessor {missing} of a live token is not listed");
    }
    let unknown: Vec<_> = listed.difference(known).collect();
    if unknown.len() > unanswered {
        bail!("{} accessors nobody was given, with {unanswered} unanswered requests", unknown.len());
    }
    for accessor in unknown {
        let answer = api.call("POST", "auth/token/lookup-accessor", Some(&json!({"accessor": accessor})))?;
        if !answer.ok() && !half_done {
            bail!("a listed accessor leads nowhere: {} {}", answer.status, answer.text());
        }
    }
    Ok(())
}

/// Accessors of tokens that are live now.
pub fn live_accessors<'a>(all: impl IntoIterator<Item = &'a Resource>) -> BTreeSet<String> {
    all.into_iter()
        .flat_map(|r| match r {
            Resource::Token { accessor, claim, .. } if claim.acked != TokenState::Gone => vec![accessor.clone()],
            Resource::Thing(thing) => thing.live_accessors(),
            _ => Vec::new(),
        })
        .collect()
}
