//! `kv put`.

use std::io::Read;

use clap::Args;
use serde_json::{Map, Value};
use strongroom_client::Response;

use super::super::logical::{noted_data, written};
use super::{Place, require_two};
use crate::connection::Session;
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, kv};

#[derive(Args)]
pub struct Put {
    #[command(flatten)]
    pub(super) place: Place,
    /// key=value, key=@file, key=- (standard input), @file.json or - (a JSON object)
    #[arg(value_name = "DATA")]
    data: Vec<String>,
    /// Write only if this is the newest version; 0: only if there is no secret yet
    #[arg(long, value_name = "VERSION")]
    pub(super) cas: Option<u64>,
    /// Print only this field of the answer, without a line feed
    #[arg(long, help_heading = "Output")]
    pub(super) field: Option<String>,
}

impl Put {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        if self.data.is_empty() {
            return Err(Failure::local("Must supply data"));
        }
        let mut session = self.place.connection.open(environment, input)?;
        let data = self.data(&mut session)?;
        let (mount, key) = self.place.find(&session).await?;
        if self.cas.is_some() {
            require_two(&mount, "Check-and-set is")?;
        }
        let path = mount.path_of("data", &key);
        let answer = session.client.kv_write(&mount, &key, data, self.cas).await;
        let answer = answer.map_err(|error| Failure::of(&error, &format!("writing data to {path}")))?;
        printed(&answer, &path, session.format, self.field.as_deref())
    }

    pub(super) fn data(&self, session: &mut Session<'_>) -> Result<Map<String, Value>, Failure> {
        noted_data(&self.data, session)
    }

    pub(super) fn has_data(&self) -> bool {
        !self.data.is_empty()
    }
}

/// The answer of a write; version 2 describes the new version.
pub(super) fn printed(answer: &Response, path: &str, format: Format, field: Option<&str>) -> Result<Printed, Failure> {
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
