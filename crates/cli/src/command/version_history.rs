//! `version-history`: which versions of the server have run on its store, and since when.

use std::io::Read;

use clap::Args;
use serde_json::Value;

use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, secret, table};

#[derive(Args)]
pub struct VersionHistory {
    #[command(flatten)]
    connection: Connection,
}

impl VersionHistory {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let listed = session.client.list("sys/version-history").await;
        let envelope = listed.map_err(|error| Failure::of(&error, "listing versions"))?;
        let envelope = envelope.ok_or_else(|| Failure::server("The server keeps no history of its versions"))?;
        if session.format != Format::Table {
            return secret::print(&envelope, session.format, None);
        }
        let keys = envelope.data.as_ref().and_then(|data| data.get("keys")?.as_array());
        let about = |version: &str, what: &str| {
            let details = envelope.data.as_ref()?.get("key_info")?.get(version)?;
            details.get(what)?.as_str().map(str::to_owned)
        };
        let row = |version: &str| {
            let text = |what| about(version, what).unwrap_or_default();
            vec![version.to_owned(), text("timestamp_installed"), text("commit_date")]
        };
        let rows: Vec<_> = keys.into_iter().flatten().filter_map(Value::as_str).map(row).collect();
        Ok(Printed::text(table::columns(&["Version", "Installation Time", "Commit Date"], &rows)))
    }
}
