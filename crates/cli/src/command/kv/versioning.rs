//! `kv enable-versioning`: a mount of version 1 becomes one of version 2. There is no way back.

use std::io::Read;

use clap::Args;
use strongroom_client::api::TuneMount;

use super::super::folder;
use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::{Failure, Printed};

#[derive(Args)]
pub struct EnableVersioning {
    /// Path of the mount
    path: String,
    #[command(flatten)]
    connection: Connection,
}

impl EnableVersioning {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = folder(&self.path);
        let options = [("version".to_owned(), "2".to_owned())].into();
        let settings = TuneMount { options: Some(options), ..TuneMount::default() };
        let doing = format!("tuning secrets engine {path}");
        session.client.tune_mount(&path, &settings).await.map_err(|error| Failure::of(&error, &doing))?;
        Ok(Printed::line(format!("Success! Tuned the secrets engine at: {path}")))
    }
}
