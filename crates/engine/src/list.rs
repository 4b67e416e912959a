//! Pages of names, as lists of engines give them.

use crate::{Ctx, Error, Field, Input, Key, Number, Output, Result, Text, field};
use serde::Deserialize;

/// Names in one answer; what holds more is read in pages.
const NAMES_MAX: usize = 1_000_000;

/// Which names of a list to answer.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Page {
    pub after: Text,
    limit: Number,
}

impl Input for Page {
    const FIELDS: &'static [Field] = &[
        field::<Text>("after", "Names up to this one are left out."),
        field::<Number>("limit", "Most names to answer; 0 or none is all.").clear(),
    ];
}

/// Names below a prefix, sorted. Errors: `NotFound` when there are none, `Invalid` when they need pages.
pub async fn list_names(ctx: &mut Ctx, prefix: &Key, page: &Page) -> Result<Output> {
    let wanted = usize::try_from(page.limit.0).ok().filter(|n| (1..=NAMES_MAX).contains(n));
    let after = Some(page.after.0.as_str()).filter(|after| !after.is_empty());
    let names = ctx.list(prefix, after, wanted.unwrap_or(NAMES_MAX.saturating_add(1))).await?;
    if names.len() > NAMES_MAX {
        return Err(Error::invalid(format!("more than {NAMES_MAX} names: list them in pages with `after` and `limit`")));
    }
    Output::keys(names)
}
