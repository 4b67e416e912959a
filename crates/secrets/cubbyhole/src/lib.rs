//! The cubbyhole: storage that belongs to one token and ends with it. Nobody else can read it, not even root, since its
//! keys are built from the asking token's family alone. The core wipes a family's keys when the token ends, and puts a
//! wrapped response under the name `response`.

mod store;

use std::sync::Arc;

use serde::Deserialize;
use strongroom_engine::{
    AnyFields, Attributes, Builtin, Ctx, Engine, EngineKind, Error, Field, Input, NoFields, Number, Options, Output, Result,
    Route, Verb, field, route,
};

pub use store::{NAME_BYTES_MAX, VALUE_BYTES_MAX};

pub const CUBBYHOLE: Builtin = Builtin { name: "cubbyhole", kind: EngineKind::Secrets, make, docs: "secrets-cubbyhole.md" };

/// Where the core puts a wrapped response.
const RESPONSE: &str = "response";
const RESPONSE_WARNING: &str = "Reading a wrapped response from cubbyhole/response is deprecated: use sys/wrapping/unwrap, which also checks the wrapping token.";

struct Cubbyhole;

fn make(_: &Options) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(Cubbyhole))
}

impl Engine for Cubbyhole {
    fn routes(&self) -> Vec<Route> {
        use Verb::{Delete, List, Read, Write};
        vec![
            route(Read, "{path..}", "Read what this token stored.", read),
            route(Write, "{path..}", "Store an object for this token only.", write)
                .attributes(Attributes { rests_on_token: true, ..Attributes::default() }),
            route(Delete, "{path..}", "Remove what this token stored.", delete),
            route(List, "{path..}", "List names and folders.", list),
            route(List, "", "List names and folders.", list),
            route(Read, "", "No entry has an empty name.", read),
            route(Write, "", "No entry has an empty name.", write),
            route(Delete, "", "No entry has an empty name.", delete),
        ]
    }
}

async fn read(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let key = store::key(ctx, &ctx.path)?.ok_or(Error::NotFound)?;
    let entry = ctx.get(&key).await?.ok_or(Error::NotFound)?;
    let output = Output::raw_data(entry.value().to_vec());
    Ok(if ctx.path == RESPONSE { output.warn(RESPONSE_WARNING) } else { output })
}

async fn write(ctx: &mut Ctx, fields: AnyFields) -> Result<Output> {
    let key = store::key(ctx, &ctx.path)?;
    if ctx.path.is_empty() {
        return Err(Error::invalid("missing path"));
    }
    let key = key.ok_or_else(|| Error::invalid(format!("name must have at most {NAME_BYTES_MAX} bytes")))?;
    if fields.0.is_empty() {
        return Err(Error::invalid("missing data fields"));
    }
    let value = fields.object_text();
    if value.len() > VALUE_BYTES_MAX {
        return Err(Error::invalid(format!("value is larger than {VALUE_BYTES_MAX} bytes")));
    }
    ctx.put(key, value);
    Ok(Output::nothing())
}

/// Quiet when there is nothing to remove.
async fn delete(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let Some(key) = store::key(ctx, &ctx.path)? else { return Ok(Output::nothing()) };
    ctx.delete(key);
    Ok(Output::nothing())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListInput {
    after: String,
    limit: Number,
}

impl Input for ListInput {
    const FIELDS: &'static [Field] = &[
        field::<String>("after", "Names up to this one are left out."),
        field::<Number>("limit", "Most names to answer; 0 or none is all.").clear(),
    ];
}

async fn list(ctx: &mut Ctx, input: ListInput) -> Result<Output> {
    let folder = store::folder(ctx, &ctx.path)?.ok_or(Error::NotFound)?;
    let after = Some(input.after.as_str()).filter(|after| !after.is_empty());
    let wanted = usize::try_from(input.limit.0).ok().filter(|n| (1..=NAMES_MAX).contains(n));
    let names = ctx.list(&folder, after, wanted.unwrap_or(NAMES_MAX.saturating_add(1))).await?;
    if names.len() > NAMES_MAX {
        return Err(Error::invalid(format!("more than {NAMES_MAX} names: list with `after` and `limit`")));
    }
    Output::keys(names)
}

/// Names in one answer.
const NAMES_MAX: usize = 100_000;

#[cfg(test)]
mod tests;
