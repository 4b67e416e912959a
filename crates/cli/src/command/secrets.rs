//! `secrets`: the mounts of secrets engines. Must never hold a list of engines: the server knows which there are.

use std::collections::BTreeMap;
use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::Value;
use strongroom_client::Method;
use strongroom_client::api::{EnableMount, TuneMount};

use super::folder;
use crate::arguments::{duration_text, is_set, pair};
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, mounts};

#[derive(Subcommand)]
pub enum Secrets {
    /// Mount an engine
    Enable(Enable),
    /// Unmount an engine and delete everything in it
    Disable(Disable),
    /// List the mounts
    List(List),
    /// Change a mount's settings
    Tune(Tune),
}

/// Settings that can be given at the start and later.
#[derive(Args)]
struct Settings {
    /// What the mount is for
    #[arg(long)]
    description: Option<String>,
    /// Life of leases when nothing else is asked
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    default_lease_ttl: Option<String>,
    /// Longest life of leases
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    max_lease_ttl: Option<String>,
    /// Who sees the mount without a token: unauth or hidden
    #[arg(long, value_name = "WHO")]
    listing_visibility: Option<String>,
    /// Version of the engine's API; key-value engines have 1 and 2
    #[arg(long)]
    version: Option<u64>,
    /// Option of the engine; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
}

#[derive(Args)]
pub struct Enable {
    /// Kind of engine, such as kv
    engine: String,
    /// Where to mount it; the kind's name when absent
    #[arg(long)]
    path: Option<String>,
    /// Keep the mount out of replication
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    local: Option<bool>,
    /// Wrap its entries with the seal too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    seal_wrap: Option<bool>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Disable {
    /// Path of the mount
    path: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct List {
    /// Show the settings too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    detailed: Option<bool>,
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
            Self::Disable(Disable { path, connection }) => disable(&connection.open(environment, input)?, &folder(&path)).await,
            Self::List(List { detailed, connection }) => list(&connection.open(environment, input)?, is_set(detailed)).await,
            Self::Tune(Tune { path, settings, connection }) => {
                tune(&connection.open(environment, input)?, &folder(&path), settings).await
            }
        }
    }
}

impl Settings {
    fn options(&self) -> BTreeMap<String, String> {
        let version = self.version.map(|version| ("version".to_owned(), version.to_string()));
        self.options.iter().cloned().chain(version).collect()
    }

    /// Only what was given, so that a tune leaves the rest alone.
    fn into_tune(self) -> TuneMount {
        let options = Some(self.options()).filter(|options| !options.is_empty());
        TuneMount {
            description: self.description,
            default_lease_ttl: self.default_lease_ttl,
            max_lease_ttl: self.max_lease_ttl,
            listing_visibility: self.listing_visibility,
            options,
            ..TuneMount::default()
        }
    }
}

impl Enable {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = folder(self.path.as_deref().unwrap_or(&self.engine));
        let mut config = self.settings.into_tune();
        // A new mount takes these two beside its config.
        let (description, options) = (config.description.take().unwrap_or_default(), config.options.take().unwrap_or_default());
        let mount = EnableMount {
            mount_type: self.engine.clone(),
            description,
            config,
            options,
            local: is_set(self.local),
            seal_wrap: is_set(self.seal_wrap),
        };
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
    let failed = |error| Failure::of(&error, "listing secrets engines");
    if session.format == Format::Table {
        return Ok(Printed::text(mounts::mounts(&session.client.mounts().await.map_err(failed)?, detailed)));
    }
    // As it came: a program may look for what this client doesn't know.
    let answer = session.client.request::<()>(Method::Get, "sys/mounts", None).await.map_err(failed)?;
    Printed::json(&answer.data::<Value>().map_err(failed)?)
}

async fn tune(session: &Session<'_>, path: &str, settings: Settings) -> Result<Printed, Failure> {
    let doing = format!("tuning secrets engine {path}");
    session.client.tune_mount(path, &settings.into_tune()).await.map_err(|error| Failure::of(&error, &doing))?;
    Ok(Printed::line(format!("Success! Tuned the secrets engine at: {path}")))
}
