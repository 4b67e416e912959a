//! `audit enable|disable|list`: the audit devices of a server. Checking logs without a server is not the client's business.

use std::collections::BTreeMap;
use std::io::Read;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_client::Method;

use super::folder;
use super::mount::{At, List};
use crate::EXIT_SERVER;
use crate::arguments::{is_set, pair};
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, table};

#[derive(Subcommand)]
pub enum Audit {
    /// Enable an audit device on the server, where its configuration allows that
    Enable(Enable),
    /// Disable an audit device that was enabled so
    Disable(At),
    /// List the audit devices of the server
    List(List),
}

#[derive(Args)]
pub struct Enable {
    /// Type of the device: file or socket
    device: String,
    /// Options of the device, such as file_path=audit.log
    #[arg(value_name = "KEY=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
    /// What the device is for
    #[arg(long)]
    description: Option<String>,
    /// Name of the device; its type when absent
    #[arg(long)]
    path: Option<String>,
    /// Keep the device out of replication
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    local: Option<bool>,
    #[command(flatten)]
    connection: Connection,
}

/// What the server tells of a device.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Device {
    r#type: String,
    description: String,
    local: bool,
    options: BTreeMap<String, Value>,
}

impl Audit {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Enable(command) => command.execute(environment, input).await,
            Self::Disable(At { path, connection }) => disable(&connection.open(environment, input)?, &folder(&path)).await,
            Self::List(List { detailed, connection }) => list(&connection.open(environment, input)?, is_set(detailed)).await,
        }
    }
}

impl Enable {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = folder(self.path.as_deref().unwrap_or(&self.device));
        let options: BTreeMap<String, String> = self.options.into_iter().collect();
        let description = self.description.unwrap_or_default();
        let body = json!({ "type": self.device, "description": description, "local": is_set(self.local), "options": options });
        let at = format!("sys/audit/{}", path.trim_end_matches('/'));
        let enabled = session.client.request(Method::Put, &at, Some(&body)).await;
        enabled.map_err(|error| Failure::of(&error, "enabling audit device"))?;
        Ok(Printed::line(format!("Success! Enabled the {} audit device at: {path}", self.device)))
    }
}

async fn disable(session: &Session<'_>, path: &str) -> Result<Printed, Failure> {
    let at = format!("sys/audit/{}", path.trim_end_matches('/'));
    let disabled = session.client.request::<()>(Method::Delete, &at, None).await;
    disabled.map_err(|error| Failure::of(&error, "disabling audit device"))?;
    Ok(Printed::line(format!("Success! Disabled audit device (if it was enabled) at: {path}")))
}

async fn list(session: &Session<'_>, is_detailed: bool) -> Result<Printed, Failure> {
    let failed = |error| Failure::of(&error, "listing audits");
    let answer = session.client.request::<()>(Method::Get, "sys/audit", None).await.map_err(failed)?;
    if session.format != Format::Table {
        return Printed::structured(&answer.data::<Value>().map_err(failed)?, session.format);
    }
    let devices: BTreeMap<String, Device> = answer.data().map_err(failed)?;
    if devices.is_empty() {
        // The code of the reference: scripts ask with it whether anything is recorded.
        return Ok(Printed { code: EXIT_SERVER, ..Printed::line("No audit devices are enabled.") });
    }
    Ok(Printed::text(shown(&devices, is_detailed)))
}

fn shown(devices: &BTreeMap<String, Device>, is_detailed: bool) -> String {
    let short = |(path, device): (&String, &Device)| vec![path.clone(), device.r#type.clone(), device.description.clone()];
    if !is_detailed {
        return table::columns(&["Path", "Type", "Description"], &devices.iter().map(short).collect::<Vec<_>>());
    }
    let long = |(path, device): (&String, &Device)| {
        let mut row = short((path, device));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let options: Vec<String> = device.options.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        row.push(if device.local { "local" } else { "replicated" }.to_owned());
        row.push(options.join(" "));
        row
    };
    let header = ["Path", "Type", "Description", "Replication", "Options"];
    table::columns(&header, &devices.iter().map(long).collect::<Vec<_>>())
}
