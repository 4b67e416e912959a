//! `kv`: key-value secrets of both versions; the server is asked which one a mount has. Must never drop a flag in silence:
//! a `-cas` or `-version` that the mount cannot honour is an error.

use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use strongroom_client::api::{WriteOptions, WriteVersion};
use strongroom_client::{KvMount, KvVersion, Response};

use super::kv_metadata::Metadata;
use super::logical::{deleted, listed, written};
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::input as given;
use crate::output::{Failure, Format, Printed, kv};

#[derive(Subcommand)]
pub enum Kv {
    /// Print a secret
    Get(Get),
    /// Write a secret as a whole
    Put(Put),
    /// Change keys of a secret and keep the others
    Patch(Patch),
    /// List the names below a path
    List(List),
    /// Delete the newest version, or those given
    Delete(Delete),
    /// Bring deleted versions back
    Undelete(Versioned),
    /// Remove versions for good
    Destroy(Versioned),
    /// Work with settings and history of a secret
    #[command(subcommand)]
    Metadata(Metadata),
}

/// Which secret. Shared with `kv metadata`.
#[derive(Args)]
pub(super) struct Place {
    /// Path of the secret: mount and key, or the key alone with -mount
    key: String,
    /// Path of the mount
    #[arg(long, value_name = "PATH")]
    mount: Option<String>,
    #[command(flatten)]
    pub(super) connection: Connection,
}

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

#[derive(Args)]
pub struct Put {
    #[command(flatten)]
    place: Place,
    /// key=value, key=@file, key=- (standard input), @file.json or - (a JSON object)
    #[arg(value_name = "DATA")]
    data: Vec<String>,
    /// Write only if this is the newest version; 0: only if there is no secret yet
    #[arg(long, value_name = "VERSION")]
    cas: Option<u64>,
    /// Print only this field of the answer, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
}

#[derive(Args)]
pub struct Patch {
    #[command(flatten)]
    put: Put,
    /// patch: the server merges; rw: read, merge here, write with -cas; absent: patch, and rw where that is not allowed
    #[arg(long, value_parser = ["patch", "rw"])]
    method: Option<String>,
}

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

impl Kv {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Get(command) => command.execute(environment, input).await,
            Self::Put(command) => command.execute(environment, input).await,
            Self::Patch(command) => command.execute(environment, input).await,
            Self::List(command) => command.execute(environment, input).await,
            Self::Delete(command) => command.execute(environment, input).await,
            Self::Undelete(command) => command.execute("undelete", environment, input).await,
            Self::Destroy(command) => command.execute("destroy", environment, input).await,
            Self::Metadata(command) => command.execute(environment, input).await,
        }
    }
}

impl Place {
    pub(super) async fn find(&self, session: &Session<'_>) -> Result<(KvMount, String), Failure> {
        find(session, self.mount.as_deref(), &self.key).await
    }
}

async fn find(session: &Session<'_>, mount: Option<&str>, key: &str) -> Result<(KvMount, String), Failure> {
    let Some(mount) = mount else { return Ok(session.client.kv_mount(key).await?) };
    let (found, rest) = session.client.kv_mount(mount).await?;
    if !rest.is_empty() {
        return Err(Failure::local(format!("{mount} is not a mount; the mount is {}", found.path)));
    }
    Ok((found, key.trim_matches('/').to_owned()))
}

/// Errors: the mount has version 1, `what` needs 2.
pub(super) fn require_two(mount: &KvMount, what: &str) -> Result<(), Failure> {
    match mount.version {
        KvVersion::Two => Ok(()),
        KvVersion::One => Err(Failure::local(format!("{what} not supported on KV Version 1"))),
    }
}

impl Get {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.place.connection.open(environment, input)?;
        let (mount, key) = self.place.find(&session).await?;
        if self.version > 0 {
            require_two(&mount, "Reading a version is")?;
        }
        let path = mount.path_of("data", &key);
        let answer = session
            .client
            .kv_read(&mount, &key, self.version)
            .await
            .map_err(|error| Failure::of(&error, &format!("reading {path}")))?;
        let envelope = answer.ok_or_else(|| Failure::nothing_at(&path))?;
        kv::print(&envelope, mount.version, &path, session.format, self.field.as_deref())
    }
}

