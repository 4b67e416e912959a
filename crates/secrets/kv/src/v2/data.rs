//! Values: read, write, patch and soft delete of the current version, and reading of older ones.

use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom_engine::{Ctx, Entry, Error, Field, Input, NoFields, Number, Output, Present, Result, field};
use strongroom_types::SecretBytes;

use super::name_of;
use crate::record::{Draft, Numbered, Record};
use crate::settings::{self, MountSettings};
use crate::store::{self, NewVersion};
use crate::{json, merge, subkeys};

/// Facts about a version, which are no secret: what the audit log may show of an answer.
/// What the audit log may show of a read: facts about the version, never its value.
pub const SHOWN_OF_READ: &[&str] = &["metadata.version", "metadata.created_time", "metadata.deletion_time", "metadata.destroyed"];
pub const SHOWN_OF_WRITE: &[&str] = &["version", "created_time", "deletion_time", "destroyed"];

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ReadInput {
    version: Number,
}

impl Input for ReadInput {
    const FIELDS: &'static [Field] = &[field::<Number>("version", "Version to read; 0 or none is the current one.").clear()];
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SubkeysInput {
    version: Number,
    depth: Number,
}

impl Input for SubkeysInput {
    const FIELDS: &'static [Field] = &[
        field::<Number>("version", "Version to read; 0 or none is the current one.").clear(),
        field::<Number>("depth", "Levels of objects to show; 0 or none is all.").clear(),
    ];
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct WriteInput {
    data: Present<Box<RawValue>>,
    options: Present<Box<RawValue>>,
}

impl Input for WriteInput {
    const FIELDS: &'static [Field] = &[
        field::<Present<Box<RawValue>>>("data", "The secret: a JSON object; kept as it is written."),
        field::<Present<Box<RawValue>>>("options", "`cas`: the version that this write replaces, 0 for a new secret."),
    ];
}

pub async fn read(ctx: &mut Ctx, input: ReadInput) -> Result<Output> {
    let name = name_of(ctx);
    let entry = store::find(ctx, &name).await?.ok_or(Error::NotFound)?;
    let record = Record::parse(entry.value())?;
    let found = version_of(&record, input.version)?;
    if !found.1.is_live(ctx.now) {
        return Err(gone(json::secret(None, record.custom, found)));
    }
    let row = store::row(ctx, &record, found).await?;
    let value = row.as_deref().map_or(record.inline, Entry::value);
    Ok(Output::raw_data(json::secret(Some(value), record.custom, found)))
}

pub async fn subkeys(ctx: &mut Ctx, input: SubkeysInput) -> Result<Output> {
    let name = name_of(ctx);
    let depth = u64::try_from(input.depth.0).map_err(|_| Error::invalid("field \"depth\" must not be negative"))?;
    let entry = store::find(ctx, &name).await?.ok_or(Error::NotFound)?;
    let record = Record::parse(entry.value())?;
    let found = version_of(&record, input.version)?;
    if !found.1.is_live(ctx.now) {
        return Err(gone(json::structure(None, record.custom, found)));
    }
    let row = store::row(ctx, &record, found).await?;
    let value = value_text(row.as_deref().map_or(record.inline, Entry::value))?;
    let structure = subkeys::subkeys(value, depth).ok_or_else(|| Error::Internal("a stored value is not JSON".into()))?;
    Ok(Output::raw_data(json::structure(Some(&structure), record.custom, found)))
}

pub async fn write(ctx: &mut Ctx, input: WriteInput) -> Result<Output> {
    let name = name_of(ctx);
    store::check_name(&name)?;
    let value = object_or_null(&input.data)?;
    store::check_value(value.as_bytes())?;
    let cas = cas_of(&input.options)?;
    let entry = store::find(ctx, &name).await?;
    let mount = settings::load(ctx).await?;
    let draft = match &entry {
        Some(entry) => Draft::of(&Record::parse(entry.value())?),
        None => store::new_draft(ctx),
    };
    check_cas(&mount, &draft, cas)?;
    add(ctx, &name, (&mount, draft), value.as_bytes())
}

