//! `kv`: key-value secrets of both versions; the server is asked which one a mount has. Must never drop a flag in silence:
//! a `-cas` or `-version` that the mount cannot honour is an error.

mod get;
mod list;
mod metadata;
mod patch;
mod put;
mod rollback;
mod versioning;
mod versions;

use std::io::Read;

use clap::{Args, Subcommand};
use strongroom_client::{KvMount, KvVersion};

use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Printed};

#[derive(Subcommand)]
pub enum Kv {
    /// Print a secret
    Get(get::Get),
    /// Write a secret as a whole
    Put(put::Put),
    /// Change keys of a secret and keep the others
    Patch(patch::Patch),
    /// List the names below a path
    List(list::List),
    /// List the names below a path on all levels
    Scan(list::Scan),
    /// Delete the newest version, or those given
    Delete(versions::Delete),
    /// Bring deleted versions back
    Undelete(versions::Versioned),
    /// Remove versions for good
    Destroy(versions::Versioned),
    /// Write an old version again, as the newest
    Rollback(rollback::Rollback),
    /// Turn a mount of version 1 into one that keeps versions
    EnableVersioning(versioning::EnableVersioning),
    /// Work with settings and history of a secret
    #[command(subcommand)]
    Metadata(metadata::Metadata),
}

/// Which secret.
#[derive(Args)]
struct Place {
    /// Path of the secret: mount and key, or the key alone with -mount
    key: String,
    /// Path of the mount
    #[arg(long, value_name = "PATH")]
    mount: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Kv {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Get(command) => command.execute(environment, input).await,
            Self::Put(command) => command.execute(environment, input).await,
            Self::Patch(command) => command.execute(environment, input).await,
            Self::List(command) => command.execute(environment, input).await,
            Self::Scan(command) => command.execute(environment, input).await,
            Self::Delete(command) => command.execute(environment, input).await,
            Self::Undelete(command) => command.execute("undelete", environment, input).await,
            Self::Destroy(command) => command.execute("destroy", environment, input).await,
            Self::Rollback(command) => command.execute(environment, input).await,
            Self::EnableVersioning(command) => command.execute(environment, input).await,
            Self::Metadata(command) => command.execute(environment, input).await,
        }
    }
}

impl Place {
    async fn find(&self, session: &Session<'_>) -> Result<(KvMount, String), Failure> {
        find(session, self.mount.as_deref(), &self.key).await
    }

    /// What to try instead, when nothing was found: people write the path of the API, which has a part that commands add.
    fn near_miss(&self, mount: &KvMount, key: &str) -> Option<String> {
        let (part, rest) = key.split_once('/')?;
        if mount.version != KvVersion::Two || !matches!(part, "data" | "metadata") || rest.is_empty() {
            return None;
        }
        let typed = match self.mount {
            Some(_) => rest.to_owned(),
            None => format!("{}/{rest}", mount.path),
        };
        Some(format!("\"{{program}} kv\" adds \"{part}/\" by itself; without it, the path is {typed}"))
    }
}

async fn find(session: &Session<'_>, mount: Option<&str>, key: &str) -> Result<(KvMount, String), Failure> {
    let Some(mount) = mount else { return session.client.kv_mount(key).await.map_err(|error| unknown(&error, key, session)) };
    let (found, rest) = session.client.kv_mount(mount).await.map_err(|error| unknown(&error, mount, session))?;
    if !rest.is_empty() {
        return Err(Failure::local(format!("{mount} is not a mount; the mount is {}", found.path)));
    }
    Ok((found, key.trim_matches('/').to_owned()))
}

/// The server does not tell a missing mount from a forbidden one, and a person may have left the mount out.
fn unknown(error: &strongroom_client::Error, path: &str, session: &Session<'_>) -> Failure {
    let failure = Failure::of(error, "");
    if error.status() != Some(403) {
        return failure;
    }
    if !session.client.has_token() {
        return failure.hinted("there is no token: \"{program} login\" stores one");
    }
    let first = path.trim_matches('/').split('/').next().unwrap_or_default();
    failure.hinted(format!(
        "is there a secrets engine at \"{first}/\", and may this token use it? \"{{program}} secrets list\" shows those that it may see"
    ))
}

/// Errors: the mount has version 1, `what` needs 2.
fn require_two(mount: &KvMount, what: &str) -> Result<(), Failure> {
    match mount.version {
        KvVersion::Two => Ok(()),
        KvVersion::One => Err(Failure::local(format!("{what} not supported on KV Version 1"))),
    }
}
