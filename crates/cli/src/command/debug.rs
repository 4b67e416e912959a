//! `debug`: collects what a server tells of itself over a while into one tar archive, for people who look for a fault elsewhere.
//! Must never hold a secret: it asks only for what the server has sanitized, and never reads an engine.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use strongroom_client::Method;

use crate::arguments::duration_s;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Printed};
use crate::tar::Archive;

/// What can be collected: its name, the file's name, and where the server tells it. The first two more than once.
const TARGETS: [Target; 6] = [
    Target { name: "metrics", file: "metrics", path: "sys/metrics", repeats: true },
    Target { name: "requests", file: "in_flight_requests", path: "sys/in-flight-req", repeats: true },
    Target { name: "server-status", file: "health", path: "sys/health", repeats: true },
    Target { name: "server-status", file: "seal_status", path: "sys/seal-status", repeats: false },
    Target { name: "config", file: "config", path: "sys/config/state/sanitized", repeats: false },
    Target { name: "host", file: "host_info", path: "sys/host-info", repeats: false },
];
/// A sample more often than this is load, not information.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

struct Target {
    name: &'static str,
    file: &'static str,
    path: &'static str,
    repeats: bool,
}

#[derive(Args)]
pub struct Debug {
    /// How long to look; 0 looks once
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration_s)]
    duration: u64,
    /// Time between two samples, of 1s at least
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration_s)]
    interval: u64,
    /// File to write, which must not exist; absent: strongroom-debug-TIME.tar
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to collect: metrics, requests, server-status, config or host; all when absent
    #[arg(long, value_name = "TARGET", value_delimiter = ',', value_parser = ["metrics", "requests", "server-status", "config", "host"])]
    target: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Debug {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let health = session.client.seal_status().await.map_err(|error| Failure::of(&error, "connecting to the server"))?;
        let output = self.output.clone().unwrap_or_else(|| format!("strongroom-debug-{}.tar", crate::tar::now_s()).into());
        let mut archive = Archive::create(&output).map_err(|error| unwritable(&output, &error))?;
        let chosen: Vec<&Target> = TARGETS
            .iter()
            .filter(|target| self.target.is_empty() || self.target.iter().any(|name| name == target.name))
            .collect();
        let mut untold = BTreeSet::new();
        let sample_count =
            self.collect(&session, &chosen, &mut archive, &mut untold).await.map_err(|error| unwritable(&output, &error))?;
        let index = json!({
            "server_version": health.version, "duration_s": self.duration, "interval_s": self.interval, "samples": sample_count,
            "targets": chosen.iter().map(|target| target.name).collect::<BTreeSet<_>>(), "not_told": untold,
        });
        archive
            .add("index.json", &pretty(&index))
            .and_then(|()| archive.finish())
            .map_err(|error| unwritable(&output, &error))?;
        let left_out: String = untold.iter().map(|file| format!("Not told: {file}\n")).collect();
        Ok(Printed { err: left_out, ..Printed::line(format!("Success! Wrote {} ({sample_count} samples)", output.display())) })
    }

    /// Samples until the time is over. The result is their number.
    async fn collect(
        &self,
        session: &Session<'_>,
        targets: &[&Target],
        archive: &mut Archive,
        untold: &mut BTreeSet<String>,
    ) -> std::io::Result<u64> {
        let interval = Duration::from_secs(self.interval).max(INTERVAL_MIN);
        let count = self.duration.checked_div(interval.as_secs()).unwrap_or(0).saturating_add(1);
        for number in 0..count {
            if number > 0 {
                tokio::time::sleep(interval).await;
            }
            session.aside.progress(&format!("sample {} of {count}", number.saturating_add(1)));
            for target in targets.iter().filter(|target| target.repeats || number == 0) {
                let name =
                    if target.repeats { format!("{}/{number:04}.json", target.file) } else { format!("{}.json", target.file) };
                match told(session, target.path).await {
                    Some(value) => archive.add(&name, &pretty(&value))?,
                    None => drop(untold.insert(target.file.to_owned())),
                }
            }
        }
        Ok(count)
    }
}

/// None: refused, or no answer. The others are still worth having.
async fn told(session: &Session<'_>, path: &str) -> Option<Value> {
    let answer = session.client.request::<()>(Method::Get, path, None).await.ok()?;
    let value: Value = answer.json().ok()?;
    // An envelope around what is asked for is no news.
    Some(value.get("data").filter(|data| data.is_object()).cloned().unwrap_or(value))
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

fn unwritable(output: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::local(format!("Error writing {}: {error}", output.display()))
}
