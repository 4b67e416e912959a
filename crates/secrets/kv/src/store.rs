//! Where a mount keeps its things: `m` holds one record per key under its name, `v` the values of older and of large
//! versions in rows that never move. A row's key is (time of writing, the key's id, version number): it cannot collide,
//! rises with time, and says nothing about the name.

use std::sync::Arc;

use strongroom_engine::{Ctx, Entry, Error, Key, MountFacts, Peek, Result};
use strongroom_types::{Rng, Timestamp};

use crate::record::{Draft, INLINE_BYTES_MAX, Numbered, Place, Record, Version};

/// Longest name of a key in bytes.
pub const NAME_BYTES_MAX: usize = 2048;
/// Largest value in bytes of JSON text. A batch of the store holds 1 MiB; the rest is for the record, the value that is
/// moved into a row by the same write, deletes of dropped versions, and what the pipeline adds.
pub const VALUE_BYTES_MAX: usize = 800 * 1024;

/// All records at or below a name.
pub fn records(mount: &MountFacts, name: &str) -> Key {
    mount.key("m").name(name)
}

fn row_key(mount: &MountFacts, id: u64, (number, stamp): (u64, u64)) -> Key {
    mount.key("v").number(stamp).number(id).number(number)
}

/// A name that cannot be stored names nothing.
fn is_storable(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX
}

/// Errors: `Invalid` for a name that cannot be stored.
pub fn check_name(name: &str) -> Result<()> {
    if is_storable(name) { Ok(()) } else { Err(Error::invalid(format!("key name must have 1 to {NAME_BYTES_MAX} bytes"))) }
}

/// Errors: `Invalid` for a value that cannot be stored.
pub fn check_value(value: &[u8]) -> Result<()> {
    if value.len() <= VALUE_BYTES_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!("value is larger than {VALUE_BYTES_MAX} bytes")))
}

/// The entry that holds a key's record.
pub async fn find(ctx: &mut Ctx, name: &str) -> Result<Option<Arc<Entry>>> {
    if !is_storable(name) {
        return Ok(None);
    }
    ctx.get(&records(&ctx.mount, name)).await
}

pub async fn exists(peek: &Peek, name: &str) -> Result<bool> {
    Ok(is_storable(name) && peek.get(&records(&peek.mount, name)).await?.is_some())
}

/// The row that holds a version's value; None when the value stands in the record or is gone.
pub async fn row(ctx: &mut Ctx, record: &Record<'_>, (number, version): Numbered) -> Result<Option<Arc<Entry>>> {
    let Place::Row(stamp) = version.place else { return Ok(None) };
    let key = row_key(&ctx.mount, record.head.id, (number, stamp));
    let row = ctx.get(&key).await?;
    row.map(Some).ok_or_else(|| Error::Internal(format!("the row of version {number} is missing")))
}

/// A draft for a key that has no record yet.
pub fn new_draft(ctx: &Ctx) -> Draft<'static> {
    Draft::new(random_u64(ctx.rng.as_ref()), ctx.now)
}

fn random_u64(rng: &dyn Rng) -> u64 {
    let mut bytes = [0u8; 8];
    rng.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

pub fn save(ctx: &mut Ctx, name: &str, draft: &Draft<'_>) {
    ctx.put(records(&ctx.mount, name), draft.encode());
}

/// What is written as the next version.
pub struct NewVersion<'v> {
    pub value: &'v [u8],
    pub deletion: Option<Timestamp>,
    pub versions_kept: u32,
}

/// Writes the next version of a key: the record, the former current value into a row, and the removal of what the
/// key no longer keeps. At most `VERSIONS_MAX` + 3 operations.
pub fn add_version<'a>(ctx: &mut Ctx, name: &str, draft: &mut Draft<'a>, new: NewVersion<'a>) {
    let stamp = ctx.now.ns();
    let displaced = draft.displace(stamp);
    let place = if new.value.len() <= INLINE_BYTES_MAX { Place::Inline } else { Place::Row(stamp) };
    let dropped = draft.push(Version { created: ctx.now, deletion: new.deletion, place }, new.versions_kept);
    if let Some(((number, _), value)) = displaced {
        // A value that is dropped at once needs no row, and a batch may name a key only once.
        if dropped.last().is_none_or(|(last, _)| *last < number) {
            ctx.put(row_key(&ctx.mount, draft.head.id, (number, stamp)), value.to_vec());
        }
    }
    let displaced_number = displaced.map(|((number, _), _)| number);
    remove_rows(ctx, draft.head.id, dropped.into_iter().filter(|(number, _)| Some(*number) != displaced_number));
    match place {
        Place::Inline => draft.inline = new.value,
        _ => ctx.put(row_key(&ctx.mount, draft.head.id, (draft.head.current, stamp)), new.value.to_vec()),
    }
    save(ctx, name, draft);
}

pub fn remove_rows(ctx: &mut Ctx, id: u64, versions: impl Iterator<Item = Numbered>) {
    for (number, version) in versions {
        if let Place::Row(stamp) = version.place {
            ctx.delete(row_key(&ctx.mount, id, (number, stamp)));
        }
    }
}

/// Removes a key with all its versions.
pub fn remove(ctx: &mut Ctx, name: &str, record: &Record<'_>) {
    remove_rows(ctx, record.head.id, record.versions());
    ctx.delete(records(&ctx.mount, name));
}
