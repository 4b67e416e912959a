//! `kv delete`, `kv undelete` and `kv destroy`.

use std::io::Read;

use clap::Args;

use super::super::logical::{deleted, written};
use super::{Place, require_two};
use crate::environment::Environment;
use crate::output::{Failure, Printed};

#[derive(Args)]
pub struct Delete {
    #[command(flatten)]
    place: Place,
    /// Versions to delete, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "VERSIONS")]
    versions: Vec<u64>,
}

#[derive(Args)]
pub struct Versioned {
    #[command(flatten)]
    place: Place,
    /// Versions, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "VERSIONS")]
    versions: Vec<u64>,
}

impl Delete {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.place.connection.open(environment, input)?;
        let (mount, key) = self.place.find(&session).await?;
        let path = mount.path_of("data", &key);
        let doing = format!("deleting {path}");
        if self.versions.is_empty() {
            let answer = session.client.request::<()>(strongroom_client::Method::Delete, &path, None).await;
            return deleted(&path, answer.map_err(|error| Failure::of(&error, &doing))?.envelope()?);
        }
        require_two(&mount, "Deleting versions is")?;
        session.client.kv_versions(&mount, "delete", &key, self.versions).await.map_err(|error| Failure::of(&error, &doing))?;
        deleted(&path, None)
    }
}

impl Versioned {
    /// `action` is `undelete` or `destroy`.
    pub(super) async fn execute(self, action: &str, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        if self.versions.is_empty() {
            return Err(Failure::local(format!(
                "No versions provided, use the \"-versions\" flag to specify the version to {action}."
            )));
        }
        let session = self.place.connection.open(environment, input)?;
        let (mount, key) = self.place.find(&session).await?;
        require_two(&mount, if action == "undelete" { "Undelete" } else { "Destroy" })?;
        let path = mount.path_of(action, &key);
        let answer = session.client.kv_versions(&mount, action, &key, self.versions).await;
        answer.map_err(|error| Failure::of(&error, &format!("writing data to {path}")))?;
        written(None, &path, session.format, None)
    }
}
