//! `secrets`: the mounts of secrets engines. Must never hold a list of engines: the server knows which there are.

use std::io::Read;

use clap::{Args, Subcommand};

use super::folder;
use super::mount::{At, List, Place, Settings, as_it_came, enabling};
use super::remount::{Move, remount};
use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, mounts};

#[derive(Subcommand)]
pub enum Secrets {
    /// Mount an engine
    Enable(Enable),
    /// Unmount an engine and delete everything in it
    Disable(At),
    /// List the mounts
    List(List),
    /// Change a mount's settings
    Tune(Tune),
    /// Move an engine to another path
    Move(Move),
}

#[derive(Args)]
pub struct Enable {
    /// Kind of engine, such as kv
    engine: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Tune {
    /// Path of the mount
    path: String,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    connection: Connection,
}

impl Secrets {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Enable(command) => command.execute(environment, input).await,
            Self::Disable(At { path, connection }) => disable(&connection.open(environment, input)?, &folder(&path)).await,
            Self::List(List { detailed, connection }) => list(&connection.open(environment, input)?, is_set(detailed)).await,
            Self::Tune(Tune { path, settings, connection }) => {
                tune(&connection.open(environment, input)?, &folder(&path), settings).await
            }
            Self::Move(Move { source, destination, connection }) => {
                let session = connection.open(environment, input)?;
                remount(&session, "secrets engine", &folder(&source), &folder(&destination), str::to_owned).await
            }
        }
    }
}

impl Enable {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = folder(self.place.path.as_deref().unwrap_or(&self.engine));
        let mount = enabling(&self.engine, &self.place, self.settings.into_tune());
        session.client.enable_mount(&path, &mount).await.map_err(|error| Failure::of(&error, "enabling"))?;
        Ok(Printed::line(format!("Success! Enabled the {} secrets engine at: {path}", self.engine)))
    }
}

async fn disable(session: &Session<'_>, path: &str) -> Result<Printed, Failure> {
    let doing = format!("disabling secrets engine at {path}");
    session.client.disable_mount(path).await.map_err(|error| Failure::of(&error, &doing))?;
    Ok(Printed::line(format!("Success! Disabled the secrets engine (if it existed) at: {path}")))
}

async fn list(session: &Session<'_>, detailed: bool) -> Result<Printed, Failure> {
    const DOING: &str = "listing secrets engines";
    if session.format != Format::Table {
        return as_it_came(session, "sys/mounts", DOING).await;
    }
    let found = session.client.mounts().await.map_err(|error| Failure::of(&error, DOING))?;
    Ok(Printed::text(mounts::mounts(&found, detailed)))
}

async fn tune(session: &Session<'_>, path: &str, settings: Settings) -> Result<Printed, Failure> {
    let doing = format!("tuning secrets engine {path}");
    session.client.tune_mount(path, &settings.into_tune()).await.map_err(|error| Failure::of(&error, &doing))?;
    Ok(Printed::line(format!("Success! Tuned the secrets engine at: {path}")))
}
