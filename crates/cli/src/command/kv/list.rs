//! `kv list` and `kv scan`.

use std::io::Read;

use clap::Args;
use strongroom_client::Method;

use super::super::logical::{Listing, listed};
use super::find;
use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::{Failure, Printed};

#[derive(Args)]
pub struct List {
    /// Path to list; the whole mount when absent and -mount is given
    path: Option<String>,
    /// Path of the mount
    #[arg(long, value_name = "PATH")]
    mount: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Scan {
    #[command(flatten)]
    list: List,
}

impl List {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        self.send(Method::List, environment, input).await
    }

    async fn send(self, method: Method, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let path = match (&self.path, &self.mount) {
            (None, None) => return Err(Failure::local("Not enough arguments (expected 1, got 0)")),
            (path, _) => path.as_deref().unwrap_or_default(),
        };
        let session = self.connection.open(environment, input)?;
        let (mount, key) = find(&session, self.mount.as_deref(), path).await?;
        listed(&session, &mount.path_of("metadata", &key), &Listing::all(method)).await
    }
}

impl Scan {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        self.list.send(Method::Scan, environment, input).await
    }
}
