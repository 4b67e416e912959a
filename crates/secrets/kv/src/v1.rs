//! Version 1: one value per key, a write replaces it. Values are objects, kept as the text that came.

use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom_engine::{AnyFields, Ctx, Entry, Error, MountFacts, NoFields, Output, Peek, Result, Route, Seconds, Verb, route};
use strongroom_types::{BoxFuture, SecretBytes, Ttl};

use crate::list::{self, Page};
use crate::record::Record;
use crate::store::{self, NewVersion};

/// What a client may keep a value for when neither the value nor the mount says: 32 days.
const TTL_DEFAULT: Ttl = Ttl::from_s(32 * 24 * 3600);

pub fn routes() -> Vec<Route> {
    use Verb::{Delete, List, Read, Scan, Write};
    vec![
        route(Read, "{path..}", "Read a secret.", read),
        route(Write, "{path..}", "Write a secret in place of what was there.", write).exists(key_exists),
        route(Delete, "{path..}", "Remove a secret.", delete),
        route(List, "{path..}", "List secrets and folders.", list),
        route(Scan, "{path..}", "List all secrets below a folder.", scan),
        route(List, "", "List secrets and folders.", list),
        route(Scan, "", "List all secrets.", scan),
        route(Read, "", "No secret has an empty name.", read),
        route(Write, "", "No secret has an empty name.", write),
        route(Delete, "", "No secret has an empty name.", delete),
    ]
}

fn key_exists<'a>(peek: &'a Peek, path: &'a str) -> BoxFuture<'a, Result<bool>> {
    Box::pin(store::exists(peek, path))
}

async fn read(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let name = ctx.path.clone();
    let entry = store::find(ctx, &name).await?.ok_or(Error::NotFound)?;
    let record = Record::parse(entry.value())?;
    let current = record.version(0).ok_or(Error::NotFound)?;
    let row = store::row(ctx, &record, current).await?;
    let value = row.as_deref().map_or(record.inline, Entry::value);
    let lease_duration = lease_in(value).unwrap_or_else(|| mount_ttl(&ctx.mount));
    Ok(Output { lease_duration, ..Output::raw_data(value.to_vec()) })
}

fn mount_ttl(mount: &MountFacts) -> Ttl {
    if mount.default_ttl.is_zero() { TTL_DEFAULT } else { mount.default_ttl }
}

/// The field `ttl`, or else `lease`, of the value; None when there is none that is a duration.
fn lease_in(value: &[u8]) -> Option<Ttl> {
    #[derive(Deserialize)]
    struct Hints<'a> {
        #[serde(borrow, default)]
        ttl: Option<&'a RawValue>,
        #[serde(borrow, default)]
        lease: Option<&'a RawValue>,
    }
    let hints: Hints<'_> = serde_json::from_slice(value).ok()?;
    let Seconds(ttl) = serde_json::from_str(hints.ttl.or(hints.lease)?.get()).ok()?;
    Some(ttl)
}

async fn write(ctx: &mut Ctx, fields: AnyFields) -> Result<Output> {
    let name = ctx.path.clone();
    if name.is_empty() {
        return Err(Error::invalid("missing path"));
    }
    store::check_name(&name)?;
    if fields.0.is_empty() {
        return Err(Error::invalid("missing data fields"));
    }
    let value = SecretBytes::new(fields.object_text());
    store::check_value(value.expose())?;
    let entry = store::find(ctx, &name).await?;
    if let Some(entry) = &entry {
        let record = Record::parse(entry.value())?;
        store::remove_rows(ctx, record.head.id, record.versions());
    }
    let mut draft = store::new_draft(ctx);
    store::add_version(ctx, &name, &mut draft, NewVersion { value: value.expose(), deletion: None, versions_kept: 1 });
    Ok(Output::nothing())
}

async fn list(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let folder = ctx.path.clone();
    list::list(ctx, &folder, page).await
}

async fn scan(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let folder = ctx.path.clone();
    list::scan(ctx, &folder).await
}

async fn delete(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let name = ctx.path.clone();
    let Some(entry) = store::find(ctx, &name).await? else { return Ok(Output::nothing()) };
    store::remove(ctx, &name, &Record::parse(entry.value())?);
    Ok(Output::nothing())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_of_a_value() {
        let check =
            |value: &str, expected: Option<u64>| assert_eq!(lease_in(value.as_bytes()), expected.map(Ttl::from_s), "{value}");
        check(r#"{"a":1}"#, None);
        check(r#"{"lease":"2h"}"#, Some(7200));
        check(r#"{"ttl":60,"lease":"2h"}"#, Some(60));
        check(r#"{"ttl":"whenever"}"#, None);
        check(r#"{"ttl":{"x":1}}"#, None);
    }
}
