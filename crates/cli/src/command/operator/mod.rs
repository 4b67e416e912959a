//! `operator`: the life of the root key. Must never store or log a share: they go to stdout once, or come from a prompt, standard
//! input or an argument.

mod cluster;
mod generate_root;
mod init;
mod public_key;
mod replace;
mod snapshot;
mod usage;

use std::io::Read;

use clap::{Args, Subcommand};
use strongroom_client::Door;
use strongroom_client::api::UnsealRequest;

use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Printed, seal};

#[derive(Subcommand)]
pub enum Operator {
    /// Make the root key, split it into unseal keys and create the first root token
    Init(init::Init),
    /// Give one unseal key
    Unseal(Unseal),
    /// Forget the root key until the next unseal
    Seal(Plain),
    /// Show the key that encrypts new entries
    KeyStatus(Plain),
    /// Put a new encryption key in use; older entries stay readable
    Rotate(Plain),
    /// Replace the unseal keys
    RotateKeys(replace::Replace),
    /// Replace the unseal keys without a token, at a listener that opens it
    Rekey(replace::Replace),
    /// Make a root token from enough unseal keys
    GenerateRoot(generate_root::GenerateRoot),
    /// Save, restore and inspect snapshots of the store
    #[command(subcommand)]
    Snapshot(snapshot::Snapshot),
    /// The same under the reference's name
    #[command(subcommand, hide = true)]
    Raft(snapshot::Raft),
    /// List the nodes that serve together
    Members(Plain),
    /// Let another node take over
    StepDown(Plain),
    /// Show how many tokens and entities the server keeps
    Usage(Plain),
}

#[derive(Args)]
pub struct Unseal {
    /// Unseal key, or - to read it from standard input; asked for when absent
    key: Option<String>,
    /// Accepted for scripts; there is no other seal to migrate from
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, hide = true)]
    migrate: Option<bool>,
    /// Forget the keys given so far
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    reset: Option<bool>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Plain {
    #[command(flatten)]
    connection: Connection,
}

impl Operator {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Init(command) => command.execute(environment, input).await,
            Self::Unseal(command) => command.execute(environment, input).await,
            Self::Seal(Plain { connection }) => seal_server(&connection.open(environment, input)?).await,
            Self::KeyStatus(Plain { connection }) => key_status(&connection.open(environment, input)?).await,
            Self::RotateKeys(command) => command.execute(Door::Token, environment, input).await,
            Self::Rekey(command) => command.execute(Door::Open, environment, input).await,
            Self::GenerateRoot(command) => command.execute(environment, input).await,
            Self::Snapshot(command) | Self::Raft(snapshot::Raft::Snapshot(command)) => command.execute(environment, input).await,
            Self::Members(Plain { connection }) => cluster::members(&connection.open(environment, input)?).await,
            Self::StepDown(Plain { connection }) => cluster::step_down(&connection.open(environment, input)?).await,
            Self::Usage(Plain { connection }) => usage::usage(&connection.open(environment, input)?).await,
            Self::Rotate(Plain { connection }) => rotate(&connection.open(environment, input)?).await,
        }
    }
}

impl Unseal {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        if is_set(self.migrate) {
            return Err(Failure::local("this server has one kind of seal, so there is nothing to migrate"));
        }
        let mut session = self.connection.open(environment, input)?;
        let (request, doing) = match (is_set(self.reset), self.key) {
            (true, _) => (UnsealRequest { key: None, reset: true }, "resetting the unseal attempt"),
            (false, Some(arg)) => (UnsealRequest { key: Some(session.secret(&arg, "unseal key")?), reset: false }, "unsealing"),
            (false, None) => (UnsealRequest { key: Some(session.prompt("Unseal Key", "key")?), reset: false }, "unsealing"),
        };
        let status = session.client.unseal(&request).await.map_err(|error| Failure::of(&error, doing))?;
        let leader = session.client.leader().await.ok();
        seal::status(&status, leader.as_ref(), session.format)
    }
}

async fn seal_server(session: &Session<'_>) -> Result<Printed, Failure> {
    session.client.seal().await.map_err(|error| Failure::of(&error, "sealing"))?;
    Ok(Printed::line("Success! Vault is sealed."))
}

async fn key_status(session: &Session<'_>) -> Result<Printed, Failure> {
    let status = session.client.key_status().await.map_err(|error| Failure::of(&error, "reading key status"))?;
    seal::key_status(&status, "", session.format)
}

async fn rotate(session: &Session<'_>) -> Result<Printed, Failure> {
    session.client.rotate().await.map_err(|error| Failure::of(&error, "rotating key"))?;
    let status = session.client.key_status().await.map_err(|error| Failure::of(&error, "reading key status"))?;
    seal::key_status(&status, "Success! Rotated key\n\n", session.format)
}
