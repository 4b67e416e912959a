//! `sys/internal/specs/openapi`: the document of all mounts that the caller can reach.

use serde::Deserialize;
use strongroom_engine::{Attributes, Ctx, Error, Field, Flag, Input, Output, Result, Route, Text, Verb, field, route};

use crate::openapi::{self, Options};
use crate::{SystemCall, wire};

pub fn routes() -> Vec<Route> {
    let any = Attributes { any_token: true, never_wrapped: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "internal/specs/openapi", "Describes the API in the OpenAPI format.", document).attributes(any),
        route(Verb::Write, "internal/specs/openapi", "Describes the API in the OpenAPI format.", document).attributes(any),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Wish {
    context: Text,
    generic_mount_paths: Flag,
}
impl Input for Wish {
    const FIELDS: &'static [Field] = &[
        field::<Text>("context", "Text put behind every operationId.").clear(),
        field::<Flag>("generic_mount_paths", "Makes the paths of mounts parameters.").clear(),
    ];
}

const CONTEXT_BYTES_MAX: usize = 64;

async fn document(ctx: &mut Ctx, input: Wish) -> Result<Output> {
    let Text(context) = input.context;
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if context.len() > CONTEXT_BYTES_MAX || !context.chars().all(is_word) {
        return Err(Error::invalid("context: at most 64 letters, digits, `-`, `_` and `.`"));
    }
    let call = SystemCall::of(ctx)?;
    let token = call.token.clone().ok_or(Error::Denied)?;
    let acl = token.acl(&call.core.policies).await?;
    let table = call.core.mounts.current().await?;
    let mounts = table.sorted();
    let reachable = mounts.iter().filter(|m| acl.is_root() || m.entry.is_builtin() || acl.grants_any_below(&m.entry.path));
    let options = Options { context, has_generic_mounts: input.generic_mount_paths.0 };
    let document = openapi::document(reachable.map(|m| &***m), &options);
    let text = serde_json::to_vec(&document).map_err(|e| Error::Internal(format!("encoding a document: {e}")))?;
    Ok(Output::raw(wire::JSON, text))
}
