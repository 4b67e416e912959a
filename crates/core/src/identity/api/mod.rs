//! The routes of `identity/`.

mod aliases;
mod entities;
mod group_aliases;
mod groups;
mod lookup;
mod merge;
mod shown;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use strongroom_engine::{Ctx, EngineKind, Error, Field, Input, Key, Number, Output, Present, Result, Route, Text, field};

use crate::mount::Table as MountTable;
use crate::{Core, SystemCall};
use std::sync::Arc;

pub fn routes() -> Vec<Route> {
    let groups =
        [entities::routes(), merge::routes(), aliases::routes(), groups::routes(), group_aliases::routes(), lookup::routes()];
    groups.into_iter().flatten().collect()
}

/// Goes on with changes that a crash or an outage interrupted.
pub async fn finish(core: &Core) -> Result<()> {
    merge::finish(core).await?;
    entities::finish(core).await
}

/// An id in the path.
#[derive(Deserialize)]
struct ById {
    id: String,
}
impl Input for ById {
    const FIELDS: &'static [Field] = &[field::<String>("id", "The id.").clear()];
}

/// A name in the path.
#[derive(Deserialize)]
struct ByName {
    name: String,
}
impl Input for ByName {
    const FIELDS: &'static [Field] = &[field::<String>("name", "The name, in any case.").clear()];
}

/// A part of a long list.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Page {
    after: Present<Text>,
    limit: Present<Number>,
}
impl Input for Page {
    const FIELDS: &'static [Field] =
        &[field::<Text>("after", "Starts behind this key.").clear(), field::<Number>("limit", "At most so many keys.").clear()];
}

impl Page {
    fn limit(&self) -> usize {
        let limit = match &self.limit {
            Present::Is(Number(n)) => usize::try_from(*n).ok(),
            Present::Absent | Present::Null => None,
        };
        limit.filter(|n| *n > 0).unwrap_or(usize::MAX)
    }

    fn after(&self) -> &str {
        match &self.after {
            Present::Is(Text(after)) => after,
            Present::Absent | Present::Null => "",
        }
    }
}

/// The entries below a prefix, each with what follows the prefix in its key. Damaged ones are left out and logged.
async fn entries(ctx: &Ctx, prefix: &Key, page: &Page) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut after = (!page.after().is_empty()).then(|| prefix.clone().name(page.after()).into_bytes());
    loop {
        let wanted = page.limit().saturating_sub(found.len()).min(500);
        let entries = ctx.txn.view().scan(prefix.as_bytes(), after.as_deref(), wanted).await?;
        let Some((last, _)) = entries.last() else { return Ok(found) };
        after = Some(last.clone());
        for (key, entry) in &entries {
            let name = key.strip_prefix(prefix.as_bytes()).and_then(|name| String::from_utf8(name.to_vec()).ok());
            match (name, entry) {
                (Some(name), Ok(entry)) => found.push((name, entry.value().to_vec())),
                _ => tracing::error!(key = %key.escape_ascii(), "an identity entry is damaged"),
            }
        }
        if found.len() >= page.limit() {
            return Ok(found);
        }
    }
}

/// Keys and what is told about each. Errors: `NotFound` when there are none.
fn listed(key_info: Map<String, Value>) -> Result<Output> {
    if key_info.is_empty() {
        return Err(Error::NotFound);
    }
    let keys: Vec<&String> = key_info.keys().collect();
    Output::data(&json!({ "keys": keys, "key_info": key_info }))
}

/// The present mounts, for paths and types of accessors.
async fn mounts(ctx: &Ctx) -> Result<Arc<MountTable>> {
    Ok(Arc::clone(&*SystemCall::of(ctx)?.core.mounts.current().await?))
}

/// Errors: `Invalid` unless an auth mount has this accessor.
async fn check_accessor(ctx: &Ctx, accessor: &str) -> Result<()> {
    let table = mounts(ctx).await?;
    match table.by_accessor(accessor).filter(|mount| mount.kind == EngineKind::Auth) {
        Some(_) => Ok(()),
        None => Err(Error::invalid("invalid mount accessor: 'mount_accessor' must be that of an auth method that is enabled")),
    }
}

/// What a path with a name answers to an id that is somebody else's.
fn not_of_this_name(kind: &str) -> Error {
    Error::invalid(format!("id is not that of the {kind} with this name"))
}

/// What was given, in place of what was there; null empties.
fn given<T: Default>(value: Present<T>) -> Option<T> {
    match value {
        Present::Absent => None,
        Present::Null => Some(T::default()),
        Present::Is(value) => Some(value),
    }
}