/// Merges into the current version's value. Errors: 404 when there is none to merge into.
pub async fn patch(ctx: &mut Ctx, input: WriteInput) -> Result<Output> {
    let name = name_of(ctx);
    let change = object_or_null(&input.data)?;
    let cas = cas_of(&input.options)?;
    let entry = store::find(ctx, &name).await?.ok_or(Error::NotFoundBare)?;
    let record = Record::parse(entry.value())?;
    let found = record.version(0).ok_or(Error::NotFoundBare)?;
    if !found.1.is_live(ctx.now) {
        return Err(gone(json::facts(record.custom, found)));
    }
    let mount = settings::load(ctx).await?;
    let draft = Draft::of(&record);
    check_cas(&mount, &draft, cas)?;
    let row = store::row(ctx, &record, found).await?;
    let before = value_text(row.as_deref().map_or(record.inline, Entry::value))?;
    let value = SecretBytes::new(merge::merge(before, change).ok_or_else(|| Error::invalid(NOT_UNICODE))?);
    store::check_value(value.expose())?;
    add(ctx, &name, (&mount, draft), value.expose())
}

fn add<'a>(ctx: &mut Ctx, name: &str, (mount, mut draft): (&MountSettings, Draft<'a>), value: &'a [u8]) -> Result<Output> {
    let settings = draft.head.settings;
    let deletion = mount.deletion(&settings, ctx.now);
    store::add_version(ctx, name, &mut draft, NewVersion { value, deletion, versions_kept: mount.versions_kept(&settings) });
    let written = draft.current().ok_or_else(|| Error::Internal("a written version is not in its table".into()))?;
    Ok(Output::raw_data(json::facts(&draft.custom, written)))
}

/// Marks the current version as deleted; quiet when there is nothing to delete.
pub async fn delete(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let name = name_of(ctx);
    let Some(entry) = store::find(ctx, &name).await? else { return Ok(Output::nothing()) };
    let mut draft = Draft::of(&Record::parse(entry.value())?);
    if draft.delete(draft.head.current, ctx.now) {
        store::save(ctx, &name, &draft);
    }
    Ok(Output::nothing())
}

/// The version asked for; zero and below is the current one.
fn version_of(record: &Record<'_>, asked: Number) -> Result<Numbered> {
    record.version(u64::try_from(asked.0).unwrap_or(0)).ok_or(Error::NotFound)
}

/// 404 with what is known about the version.
fn gone(facts: Vec<u8>) -> Error {
    Error::With(404, Box::new(Output::raw_data(facts)))
}

const NOT_UNICODE: &str = "a name in the secret is not valid Unicode";

fn value_text(value: &[u8]) -> Result<&str> {
    std::str::from_utf8(value).map_err(|_| Error::Internal("a stored value is not text".into()))
}

fn object_or_null(data: &Present<Box<RawValue>>) -> Result<&str> {
    match data {
        Present::Absent => Err(Error::invalid("no data provided")),
        Present::Null => Ok("null"),
        Present::Is(raw) if merge::is_object(raw.get()) => Ok(raw.get()),
        Present::Is(_) => Err(Error::invalid("error converting input for field \"data\": expected an object")),
    }
}

/// `options.cas`, a number or its text. An empty array is an empty object to some clients.
fn cas_of(options: &Present<Box<RawValue>>) -> Result<Option<i64>> {
    #[derive(Deserialize)]
    struct Options {
        #[serde(default)]
        cas: Option<Box<RawValue>>,
    }
    let Present::Is(raw) = options else { return Ok(None) };
    if !merge::is_object(raw.get()) && raw.get().chars().any(|c| !matches!(c, '[' | ']') && !c.is_whitespace()) {
        return Err(Error::invalid("error converting input for field \"options\": expected an object"));
    }
    // SECURITY: options that cannot be read must not pass for options without a condition.
    let options: Options = serde_json::from_str(raw.get()).map_err(|_| Error::invalid(CAS_UNREADABLE))?;
    let Some(cas) = options.cas else { return Ok(None) };
    let text = cas.get().trim_matches('"').trim();
    text.parse().map(Some).map_err(|_| Error::invalid(CAS_UNREADABLE))
}

const CAS_UNREADABLE: &str = "error parsing check-and-set parameter";

fn check_cas(mount: &MountSettings, draft: &Draft<'_>, cas: Option<i64>) -> Result<()> {
    match cas {
        None if mount.cas_required || draft.head.settings.cas_required => {
            Err(Error::invalid("check-and-set parameter required for this call"))
        }
        Some(cas) if u64::try_from(cas) != Ok(draft.head.current) => {
            Err(Error::invalid("check-and-set parameter did not match the current version"))
        }
        _ => Ok(()),
    }
}
