//! Operations on numbered versions: soft delete, undelete, destroy. Numbers that a key does not have are passed over,
//! as the contract has it.

use serde::Deserialize;
use strongroom_engine::{Ctx, Error, Field, Input, List, Output, Result, field};

use super::name_of;
use crate::record::{Draft, Record};
use crate::store;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct VersionsInput {
    versions: List,
}

impl Input for VersionsInput {
    const FIELDS: &'static [Field] = &[field::<List>("versions", "Numbers of the versions.").clear()];
}

impl VersionsInput {
    fn numbers(&self) -> Result<Vec<u64>> {
        if self.versions.0.is_empty() {
            return Err(Error::invalid("No version number provided"));
        }
        self.versions.0.iter().map(|text| text.trim().parse().map_err(|_| Error::invalid(NOT_NUMBERS))).collect()
    }
}

const NOT_NUMBERS: &str = "Field validation failed: error converting input for field \"versions\": expected whole numbers";

pub async fn delete(ctx: &mut Ctx, input: VersionsInput) -> Result<Output> {
    let now = ctx.now;
    change(ctx, input, |draft, number| draft.delete(number, now)).await
}

pub async fn undelete(ctx: &mut Ctx, input: VersionsInput) -> Result<Output> {
    change(ctx, input, |draft, number| draft.undelete(number)).await
}

/// Saves the record when one of the numbers changed something.
async fn change(ctx: &mut Ctx, input: VersionsInput, one: impl Fn(&mut Draft<'_>, u64) -> bool) -> Result<Output> {
    let name = name_of(ctx);
    let numbers = input.numbers()?;
    let Some(entry) = store::find(ctx, &name).await? else { return Ok(Output::nothing()) };
    let mut draft = Draft::of(&Record::parse(entry.value())?);
    let changed = numbers.into_iter().filter(|number| one(&mut draft, *number)).count();
    if changed > 0 {
        store::save(ctx, &name, &draft);
    }
    Ok(Output::nothing())
}

/// Removes the values of the versions for good, in one batch with the record.
pub async fn destroy(ctx: &mut Ctx, input: VersionsInput) -> Result<Output> {
    let name = name_of(ctx);
    let numbers = input.numbers()?;
    let Some(entry) = store::find(ctx, &name).await? else { return Ok(Output::nothing()) };
    let mut draft = Draft::of(&Record::parse(entry.value())?);
    let destroyed: Vec<_> = numbers.into_iter().filter_map(|number| draft.destroy(number)).collect();
    if !destroyed.is_empty() {
        store::remove_rows(ctx, draft.head.id, destroyed.into_iter());
        store::save(ctx, &name, &draft);
    }
    Ok(Output::nothing())
}
