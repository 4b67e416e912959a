//! `auth`: the auth methods of a server. Must never hold a list of methods: the server knows which there are.

use std::io::Read;

use clap::{Args, Subcommand};
use strongroom_client::api::{TuneMount, UserLockout};

use super::folder;
use super::login_method::LoginMethod;
use super::mount::{At, List, Place, Settings, as_it_came, enabling};
use super::remount::{Move, remount};
use crate::arguments::{duration_text, is_set};
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, mounts};

#[derive(Subcommand)]
pub enum Auth {
    /// Enable an auth method
    Enable(Box<Enable>),
    /// Disable an auth method: its tokens end, and what it holds is deleted
    Disable(At),
    /// List the auth methods
    List(List),
    /// Change the settings of an auth method
    Tune(Box<Tune>),
    /// Move an auth method to another path
    Move(Move),
    /// Print how to log in with an auth method
    Help(Help),
}

/// Settings of auth methods, at the start and later.
#[derive(Args)]
struct MethodSettings {
    #[command(flatten)]
    common: Settings,
    /// Kind of token that logins give: default-service, default-batch, service or batch
    #[arg(long, value_name = "KIND")]
    token_type: Option<String>,
}

impl MethodSettings {
    fn into_tune(self) -> TuneMount {
        TuneMount { token_type: self.token_type, ..self.common.into_tune() }
    }
}

#[derive(Args)]
pub struct Enable {
    /// Kind of method, such as userpass
    method: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    settings: MethodSettings,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Tune {
    /// Path of the method
    path: String,
    /// Wrong passwords after which a name is locked
    #[arg(long, value_name = "COUNT")]
    user_lockout_threshold: Option<u32>,
    /// How long a name stays locked
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    user_lockout_duration: Option<String>,
    /// Time after which wrong passwords are forgotten
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    user_lockout_counter_reset_duration: Option<String>,
    /// Lock nobody
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    user_lockout_disable: Option<bool>,
    #[command(flatten)]
    settings: MethodSettings,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Help {
    /// Kind of method, or path of one that is enabled
    method: String,
    #[command(flatten)]
    connection: Connection,
}

impl Auth {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Enable(command) => command.execute(environment, input).await,
            Self::Disable(At { path, connection }) => disable(&connection.open(environment, input)?, &folder(&path)).await,
            Self::List(List { detailed, connection }) => list(&connection.open(environment, input)?, is_set(detailed)).await,
            Self::Tune(command) => command.execute(environment, input).await,
            Self::Move(Move { source, destination, connection }) => {
                let session = connection.open(environment, input)?;
                remount(&session, "auth method", &folder(&source), &folder(&destination), below_auth).await
            }
            Self::Help(Help { method, connection }) => help(&connection.open(environment, input)?, &method).await,
        }
    }
}

impl Enable {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = folder(self.place.path.as_deref().unwrap_or(&self.method));
        let mount = enabling(&self.method, &self.place, self.settings.into_tune());
        let doing = format!("enabling {} auth", self.method);
        session.client.enable_auth(&path, &mount).await.map_err(|error| Failure::of(&error, &doing))?;
        Ok(Printed::line(format!("Success! Enabled {} auth method at: {path}", self.method)))
    }
}

async fn disable(session: &Session<'_>, path: &str) -> Result<Printed, Failure> {
    let doing = format!("disabling auth method at {path}");
    session.client.disable_auth(path).await.map_err(|error| Failure::of(&error, &doing))?;
    Ok(Printed::line(format!("Success! Disabled the auth method (if it existed) at: {path}")))
}

async fn list(session: &Session<'_>, detailed: bool) -> Result<Printed, Failure> {
    const DOING: &str = "listing enabled authentications";
    if session.format != Format::Table {
        return as_it_came(session, "sys/auth", DOING).await;
    }
    let found = session.client.auth_methods().await.map_err(|error| Failure::of(&error, DOING))?;
    Ok(Printed::text(mounts::auth_methods(&found, detailed)))
}

impl Tune {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = folder(&self.path);
        let lockout = UserLockout {
            lockout_threshold: self.user_lockout_threshold.map(|count| count.to_string()),
            lockout_duration: self.user_lockout_duration,
            lockout_counter_reset_duration: self.user_lockout_counter_reset_duration,
            lockout_disable: self.user_lockout_disable,
        };
        let user_lockout_config = Some(lockout).filter(|lockout| *lockout != UserLockout::default());
        let settings = TuneMount { user_lockout_config, ..self.settings.into_tune() };
        let doing = format!("tuning auth method {path}");
        session.client.tune_auth(&path, &settings).await.map_err(|error| Failure::of(&error, &doing))?;
        Ok(Printed::line(format!("Success! Tuned the auth method at: {path}")))
    }
}

fn below_auth(path: &str) -> String {
    if path.starts_with("auth/") { path.to_owned() } else { format!("auth/{path}") }
}

/// By kind, else by the kind of what is enabled at that path.
async fn help(session: &Session<'_>, method: &str) -> Result<Printed, Failure> {
    if let Ok(known) = LoginMethod::parse(method) {
        return Ok(Printed::text(known.help()));
    }
    let path = folder(method);
    let enabled = session.client.auth_methods().await.map_err(|error| Failure::of(&error, "listing authentication methods"))?;
    let mount = enabled.get(&path);
    let mount = mount.ok_or_else(|| Failure::local(format!("No auth method available on the server at {path:?}")))?;
    Ok(Printed::text(LoginMethod::parse(&mount.mount_type)?.help()))
}
