//! `kv get`.

use std::io::Read;

use clap::Args;

use super::{Place, require_two};
use crate::environment::Environment;
use crate::output::{Failure, Printed, kv};

#[derive(Args)]
pub struct Get {
    #[command(flatten)]
    place: Place,
    /// Version to read; the newest when absent
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    version: u64,
    /// Print only this key, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
}

impl Get {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.place.connection.open(environment, input)?;
        let (mount, key) = self.place.find(&session).await?;
        if self.version > 0 {
            require_two(&mount, "Reading a version is")?;
        }
        let path = mount.path_of("data", &key);
        let answer = session.client.kv_read(&mount, &key, self.version).await;
        let hint = || self.place.near_miss(&mount, &key);
        let answer = answer.map_err(|error| Failure::of(&error, &format!("reading {path}")).hinted_by(hint))?;
        let envelope = answer.ok_or_else(|| Failure::nothing_at(&path).hinted_by(hint))?;
        kv::print(&envelope, mount.version, &path, session.format, self.field.as_deref())
    }
}
