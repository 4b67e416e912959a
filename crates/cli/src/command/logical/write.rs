//! `write` and `patch`.

use clap::Args;
use serde_json::{Map, Value};
use strongroom_client::Method;
use strongroom_client::api::Envelope;

use super::{Input, warnings};
use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::input as given;
use crate::output::{Failure, Format, Printed, secret};

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

/// `write` by another verb.
#[derive(Args)]
pub struct Patch {
    #[command(flatten)]
    write: Write,
}

impl Write {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Input) -> Result<Printed, Failure> {
        self.send(Method::Put, environment, input).await
    }

    async fn send(self, method: Method, environment: &Environment, input: &mut dyn Input) -> Result<Printed, Failure> {
        if self.data.is_empty() && !is_set(self.force) {
            return Err(Failure::local("Must supply data or use -force"));
        }
        let mut session = self.connection.open(environment, input)?;
        let path = self.path.trim_matches('/');
        let data = noted_data(&self.data, &mut session)?;
        let doing = format!("writing data to {path}");
        let answer = session.client.request(method, path, Some(&data)).await.map_err(|error| Failure::of(&error, &doing))?;
        let envelope = answer.envelope().map_err(|error| Failure::of(&error, &doing))?;
        written(envelope, path, session.format, self.field.as_deref())
    }
}

impl Patch {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Input) -> Result<Printed, Failure> {
        self.write.send(Method::Patch, environment, input).await
    }
}

/// The data of a write; who typed a password into it is told what became of it.
pub(in crate::command) fn noted_data(args: &[String], session: &mut Session<'_>) -> Result<Map<String, Value>, Failure> {
    for name in args.iter().filter_map(|arg| given::visible_secret(arg)) {
        session.aside.note_visible_value(name);
    }
    given::parse_data(args, session.input)
}

/// The answer of a write: what it holds, or that it went well.
pub(in crate::command) fn written(
    envelope: Option<Envelope>,
    path: &str,
    format: Format,
    field: Option<&str>,
) -> Result<Printed, Failure> {
    match envelope {
        Some(envelope) if envelope.data.is_some() || envelope.auth.is_some() || envelope.wrap_info.is_some() => {
            secret::print(&envelope, format, field)
        }
        _ if field.is_some() => Err(Failure::local("the server answered without data, so there is no field to print")),
        _ if format != Format::Table => Ok(Printed::text("")),
        envelope => Ok(Printed::line(format!("Success! Data written to: {path}")).warned(warnings(envelope.as_ref()))),
    }
}
