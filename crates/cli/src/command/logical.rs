//! `read`, `write`, `list`, `delete` of any path, and `unwrap`. Must never know what a path means: the server does.

use clap::Args;
use serde_json::{Map, Value};
use strongroom_client::api::Envelope;
use strongroom_client::{Method, Request};

use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, mounts, secret, value};
use crate::{EXIT_SERVER, input as given};

type Input<'a> = &'a mut dyn std::io::Read;

#[derive(Args)]
pub struct Read {
    /// Path to read, such as secret/data/app
    path: String,
    /// Parameters of the read
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Write {
    /// Path to write, such as auth/token/roles/app
    path: String,
    /// key=value, key=@file, key=- (standard input), @file.json or - (a JSON object)
    #[arg(value_name = "DATA")]
    data: Vec<String>,
    /// Write without data
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    force: Option<bool>,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct List {
    /// Path to list, such as secret/metadata
    path: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Delete {
    /// Path to delete
    path: String,
    /// Parameters of the deletion
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Unwrap {
    /// Wrapping token, or - to read it from standard input; absent: the token in use is the wrapping token
    token: Option<String>,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Read {
    pub(crate) async fn execute(self, environment: &Environment, input: Input<'_>) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = self.path.trim_matches('/');
        let parameters = query(given::parse_data(&self.parameters, session.input)?);
        let query: Vec<(&str, &str)> = parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let doing = format!("reading {path}");
        let answer = session.client.exchange::<()>(Request { method: Method::Get, path, query: &query, body: None }).await;
        let answer = answer.map_err(|error| Failure::of(&error, &doing))?;
        if session.format == Format::Raw && self.field.is_none() && answer.status() < 400 {
            return Ok(Printed::line(String::from_utf8_lossy(answer.body())));
        }
        let envelope = answer.found().map_err(|error| Failure::of(&error, &doing))?.ok_or_else(|| Failure::nothing_at(path))?;
        secret::print(&envelope, session.format, self.field.as_deref())
    }
}

impl Write {
    pub(crate) async fn execute(self, environment: &Environment, input: Input<'_>) -> Result<Printed, Failure> {
        if self.data.is_empty() && !is_set(self.force) {
            return Err(Failure::local("Must supply data or use -force"));
        }
        let session = self.connection.open(environment, input)?;
        let path = self.path.trim_matches('/');
        let data = given::parse_data(&self.data, session.input)?;
        let doing = format!("writing data to {path}");
        let answer = session.client.request(Method::Put, path, Some(&data)).await.map_err(|error| Failure::of(&error, &doing))?;
        let envelope = answer.envelope().map_err(|error| Failure::of(&error, &doing))?;
        written(envelope, path, session.format, self.field.as_deref())
    }
}

/// The answer of a write: what it holds, or that it went well.
pub(super) fn written(envelope: Option<Envelope>, path: &str, format: Format, field: Option<&str>) -> Result<Printed, Failure> {
    match envelope {
        Some(envelope) if envelope.data.is_some() || envelope.auth.is_some() || envelope.wrap_info.is_some() => {
            secret::print(&envelope, format, field)
        }
        _ if field.is_some() => Err(Failure::local("the server answered without data, so there is no field to print")),
        _ if format != Format::Table => Ok(Printed::text("")),
        envelope => Ok(Printed::line(format!("Success! Data written to: {path}"))
            .warned(envelope.as_ref().and_then(|envelope| envelope.warnings.as_ref()))),
    }
}

impl List {
    pub(crate) async fn execute(self, environment: &Environment, input: Input<'_>) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        listed(&session, self.path.trim_matches('/')).await
    }
}

/// Names below a path, for `list` and `kv list`.
pub(super) async fn listed(session: &Session<'_>, path: &str) -> Result<Printed, Failure> {
    let envelope = session.client.list(path).await.map_err(|error| Failure::of(&error, &format!("listing {path}")))?;
    let Some(envelope) = envelope else { return nothing_listed(path, session.format) };
    if envelope.wrap_info.is_some() {
        return secret::print(&envelope, session.format, None);
    }
    match envelope.data.as_ref().and_then(|data| data.get("keys")).and_then(Value::as_array) {
        Some(keys) => Ok(mounts::keys(keys, session.format)?.warned(envelope.warnings.as_ref())),
        None => nothing_listed(path, session.format),
    }
}

fn nothing_listed(path: &str, format: Format) -> Result<Printed, Failure> {
    // A program that reads JSON gets JSON, and the exit code.
    if format == Format::Table { Err(Failure::nothing_at(path)) } else { Ok(Printed::line("{}").with_code(EXIT_SERVER)) }
}

impl Delete {
    pub(crate) async fn execute(self, environment: &Environment, input: Input<'_>) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = self.path.trim_matches('/');
        let parameters = query(given::parse_data(&self.parameters, session.input)?);
        let query: Vec<(&str, &str)> = parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let answer = session.client.exchange::<()>(Request { method: Method::Delete, path, query: &query, body: None }).await;
        let answer = answer
            .and_then(strongroom_client::Response::checked)
            .map_err(|error| Failure::of(&error, &format!("deleting {path}")))?;
        deleted(path, answer.envelope()?)
    }
}

pub(super) fn deleted(path: &str, envelope: Option<Envelope>) -> Result<Printed, Failure> {
    let line = Printed::line(format!("Success! Data deleted (if it existed) at: {path}"));
    Ok(line.warned(envelope.as_ref().and_then(|envelope| envelope.warnings.as_ref())))
}

impl Unwrap {
    pub(crate) async fn execute(self, environment: &Environment, input: Input<'_>) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let token = self.token.map(|arg| given::secret(&arg, session.input)).transpose()?;
        let answer = match token {
            // Without another token the wrapping token is its own right to be opened.
            Some(token) if !session.client.has_token() => session.client.with_token(token)?.unwrap(None).await,
            token => session.client.unwrap(token.as_ref()).await,
        };
        let envelope = answer
            .map_err(|error| Failure::of(&error, "unwrapping"))?
            .ok_or_else(|| Failure::server("The wrapping token held nothing"))?;
        secret::print(&envelope, session.format, self.field.as_deref())
    }
}

fn query(data: Map<String, Value>) -> Vec<(String, String)> {
    let pairs = data.into_iter().flat_map(|(key, value)| match value {
        Value::Array(items) => items.iter().map(|item| (key.clone(), value::plain(item))).collect::<Vec<_>>(),
        value => vec![(key, value::plain(&value))],
    });
    pairs.collect()
}
