//! The commands, one file each. Every one turns its arguments into requests and the answers into `Printed`; none may write to a
//! stream itself.

mod audit;
mod auth;
mod debug;
mod kv;
mod lease;
mod logical;
mod login;
mod login_method;
mod migrate;
mod mount;
mod operator;
mod path_help;
mod plugin;
mod policy;
mod print;
mod remount;
mod secrets;
mod status;
mod token;
mod version_history;

use std::io::Read;

use clap::Subcommand;

pub use audit::Audit as AuditCommand;
pub use operator::Operator as OperatorCommand;

use crate::environment::Environment;
use crate::output::{Failure, Printed};

// Documented where it is exported: a doc comment here would become the help text of the binary. No Debug: arguments can be
// secrets.
#[derive(Subcommand)]
#[non_exhaustive]
pub enum ClientCommand {
    /// Show whether the server is initialized and unsealed (exit code 2: sealed)
    Status(status::Status),
    /// Work with key-value secrets
    #[command(subcommand)]
    Kv(kv::Kv),
    /// Read any path
    Read(logical::Read),
    /// Write any path
    Write(logical::Write),
    /// Change some fields at any path and keep the others
    Patch(logical::Patch),
    /// List the names below any path
    List(logical::List),
    /// List the names below any path on all levels
    Scan(logical::Scan),
    /// Delete any path
    Delete(logical::Delete),
    /// Open a wrapping token, once
    Unwrap(logical::Unwrap),
    /// Store a token for later commands
    Login(login::Login),
    /// Enable and configure auth methods
    #[command(subcommand, disable_help_subcommand = true)]
    Auth(auth::Auth),
    /// Write, read and remove policies
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Mount and configure secrets engines
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Look up, renew and revoke leases
    #[command(subcommand)]
    Lease(lease::Lease),
    /// Create, look up, renew and revoke tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Print the token in use
    #[command(subcommand)]
    Print(print::Print),
    /// List the engines and auth methods that the server has
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Print what the server says about a path
    PathHelp(path_help::PathHelp),
    /// Collect what a server tells of itself into an archive, for those who look for a fault
    Debug(debug::Debug),
    /// Print which versions of the server have run, and since when
    VersionHistory(version_history::VersionHistory),
    /// Copy mounts, policies, secrets, roles and identities from another server
    Migrate(Box<migrate::Migrate>),
    // The binary puts these beside its own commands of that name.
    #[command(skip)]
    Audit(AuditCommand),
    #[command(skip)]
    Operator(OperatorCommand),
}

impl ClientCommand {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Status(command) => command.execute(environment, input).await,
            Self::Operator(command) => command.execute(environment, input).await,
            Self::Kv(command) => command.execute(environment, input).await,
            Self::Read(command) => command.execute(environment, input).await,
            Self::Write(command) => command.execute(environment, input).await,
            Self::Patch(command) => command.execute(environment, input).await,
            Self::List(command) => command.execute(environment, input).await,
            Self::Scan(command) => command.execute(environment, input).await,
            Self::Delete(command) => command.execute(environment, input).await,
            Self::Unwrap(command) => command.execute(environment, input).await,
            Self::Auth(command) => command.execute(environment, input).await,
            Self::Login(command) => command.execute(environment, input).await,
            Self::Policy(command) => command.execute(environment, input).await,
            Self::Secrets(command) => command.execute(environment, input).await,
            Self::Lease(command) => command.execute(environment, input).await,
            Self::Print(command) => command.execute(environment, input),
            Self::Plugin(command) => command.execute(environment, input).await,
            Self::PathHelp(command) => command.execute(environment, input).await,
            Self::Debug(command) => command.execute(environment, input).await,
            Self::VersionHistory(command) => command.execute(environment, input).await,
            Self::Audit(command) => command.execute(environment, input).await,
            Self::Token(command) => command.execute(environment, input).await,
            Self::Migrate(command) => command.execute(environment, input).await,
        }
    }
}

/// A mount path as messages show it: with one trailing slash.
fn folder(path: &str) -> String {
    format!("{}/", path.trim_matches('/'))
}
