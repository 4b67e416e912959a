//! `status`: works on a sealed server and without a token. Must never say 0 when the server is sealed or unknown: scripts wait
//! for it.

use std::io::Read;

use clap::Args;

use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::{Failure, Printed, seal};
use crate::{EXIT_LOCAL, EXIT_OK, EXIT_SERVER};

#[derive(Args)]
pub struct Status {
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Status {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let status = session.client.seal_status().await;
        // Any trouble is 1 here, so that 2 means sealed and nothing else.
        let status = status.map_err(|error| Failure { code: EXIT_LOCAL, ..Failure::of(&error, "checking seal status") })?;
        // A server that doesn't tell about other nodes still has a status.
        let leader = session.client.leader().await.ok();
        let code = if status.sealed { EXIT_SERVER } else { EXIT_OK };
        let printed = match &self.field {
            Some(name) => seal::status_field(&status, leader.as_ref(), name, session.format)?,
            None => seal::status(&status, leader.as_ref(), session.format)?,
        };
        Ok(printed.with_code(code))
    }
}
