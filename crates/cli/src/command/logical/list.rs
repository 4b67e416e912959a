//! `list` and `scan`: the names below a path, on one level or on all.

use clap::Args;
use serde_json::{Map, Value};
use strongroom_client::api::Envelope;
use strongroom_client::{Method, Request};

use super::{Input, borrowed};
use crate::EXIT_SERVER;
use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, mounts, secret};

#[derive(Args)]
pub struct List {
    /// Path to list, such as secret/metadata
    path: String,
    /// Print what the server tells of each name too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    detailed: Option<bool>,
    /// Begin behind this name
    #[arg(long, value_name = "NAME")]
    after: Option<String>,
    /// Print so many names at most
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    #[command(flatten)]
    connection: Connection,
}

/// `list` on all levels.
#[derive(Args)]
pub struct Scan {
    #[command(flatten)]
    list: List,
}

/// Which names, and how to show them.
pub(in crate::command) struct Listing {
    pub method: Method,
    pub is_detailed: bool,
    pub query: Vec<(String, String)>,
}

impl Listing {
    /// All names, by LIST or SCAN.
    pub(in crate::command) fn all(method: Method) -> Self {
        Self { method, is_detailed: false, query: Vec::new() }
    }
}

impl List {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Input) -> Result<Printed, Failure> {
        self.send(Method::List, environment, input).await
    }

    async fn send(self, method: Method, environment: &Environment, input: &mut dyn Input) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let page = [("after", self.after), ("limit", self.limit.map(|limit| limit.to_string()))];
        let query = page.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let listing = Listing { method, is_detailed: is_set(self.detailed), query };
        listed(&session, self.path.trim_matches('/'), &listing).await
    }
}

impl Scan {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Input) -> Result<Printed, Failure> {
        self.list.send(Method::Scan, environment, input).await
    }
}

/// Names below a path.
pub(in crate::command) async fn listed(session: &Session<'_>, path: &str, listing: &Listing) -> Result<Printed, Failure> {
    let verb = if listing.method == Method::Scan { "scanning" } else { "listing" };
    let failed = |error| Failure::of(&error, &format!("{verb} {path}"));
    let request = Request { method: listing.method, path, query: &borrowed(&listing.query), body: None };
    let found = session.client.exchange::<()>(request).await.map_err(failed)?.found().map_err(failed)?;
    let Some(envelope) = found else { return nothing(path, session.format) };
    if envelope.wrap_info.is_some() {
        return secret::print(&envelope, session.format, None);
    }
    shown(&envelope, listing.is_detailed, session.format).unwrap_or_else(|| nothing(path, session.format))
}

/// None: there are no names.
fn shown(envelope: &Envelope, is_detailed: bool, format: Format) -> Option<Result<Printed, Failure>> {
    let data = envelope.data.as_ref()?;
    let keys = data.get("keys")?.as_array()?;
    let details = data.get("key_info").and_then(Value::as_object).filter(|_| is_detailed);
    let printed = match (details, format) {
        (Some(details), Format::Table) => Ok(detailed(keys, details)),
        (Some(_), format) => Printed::structured(data, format),
        (None, format) => mounts::keys(keys, format),
    };
    Some(printed.map(|printed| printed.warned(envelope.warnings.as_ref())))
}

/// A column for each thing that is known of any of them.
fn detailed(keys: &[Value], details: &Map<String, Value>) -> Printed {
    let titles: std::collections::BTreeSet<&String> = details.values().filter_map(Value::as_object).flat_map(Map::keys).collect();
    let row = |key: &Value| {
        let name = crate::output::value::plain(key);
        let known = details.get(&name);
        let cells = titles.iter().map(|title| {
            known
                .and_then(|known| known.get(title.as_str()))
                .map(|value| crate::output::value::cell(title, value))
                .unwrap_or_default()
        });
        std::iter::once(name.clone()).chain(cells).collect()
    };
    let header: Vec<&str> = std::iter::once("Keys").chain(titles.iter().map(|title| title.as_str())).collect();
    Printed::text(crate::output::table::columns(&header, &keys.iter().map(row).collect::<Vec<Vec<String>>>()))
}

fn nothing(path: &str, format: Format) -> Result<Printed, Failure> {
    // A program that reads JSON gets JSON, and the exit code.
    if format == Format::Table { Err(Failure::nothing_at(path)) } else { Ok(Printed::line("{}").with_code(EXIT_SERVER)) }
}
