//! `sys/metrics`: the page of figures, for who may read it.

use serde::Deserialize;
use strongroom_engine::{Attributes, Ctx, Error, Field, Input, Output, Result, Route, Text, Verb, field, route};

use crate::SystemCall;
use crate::bare::metrics::refusal;
use crate::metrics::Format;

pub fn routes() -> Vec<Route> {
    let bare = Attributes { never_wrapped: true, ..Attributes::default() };
    vec![
        route(Verb::Read, "metrics", "Figures of this server, as JSON or for Prometheus.", read)
            .attributes(bare)
            .produces(&["text/plain"]),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Read {
    format: Text,
}
impl Input for Read {
    const FIELDS: &'static [Field] = &[field::<Text>("format", "`prometheus`; JSON when left out.").clear()];
}

async fn read(ctx: &mut Ctx, input: Read) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let server = call.core.server.upgrade().ok_or_else(|| Error::Unavailable("server is stopping".into()))?;
    let format = Format::read(&input.format.0, call.core.settings.telemetry).map_err(refusal)?;
    let (content_type, text) = call.core.metrics.written(&server, format).await;
    Ok(Output::raw(content_type, text.into_bytes()))
}
