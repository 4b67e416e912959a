//! `policy`. Names are lower case on the server; they are sent so. Must never change a policy's text.

mod local;

use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::input as given;
use crate::output::{Failure, Format, Printed};

#[derive(Subcommand)]
pub enum Policy {
    /// Create or replace a policy
    Write(Write),
    /// Print a policy
    Read(Named),
    /// List all policies
    List(Plain),
    /// Remove a policy
    Delete(Named),
    /// Lay out a file with a policy
    Fmt(local::Fmt),
    /// Look over files with policies, without a server (exit code 1: something was found)
    Lint(local::Lint),
}

#[derive(Args)]
pub struct Write {
    /// Name of the policy
    name: String,
    /// File with the policy, or - to read it from standard input
    file: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Named {
    /// Name of the policy
    name: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Plain {
    #[command(flatten)]
    connection: Connection,
}

impl Policy {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Write(Write { name, file, connection }) => {
                write(connection.open(environment, input)?, &canonical(&name), &file).await
            }
            Self::Read(Named { name, connection }) => read(&connection.open(environment, input)?, &canonical(&name)).await,
            Self::Fmt(command) => command.execute(input),
            Self::Lint(command) => command.execute(input),
            Self::List(Plain { connection }) => list(&connection.open(environment, input)?).await,
            Self::Delete(Named { name, connection }) => delete(&connection.open(environment, input)?, &canonical(&name)).await,
        }
    }
}

fn canonical(name: &str) -> String {
    name.trim().to_lowercase()
}

async fn write(session: Session<'_>, name: &str, file: &str) -> Result<Printed, Failure> {
    let text = given::text(file, session.input)?;
    session.client.write_policy(name, &text).await.map_err(|error| Failure::of(&error, "uploading policy"))?;
    Ok(Printed::line(format!("Success! Uploaded policy: {name}")))
}

async fn read(session: &Session<'_>, name: &str) -> Result<Printed, Failure> {
    let text = session.client.policy(name).await.map_err(|error| Failure::of(&error, &format!("reading policy named {name}")))?;
    let text = text.ok_or_else(|| Failure::server(format!("No policy named: {name}")))?;
    match session.format {
        Format::Table => Ok(Printed::line(text.trim())),
        format => Printed::structured(&json!({ "policy": text }), format),
    }
}

async fn list(session: &Session<'_>) -> Result<Printed, Failure> {
    let names = session.client.policies().await.map_err(|error| Failure::of(&error, "listing policies"))?;
    if session.format != Format::Table {
        return Printed::structured(&Value::from(names), session.format);
    }
    Ok(Printed::text(names.into_iter().map(|name| name + "\n").collect::<String>()))
}

async fn delete(session: &Session<'_>, name: &str) -> Result<Printed, Failure> {
    session.client.delete_policy(name).await.map_err(|error| Failure::of(&error, &format!("deleting {name}")))?;
    Ok(Printed::line(format!("Success! Deleted policy: {name}")))
}
