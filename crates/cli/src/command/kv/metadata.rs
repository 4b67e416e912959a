//! `kv metadata`: settings and history of a secret (version 2 only). Must never read a value: metadata is for those who may not.

use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use strongroom_client::Method;
use strongroom_client::api::MetadataSettings;

use super::super::logical::{deleted, written};
use super::{Place, require_two};
use crate::arguments::{duration_text, pair};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, kv, secret};

#[derive(Subcommand)]
pub enum Metadata {
    /// Print settings and versions of a secret
    Get(Plain),
    /// Change settings of a secret; makes it if there is none
    Put(Put),
    /// Change some settings of a secret and keep the others
    Patch(Patch),
    /// Remove a secret with all its versions, for good
    Delete(Plain),
}

#[derive(Args)]
pub struct Plain {
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub struct Put {
    #[command(flatten)]
    place: Place,
    /// Versions to keep; 0: as the mount says
    #[arg(long)]
    max_versions: Option<u64>,
    /// Refuse writes without -cas
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    cas_required: Option<bool>,
    /// Delete each version after this time; 0s: as the mount says
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    delete_version_after: Option<String>,
    /// Note on the secret; may be given more than once, replaces all notes
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    custom_metadata: Vec<(String, String)>,
}

#[derive(Args)]
pub struct Patch {
    #[command(flatten)]
    put: Put,
    /// Note to remove; may be given more than once
    #[arg(long, value_name = "KEY")]
    remove_custom_metadata: Vec<String>,
}

impl Metadata {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Get(Plain { place }) => get(place, environment, input).await,
            Self::Put(command) => command.execute(environment, input).await,
            Self::Patch(command) => command.execute(environment, input).await,
            Self::Delete(Plain { place }) => delete(place, environment, input).await,
        }
    }
}

async fn get(place: Place, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
    let session = place.connection.open(environment, input)?;
    let (mount, key) = place.find(&session).await?;
    require_two(&mount, "Metadata")?;
    let path = mount.path_of("metadata", &key);
    let answer = session.client.read(&path, &[]).await.map_err(|error| Failure::of(&error, &format!("reading {path}")))?;
    let envelope = answer.ok_or_else(|| Failure::nothing_at(&path))?;
    match envelope.data.as_ref().and_then(Value::as_object) {
        Some(data) if session.format == Format::Table => {
            Ok(Printed::text(kv::metadata(&path, data)).warned(envelope.warnings.as_ref()))
        }
        _ => secret::print(&envelope, session.format, None),
    }
}

impl Put {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.place.connection.open(environment, input)?;
        let (mount, key) = self.place.find(&session).await?;
        require_two(&mount, "Metadata")?;
        let settings = MetadataSettings {
            max_versions: self.max_versions,
            cas_required: self.cas_required,
            delete_version_after: self.delete_version_after,
            custom_metadata: Some(self.custom_metadata.into_iter().collect())
                .filter(|notes: &std::collections::BTreeMap<_, _>| !notes.is_empty()),
        };
        let path = mount.path_of("metadata", &key);
        let answer = session.client.kv_metadata_write(&mount, &key, &settings).await;
        answer.map_err(|error| Failure::of(&error, &format!("writing data to {path}")))?;
        written(None, &path, session.format, None)
    }
}

impl Patch {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.put.place.connection.open(environment, input)?;
        let (mount, key) = self.put.place.find(&session).await?;
        require_two(&mount, "Metadata")?;
        let path = mount.path_of("metadata", &key);
        let sent = session.client.request(Method::Patch, &path, Some(&self.body())).await;
        match sent {
            Err(error) if error.status() == Some(404) => Err(Failure::nothing_at(&path)),
            Err(error) => Err(Failure::of(&error, &format!("writing data to {path}"))),
            Ok(_) => written(None, &path, session.format, None),
        }
    }

    /// What was given only; null removes.
    fn body(self) -> Map<String, Value> {
        let set = self.put.custom_metadata.into_iter().map(|(key, value)| (key, json!(value)));
        let removed = self.remove_custom_metadata.into_iter().map(|key| (key, Value::Null));
        let notes: Map<String, Value> = set.chain(removed).collect();
        let settings = [
            ("max_versions", self.put.max_versions.map(|count| json!(count))),
            ("cas_required", self.put.cas_required.map(|required| json!(required))),
            ("delete_version_after", self.put.delete_version_after.map(|after| json!(after))),
            ("custom_metadata", Some(json!(notes)).filter(|_| !notes.is_empty())),
        ];
        settings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

async fn delete(place: Place, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
    let session = place.connection.open(environment, input)?;
    let (mount, key) = place.find(&session).await?;
    require_two(&mount, "Metadata")?;
    let path = mount.path_of("metadata", &key);
    let answer = session.client.request::<()>(Method::Delete, &path, None).await;
    deleted(&path, answer.map_err(|error| Failure::of(&error, &format!("deleting {path}")))?.envelope()?)
}
