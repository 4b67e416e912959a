//! `operator usage`: how many tokens and entities a server keeps.

use serde_json::{Map, Value};
use strongroom_client::Method;

use crate::connection::Session;
use crate::output::value::plain;
use crate::output::{Failure, Format, Printed, table};

const COUNTERS: [(&str, &str, &str); 2] =
    [("Service tokens", "tokens", "/counters/service_tokens/total"), ("Entities", "entities", "/counters/entities/total")];

pub(super) async fn usage(session: &Session<'_>) -> Result<Printed, Failure> {
    let mut rows = Vec::new();
    let mut shown = Map::new();
    for (title, name, at) in COUNTERS {
        let failed = |error| Failure::of(&error, "reading the counters");
        let path = format!("sys/internal/counters/{name}");
        let answer = session.client.request::<()>(Method::Get, &path, None).await.map_err(failed)?;
        let data: Value = answer.data().map_err(failed)?;
        let count = data.pointer(at).cloned().unwrap_or_default();
        rows.push((title, plain(&count)));
        shown.insert(name.to_owned(), count);
    }
    match session.format {
        Format::Table => Ok(Printed::text(table::pairs(&rows))),
        format => Printed::structured(&shown, format),
    }
}
