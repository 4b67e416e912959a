//! `migrate`: copies what can be read from a running server of this API (Vault, OpenBao or Strongroom) to a Strongroom server.
//! Nothing is changed at the source. Every step first looks at what the target has, so running it again continues and repeats
//! nothing; what can't be read or carried over is told with the reason. Must never write a secret to the state file, the
//! report or the terminal.

mod approle;
mod documents;
mod end;
mod identity;
mod kv;
mod kv2;
mod mounts;
mod progress;
mod report;
mod state;
mod walk;

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::EXIT_SERVER;
use crate::arguments::is_set;
use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed};
use end::End;
use progress::Progress;
use report::Report;
use state::State;

/// Most keys that are worked on at a time.
const PARALLEL_MAX: usize = 64;

#[derive(Args)]
pub struct Migrate {
    /// Server to copy from [environment: STRONGROOM_SOURCE_ADDR, VAULT_SOURCE_ADDR]
    #[arg(long, value_name = "URL", help_heading = "Source")]
    source_address: Option<String>,
    /// File with a token for it; - for standard input [environment: STRONGROOM_SOURCE_TOKEN, VAULT_SOURCE_TOKEN]
    #[arg(long, value_name = "FILE", help_heading = "Source")]
    source_token_file: Option<String>,
    /// PEM file with the only authorities to trust for it
    #[arg(long, value_name = "FILE", help_heading = "Source")]
    source_ca_cert: Option<PathBuf>,
    /// Namespace to copy from
    #[arg(long, value_name = "PATH", help_heading = "Source")]
    source_namespace: Option<String>,
    /// Where to keep how far it came; holds names, but no secrets
    #[arg(long, value_name = "FILE", default_value = "strongroom-migrate.json")]
    state: PathBuf,
    /// Keys to work on at a time
    #[arg(long, value_name = "N", default_value_t = 8)]
    parallel: usize,
    /// Only read and tell what would be copied
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    dry_run: Option<bool>,
    /// Also write the report to this file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// What the steps share.
struct Copy {
    source: End,
    target: End,
    is_dry: bool,
    parallel: usize,
    state: State,
    progress: Progress,
}

impl Migrate {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let source = self.source(environment, input)?;
        let session = self.connection.open(environment, input)?;
        let is_dry = is_set(self.dry_run);
        let (target, format) = (End::new(session.client.clone(), "target"), session.format);
        let key = format!("{} > {}", source.name(), target.name());
        let state = if is_dry { State::fresh(key) } else { State::load(self.state.clone(), key)? };
        let parallel = self.parallel.clamp(1, PARALLEL_MAX);
        let mut copy = Copy { source, target, is_dry, parallel, state, progress: Progress::on_terminal() };
        copy.check_ends().await?;
        let outcome = copy.run().await;
        copy.progress.end();
        outcome?;
        copy.state.finish()?;
        copy.told(format, self.report.as_deref())
    }

    fn source(&self, environment: &Environment, input: &mut dyn Read) -> Result<End, Failure> {
        let address = self.source_address.clone().or_else(|| environment.source_address.clone());
        let address = address.ok_or_else(|| Failure::local("Name the server to copy from: -source-address=https://..."))?;
        let token = match (&self.source_token_file, &environment.source_token) {
            (Some(path), _) => crate::input::text(path, input)?.trim().into(),
            (None, Some(token)) => token.duplicate(),
            (None, None) => {
                return Err(Failure::local("Give a token for the source: -source-token-file=FILE, or STRONGROOM_SOURCE_TOKEN"));
            }
        };
        let mut config = strongroom_client::Config::new(address);
        config.token = Some(token);
        config.namespace = self.source_namespace.clone();
        if let Some(path) = &self.source_ca_cert {
            let read = std::fs::read(path).map_err(|e| Failure::local(format!("Error reading {}: {e}", path.display())))?;
            config.ca_certificates_pem = Some(read);
        }
        let client = strongroom_client::Client::new(config).map_err(|error| Failure::of(&error, "connecting to the source"))?;
        Ok(End::new(client, "source"))
    }
}

impl Copy {
    /// Both must answer and know their token before anything is begun.
    async fn check_ends(&self) -> Result<(), Failure> {
        for end in [&self.source, &self.target] {
            let found: Option<Value> = end.read("auth/token/lookup-self").await.map_err(|error| {
                let failure = Failure::of(&error, "asking who the token is");
                Failure { message: format!("{} (at the {})", failure.message, end.role()), ..failure }
            })?;
            found.ok_or_else(|| Failure::server(format!("The {} does not know its token", end.role())))?;
        }
        Ok(())
    }

    /// Mounts before what is in them, policies before what names them, people before groups.
    async fn run(&mut self) -> Result<(), Failure> {
        self.step("policies", async |copy| documents::policies(copy).await).await?;
        let mounts = mounts::secrets(self).await?;
        let methods = mounts::auth(self).await?;
        self.step("roles", async |copy| documents::token_roles(copy).await).await?;
        for method in &methods {
            self.step(&format!("auth/{}", method.path), async |copy| approle::method(copy, method).await).await?;
        }
        self.step("identity", async |copy| identity::all(copy).await).await?;
        self.step("quotas", async |copy| documents::quotas(copy).await).await?;
        for mount in &mounts {
            self.step(&mount.path, async |copy| kv::mount(copy, mount).await).await?;
        }
        self.step("rest", async |copy| documents::left_behind(copy).await).await
    }

    /// Runs a step unless an earlier run has been through with it.
    async fn step<F>(&mut self, name: &str, work: F) -> Result<(), Failure>
    where
        F: AsyncFnOnce(&mut Self) -> Result<(), Failure>,
    {
        if self.state.is_done(name) {
            return Ok(());
        }
        self.progress.step(name);
        work(self).await?;
        self.state.done(name)
    }

    fn report(&mut self) -> &mut Report {
        &mut self.state.report
    }

    fn told(&self, format: Format, file: Option<&std::path::Path>) -> Result<Printed, Failure> {
        let report = &self.state.report;
        if let Some(path) = file {
            let text = crate::output::structured(report, Format::Json)?;
            state::write_private(path, text.as_bytes())?;
        }
        let printed = match format {
            Format::Table => Printed::text(report.table(self.is_dry)),
            _ => Printed::structured(report, format)?,
        };
        Ok(if report.has_failures() { printed.with_code(EXIT_SERVER) } else { printed })
    }
}
