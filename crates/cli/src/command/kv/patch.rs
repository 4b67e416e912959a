//! `kv patch`: changes some keys. Must never lose what another writer wrote in between.

use std::io::Read;

use clap::Args;
use serde_json::{Map, Value};
use strongroom_client::api::{WriteOptions, WriteVersion};
use strongroom_client::{KvMount, Response};

use super::put::{Put, printed};
use super::require_two;
use crate::connection::Session;
use crate::environment::Environment;
use crate::output::{Failure, Printed};

#[derive(Args)]
pub struct Patch {
    #[command(flatten)]
    put: Put,
    /// patch: the server merges; rw: read, merge here, write with -cas; absent: patch, and rw where that is not allowed
    #[arg(long, value_parser = ["patch", "rw"])]
    method: Option<String>,
    /// Key to remove; may be given more than once
    #[arg(long, value_name = "KEY")]
    remove_data: Vec<String>,
}

impl Patch {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        if !self.put.has_data() && self.remove_data.is_empty() {
            return Err(Failure::local("Must supply data"));
        }
        let mut session = self.put.place.connection.open(environment, input)?;
        let mut changes = self.put.data(&mut session)?;
        changes.extend(self.remove_data.iter().map(|key| (key.clone(), Value::Null)));
        let (mount, key) = self.put.place.find(&session).await?;
        require_two(&mount, "Patch is")?;
        let path = mount.path_of("data", &key);
        let answer = self.send(&session, &mount, &key, changes).await;
        printed(&answer?, &path, session.format, self.put.field.as_deref())
    }

    async fn send(
        &self,
        session: &Session<'_>,
        mount: &KvMount,
        key: &str,
        changes: Map<String, Value>,
    ) -> Result<Response, Failure> {
        let cas = self.put.cas;
        if self.method.as_deref() == Some("rw") {
            return merge_here(session, mount, key, changes, cas).await;
        }
        let path = mount.path_of("data", key);
        let body = WriteVersion { data: changes, options: WriteOptions { cas } };
        match session.client.kv_patch(mount, key, &body).await {
            // Not allowed, or not known there; reading and writing may be.
            Err(error) if self.method.is_none() && matches!(error.status(), Some(403 | 405)) => {
                merge_here(session, mount, key, body.data, cas).await
            }
            Err(error) if error.status() == Some(404) => {
                Err(Failure::nothing_at(&path).hinted_by(|| self.put.place.near_miss(mount, key)))
            }
            answer => answer.map_err(|error| Failure::of(&error, &format!("writing data to {path}"))),
        }
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
    let (mut data, read_version) = current(session, mount, key, 0).await?;
    for (name, value) in changes {
        if value.is_null() {
            data.remove(&name)
        } else {
            data.insert(name, value)
        };
    }
    let answer = session.client.kv_write(mount, key, data, cas.or(Some(read_version))).await;
    answer.map_err(|error| Failure::of(&error, &format!("writing data to {}", mount.path_of("data", key))))
}

/// Data and number of a version that can be read. Errors: there is none, or it is deleted.
pub(super) async fn current(
    session: &Session<'_>,
    mount: &KvMount,
    key: &str,
    version: u64,
) -> Result<(Map<String, Value>, u64), Failure> {
    let path = mount.path_of("data", key);
    let client = session.client.without_wrapping().without_preview();
    let found = client.kv_read(mount, key, version).await.map_err(|error| Failure::of(&error, &format!("reading {path}")))?;
    let mut found = found.and_then(|envelope| envelope.data).ok_or_else(|| Failure::nothing_at(&path))?;
    let number = found.get("metadata").and_then(|metadata| metadata.get("version")).and_then(Value::as_u64);
    let number = number.ok_or_else(|| Failure::server(format!("The version of {path} is unknown")))?;
    match found.get_mut("data").map(Value::take) {
        Some(Value::Object(data)) => Ok((data, number)),
        _ => Err(Failure::nothing_at(&path)),
    }
}
