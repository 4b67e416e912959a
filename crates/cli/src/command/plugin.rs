//! `plugin`: which engines and methods the server has. They are built in: there is nothing to register.

use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use strongroom_client::Method;

use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::value::plain;
use crate::output::{Failure, Format, Printed, secret, table};

#[derive(Subcommand)]
pub enum Plugin {
    /// List the engines and methods that the server has
    List(List),
    /// Describe one of them
    Info(Info),
}

#[derive(Args)]
pub struct List {
    /// Only of this kind: auth, secret or database
    #[arg(value_parser = ["auth", "secret", "database"])]
    kind: Option<String>,
    /// Print version and state of each too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    detailed: Option<bool>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Info {
    /// Kind: auth, secret or database
    #[arg(value_parser = ["auth", "secret", "database"])]
    kind: String,
    /// Its name
    name: String,
    /// Version to describe; there is one of each
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Plugin {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::List(List { kind, detailed, connection }) => {
                list(&connection.open(environment, input)?, kind.as_deref(), is_set(detailed)).await
            }
            Self::Info(command) => command.execute(environment, input).await,
        }
    }
}

async fn list(session: &Session<'_>, kind: Option<&str>, is_detailed: bool) -> Result<Printed, Failure> {
    let failed = |error| Failure::of(&error, "listing available plugins");
    let answer = session.client.request::<()>(Method::Get, "sys/plugins/catalog", None).await.map_err(failed)?;
    let catalog: Map<String, Value> = answer.data().map_err(failed)?;
    let details: Vec<&Value> = catalog.get("detailed").and_then(Value::as_array).into_iter().flatten().collect();
    let details: Vec<&Value> =
        details.into_iter().filter(|one| kind.is_none_or(|kind| one.get("type").and_then(Value::as_str) == Some(kind))).collect();
    if session.format != Format::Table {
        return Printed::structured(&by_kind(&catalog, kind, &details), session.format);
    }
    let columns: &[(&str, &str)] = match (is_detailed, kind) {
        (true, _) => &[("Name", "name"), ("Type", "type"), ("Version", "version"), ("Deprecation Status", "deprecation_status")],
        (false, Some(_)) => &[("Name", "name"), ("Version", "version")],
        (false, None) => &[("Name", "name"), ("Type", "type"), ("Version", "version")],
    };
    let header: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    let row = |one: &&Value| columns.iter().map(|(_, key)| one.get(key).map(plain).unwrap_or_default()).collect();
    Ok(Printed::text(table::columns(&header, &details.iter().map(row).collect::<Vec<Vec<String>>>())))
}

/// As scripts read it: lists of names by kind, and the details.
fn by_kind(catalog: &Map<String, Value>, kind: Option<&str>, details: &[&Value]) -> Value {
    let names = catalog.iter().filter(|(name, _)| *name != "detailed" && kind.is_none_or(|kind| kind == name.as_str()));
    let mut shown: Map<String, Value> = names.map(|(name, value)| (name.clone(), value.clone())).collect();
    shown.insert("details".to_owned(), json!(details));
    Value::Object(shown)
}

impl Info {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = format!("sys/plugins/catalog/{}/{}", self.kind, self.name);
        let version = self.version.as_deref().map(|version| ("version", version));
        let query: Vec<_> = version.into_iter().collect();
        let failed = |error| Failure::of(&error, &format!("reading plugin named {}", self.name));
        let envelope = session.client.read(&path, &query).await.map_err(failed)?;
        let envelope = envelope.ok_or_else(|| Failure::server(format!("No {} plugin named: {}", self.kind, self.name)))?;
        if session.format != Format::Table && self.field.is_none() {
            return Printed::structured(&envelope.data, session.format);
        }
        secret::print(&envelope, session.format, self.field.as_deref())
    }
}
