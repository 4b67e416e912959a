//! What is kept about a key besides its values: settings and custom metadata.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom_engine::{Ctx, Error, Field, Flag, Input, NoFields, Number, Output, Present, Result, Text, field};

use super::name_of;
use crate::record::{Draft, Record};
use crate::settings::{self, set};
use crate::{custom, json, store};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MetadataInput {
    max_versions: Present<Number>,
    cas_required: Present<Flag>,
    metadata_cas_required: Present<Flag>,
    delete_version_after: Present<Text>,
    custom_metadata: Present<Box<RawValue>>,
    metadata_cas: Present<Number>,
}

impl Input for MetadataInput {
    const FIELDS: &'static [Field] = &[
        field::<Present<Number>>("max_versions", "Versions to keep, 0 to 90; the larger of this and the mount's counts.").clear(),
        field::<Present<Flag>>("cas_required", "Every write of a value must say which version it replaces.").clear(),
        field::<Present<Flag>>("metadata_cas_required", "Every write of metadata must say which one it replaces.").clear(),
        field::<Present<Text>>(
            "delete_version_after",
            "Age at which versions count as deleted; the sooner of this and the mount's.",
        )
        .clear(),
        field::<Present<Box<RawValue>>>("custom_metadata", "Names and texts of the user's own; no secrets."),
        field::<Present<Number>>("metadata_cas", "The version of the metadata that this write replaces, 0 for none.").clear(),
    ];
}

/// What the audit log may show of a secret's metadata: nothing that a user named.
pub const SHOWN: &[&str] = &["current_version", "oldest_version", "current_metadata_version", "created_time", "updated_time"];

pub async fn read(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let name = name_of(ctx);
    let entry = store::find(ctx, &name).await?.ok_or(Error::NotFound)?;
    let mut out = Vec::with_capacity(1024);
    json::metadata_into(&mut out, &Record::parse(entry.value())?);
    Ok(Output::raw_data(out))
}

/// Sets what is given: null resets a field, what is left out stays. `custom_metadata` is replaced as a whole.
pub async fn write(ctx: &mut Ctx, input: MetadataInput) -> Result<Output> {
    let name = name_of(ctx);
    store::check_name(&name)?;
    let entry = store::find(ctx, &name).await?;
    let draft = match &entry {
        Some(entry) => Draft::of(&Record::parse(entry.value())?),
        None => store::new_draft(ctx),
    };
    let custom = match &input.custom_metadata {
        Present::Absent => None,
        Present::Null => Some(String::new()),
        Present::Is(raw) => Some(custom::replaced(raw)?),
    };
    apply(ctx, input, draft, custom).await
}

/// As `write`, but `custom_metadata` is merged, and the key must exist.
pub async fn patch(ctx: &mut Ctx, input: MetadataInput) -> Result<Output> {
    let name = name_of(ctx);
    let entry = store::find(ctx, &name).await?.ok_or(Error::NotFoundBare)?;
    let draft = Draft::of(&Record::parse(entry.value())?);
    let custom = match &input.custom_metadata {
        Present::Absent => None,
        Present::Null => Some(String::new()),
        Present::Is(raw) => Some(custom::merged(&draft.custom, raw)?),
    };
    apply(ctx, input, draft, custom).await
}

async fn apply(ctx: &mut Ctx, input: MetadataInput, mut draft: Draft<'_>, custom: Option<String>) -> Result<Output> {
    let name = name_of(ctx);
    let mount = settings::load(ctx).await?;
    let required = mount.metadata_cas_required || draft.head.settings.metadata_cas_required;
    check_cas(required, input.metadata_cas.into_option(), draft.head.metadata_version)?;
    let key = &mut draft.head.settings;
    set(&mut key.max_versions, input.max_versions, settings::versions)?;
    set(&mut key.cas_required, input.cas_required, |flag| Ok(flag.0))?;
    set(&mut key.metadata_cas_required, input.metadata_cas_required, |flag| Ok(flag.0))?;
    set(&mut key.delete_after_s, input.delete_version_after, |text| settings::key_period(&text.0))?;
    if let Some(custom) = custom {
        draft.custom = Cow::Owned(custom);
    }
    draft.head.metadata_version = draft.head.metadata_version.saturating_add(1);
    draft.head.updated = ctx.now;
    store::save(ctx, &name, &draft);
    Ok(Output::nothing())
}

fn check_cas(required: bool, given: Option<Number>, current: u64) -> Result<()> {
    match given {
        None if required => Err(Error::invalid("metadata check-and-set parameter required for this call")),
        Some(Number(cas)) if u64::try_from(cas) != Ok(current) => {
            Err(Error::invalid("metadata check-and-set parameter does not match the current version"))
        }
        _ => Ok(()),
    }
}

/// Removes a key with all its versions, in one batch; quiet when there is none.
pub async fn delete(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let name = name_of(ctx);
    let Some(entry) = store::find(ctx, &name).await? else { return Ok(Output::nothing()) };
    store::remove(ctx, &name, &Record::parse(entry.value())?);
    Ok(Output::nothing())
}