impl Put {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.place.connection.open(environment, input)?;
        let data = self.data(session.input)?;
        let (mount, key) = self.place.find(&session).await?;
        if self.cas.is_some() {
            require_two(&mount, "Check-and-set is")?;
        }
        let path = mount.path_of("data", &key);
        let answer = session.client.kv_write(&mount, &key, data, self.cas).await;
        let answer = answer.map_err(|error| Failure::of(&error, &format!("writing data to {path}")))?;
        print_write(&answer, &path, session.format, self.field.as_deref())
    }

    fn data(&self, input: &mut dyn Read) -> Result<Map<String, Value>, Failure> {
        if self.data.is_empty() { Err(Failure::local("Must supply data")) } else { given::parse_data(&self.data, input) }
    }
}

fn print_write(answer: &Response, path: &str, format: Format, field: Option<&str>) -> Result<Printed, Failure> {
    let envelope = answer.envelope()?;
    let metadata = envelope.as_ref().and_then(|envelope| envelope.data.as_ref()).and_then(Value::as_object);
    match metadata {
        Some(metadata) if format == Format::Table && field.is_none() => {
            let warnings = envelope.as_ref().and_then(|envelope| envelope.warnings.as_ref());
            Ok(Printed::text(kv::versioned(path, Some(metadata), None)).warned(warnings))
        }
        _ => written(envelope, path, format, field),
    }
}

impl Patch {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.put.place.connection.open(environment, input)?;
        let data = self.put.data(session.input)?;
        let (mount, key) = self.put.place.find(&session).await?;
        require_two(&mount, "Patch is")?;
        let path = mount.path_of("data", &key);
        let answer = match self.method.as_deref() {
            Some("rw") => merge_here(&session, &mount, &key, data, self.put.cas).await,
            method => {
                let body = WriteVersion { data, options: WriteOptions { cas: self.put.cas } };
                match session.client.kv_patch(&mount, &key, &body).await {
                    // Not allowed, or not known there; reading and writing may be.
                    Err(error) if method.is_none() && matches!(error.status(), Some(403 | 405)) => {
                        merge_here(&session, &mount, &key, body.data, self.put.cas).await
                    }
                    Err(error) if error.status() == Some(404) => Err(Failure::nothing_at(&path)),
                    answer => answer.map_err(|error| Failure::of(&error, &format!("writing data to {path}"))),
                }
            }
        };
        print_write(&answer?, &path, session.format, self.put.field.as_deref())
    }
}

/// Reads, merges and writes back under check-and-set, so that another writer's change in between is not lost. Null removes a key,
/// as on the server.
async fn merge_here(
    session: &Session<'_>,
    mount: &KvMount,
    key: &str,
    changes: Map<String, Value>,
    cas: Option<u64>,
) -> Result<Response, Failure> {
    let path = mount.path_of("data", key);
    let client = session.client.without_wrapping();
    let found = client.kv_read(mount, key, 0).await.map_err(|error| Failure::of(&error, &format!("reading {path}")))?;
    let mut found = found.and_then(|envelope| envelope.data).ok_or_else(|| Failure::nothing_at(&path))?;
    let read_version = found.get("metadata").and_then(|metadata| metadata.get("version")).and_then(Value::as_u64);
    let Some(Value::Object(mut data)) = found.get_mut("data").map(Value::take) else { return Err(Failure::nothing_at(&path)) };
    for (name, value) in changes {
        if value.is_null() {
            data.remove(&name)
        } else {
            data.insert(name, value)
        };
    }
    let cas = cas.or(read_version).ok_or_else(|| Failure::server(format!("The version of {path} is unknown")))?;
    let answer = session.client.kv_write(mount, key, data, Some(cas)).await;
    answer.map_err(|error| Failure::of(&error, &format!("writing data to {path}")))
}

impl List {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = match (&self.path, &self.mount) {
            (None, None) => return Err(Failure::local("Not enough arguments (expected 1, got 0)")),
            (path, _) => path.as_deref().unwrap_or_default(),
        };
        let (mount, key) = find(&session, self.mount.as_deref(), path).await?;
        listed(&session, &mount.path_of("metadata", &key)).await
    }
}

impl Delete {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
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
    async fn execute(self, action: &str, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
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
