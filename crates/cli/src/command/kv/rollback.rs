//! `kv rollback`: writes an old version again, as the newest. Must never write over a version that it has not seen.

use std::io::Read;

use clap::Args;
use serde_json::Value;

use super::super::logical::written;
use super::patch::current;
use super::{Place, require_two};
use crate::EXIT_SERVER;
use crate::environment::Environment;
use crate::output::{Failure, Printed};

#[derive(Args)]
pub struct Rollback {
    #[command(flatten)]
    place: Place,
    /// Version to write again
    #[arg(long)]
    version: Option<u64>,
}

impl Rollback {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let version = self.version.filter(|version| *version > 0);
        let version = version.ok_or_else(|| Failure::local("Version flag must be specified"))?;
        let session = self.place.connection.open(environment, input)?;
        let (mount, key) = self.place.find(&session).await?;
        require_two(&mount, "Rollback is").map_err(|failure| Failure { code: EXIT_SERVER, ..failure })?;
        let path = mount.path_of("data", &key);
        let newest = self.newest(&session, &mount, &key).await?;
        let (data, _) = current(&session, &mount, &key, version).await?;
        let answer = session.client.kv_write(&mount, &key, data, Some(newest)).await;
        let answer = answer.map_err(|error| Failure::of(&error, &format!("writing data to {path}")))?;
        written(answer.envelope()?, &path, session.format, None)
    }

    /// The number of the newest version, which may be deleted.
    async fn newest(
        &self,
        session: &crate::connection::Session<'_>,
        mount: &strongroom_client::KvMount,
        key: &str,
    ) -> Result<u64, Failure> {
        let path = mount.path_of("data", key);
        let client = session.client.without_wrapping().without_preview();
        let found = client.kv_read(mount, key, 0).await.map_err(|error| Failure::of(&error, &format!("reading {path}")))?;
        let number =
            found.as_ref().and_then(|envelope| envelope.data.as_ref()?.get("metadata")?.get("version")).and_then(Value::as_u64);
        number.ok_or_else(|| Failure::nothing_at(&path).hinted_by(|| self.place.near_miss(mount, key)))
    }
}
