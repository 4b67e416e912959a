//! `token`: look up, renew and revoke; creation has a file of its own. Must never mix up a token and an accessor: one of them is
//! public.

mod capabilities;
mod create;

use std::io::Read;

use clap::{Args, Subcommand};
use strongroom_client::api::{Envelope, RenewToken};

use crate::arguments::{duration_s, is_set};
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Printed, secret};
use capabilities::Capabilities;
use create::Create;

#[derive(Subcommand)]
pub enum Token {
    /// Make a token
    Create(Box<Create>),
    /// Describe a token; without an argument the one in use
    Lookup(Lookup),
    /// Extend a token's life; without an argument the one in use
    Renew(Renew),
    /// End a token and what it made
    Revoke(Revoke),
    /// Print what a token may do at a path
    Capabilities(Capabilities),
}

/// The token meant, or its accessor.
#[derive(Args)]
struct Target {
    /// Token, or - to read it from standard input; with -accessor its accessor
    token: Option<String>,
    /// The argument is an accessor
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    accessor: Option<bool>,
}

#[derive(Args)]
pub struct Lookup {
    #[command(flatten)]
    target: Target,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Renew {
    #[command(flatten)]
    target: Target,
    /// Life to ask for; the server may give less
    #[arg(long, short, value_name = "DURATION", value_parser = duration_s)]
    increment: Option<u64>,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Revoke {
    #[command(flatten)]
    target: Target,
    /// End the token in use
    #[arg(long = "self", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    own: Option<bool>,
    /// orphan: its children live on; path: the argument is a path, end all that was made below it
    #[arg(long, value_parser = ["orphan", "path"])]
    mode: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Token {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Create(command) => command.execute(environment, input).await,
            Self::Lookup(command) => command.execute(environment, input).await,
            Self::Renew(command) => command.execute(environment, input).await,
            Self::Revoke(command) => command.execute(environment, input).await,
            Self::Capabilities(command) => command.execute(environment, input).await,
        }
    }
}

impl Target {
    /// None: the token in use. Errors: an accessor was promised.
    fn accessor(&self) -> Result<Option<&str>, Failure> {
        match (is_set(self.accessor), &self.token) {
            (false, _) => Ok(None),
            (true, Some(accessor)) => Ok(Some(accessor)),
            (true, None) => Err(Failure::local("Not enough arguments with -accessor (expected 1, got 0)")),
        }
    }
}

impl Lookup {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let mut session = self.connection.open(environment, input)?;
        let answer = match (self.target.accessor()?, &self.target.token) {
            (Some(accessor), _) => session.client.lookup_accessor(accessor).await,
            (None, Some(token)) => {
                let token = session.secret(token, "token")?;
                session.client.lookup_token(&token).await
            }
            (None, None) => session.client.lookup_self().await,
        };
        let envelope = answer.map_err(|error| Failure::of(&error, "looking up token"))?;
        answered(envelope.as_ref(), &session, self.field.as_deref())
    }
}

impl Renew {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let mut session = self.connection.open(environment, input)?;
        let mut request = RenewToken { increment: self.increment, ..RenewToken::default() };
        match (self.target.accessor()?, &self.target.token) {
            (Some(accessor), _) => request.accessor = Some(accessor.to_owned()),
            (None, Some(token)) => request.token = Some(session.secret(token, "token")?),
            (None, None) => {}
        }
        let envelope = session.client.renew_token(&request).await.map_err(|error| Failure::of(&error, "renewing token"))?;
        answered(envelope.as_ref(), &session, self.field.as_deref())
    }
}

pub(super) fn answered(envelope: Option<&Envelope>, session: &Session<'_>, field: Option<&str>) -> Result<Printed, Failure> {
    let envelope = envelope.ok_or_else(|| Failure::server("The server answered without a token"))?;
    secret::print(envelope, session.format, field)
}

impl Revoke {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let own = is_set(self.own);
        let mode = self.mode.as_deref();
        match (own, is_set(self.target.accessor), mode, &self.target.token) {
            (true, _, Some(_), _) => return Err(Failure::local("Cannot use -self with -mode")),
            (true, true, ..) => return Err(Failure::local("Cannot use -self with -accessor")),
            (true, _, _, Some(_)) => return Err(Failure::local("Too many arguments with -self (expected 0, got 1)")),
            (_, true, Some(_), _) => return Err(Failure::local("Cannot use -accessor with -mode")),
            (false, false, _, None) => return Err(Failure::local("Not enough arguments (expected 1 or -self, got 0)")),
            _ => {}
        }
        let mut session = self.connection.open(environment, input)?;
        let answer = match (self.target.accessor()?, mode, &self.target.token) {
            (Some(accessor), ..) => session.client.revoke_accessor(accessor).await,
            (None, Some("path"), Some(path)) => session.client.revoke_prefix(path).await,
            (None, mode, Some(token)) => {
                let token = session.secret(token, "token")?;
                session.client.revoke_token(&token, mode.is_some()).await
            }
            (None, _, None) => session.client.revoke_self().await,
        };
        answer.map_err(|error| Failure::of(&error, "revoking token"))?;
        Ok(Printed::line("Success! Revoked token (if it existed)"))
    }
}
