//! `strongroom server`: from flags and files to a running server, and in order back to nothing. Every step that can fail does
//! so before the first request is answered.

mod banner;
mod dev;
mod dev_tls;
pub mod doors;
mod pid_file;
mod plan;
mod process;
mod public_config;
mod signals;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use strongroom_core::{Parts, Server};
use strongroom_http::Stopped;
use strongroom_storage::{EmbeddedStore, MemoryStore, Store, embedded};

use super::console;
use crate::config::{Address, Listener, Storage};
use crate::environment::Environment;
use crate::process::ThisProcess;
use crate::system::{SystemRng, WallClock, seed_early};
use crate::{catalog, log};
use plan::Plan;

/// Handlers are shallow; what a thread's stack never touches costs nothing but address space, which limits may count.
/// Code without optimisation needs more.
const STACK_BYTES: usize = if cfg!(debug_assertions) { 4 << 20 } else { 512 << 10 };

/// Flags of `server`.
// No Debug: the root token is one of them.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Configuration file, or folder with .hcl and .json files; may be given several times
    #[arg(long, value_name = "PATH")]
    config: Vec<PathBuf>,
    /// Run a throw-away server: in memory, initialized, unsealed. NOT for production
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    dev: Option<bool>,
    /// Text of the dev server's root token
    #[arg(long, value_name = "TOKEN")]
    dev_root_token_id: Option<String>,
    /// Address of the dev server [default: 127.0.0.1:8200]
    #[arg(long, value_name = "IP:PORT")]
    dev_listen_address: Option<String>,
    /// Serve the dev server over TLS, with a certificate made for it
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    dev_tls: Option<bool>,
    /// Folder for that certificate; a temporary one if not given
    #[arg(long, value_name = "FOLDER")]
    dev_tls_cert_dir: Option<PathBuf>,
    /// Further name or address in that certificate; may be given several times
    #[arg(long, value_name = "NAME")]
    dev_tls_san: Vec<String>,
    /// Accepted for scripts: the dev server never stores its token
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide = true)]
    dev_no_store_token: Option<bool>,
    /// Unseal although the store is older than its audit log says. For one start after a restore: revoked tokens may live again
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    accept_rollback: Option<bool>,
    /// trace, debug, info, warn or error
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// standard or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

/// Serves until SIGTERM or SIGINT; then the exit code is 0.
pub fn run(args: Args) -> anyhow::Result<u8> {
    seed_early();
    let plan = Plan::settle(args, Environment::read())?;
    // SECURITY: before the first key is read and the first thread of the runtime starts.
    let hardened = strongroom_os::harden(plan.config.process.lock_memory);
    let log = log::start(plan.log_level, plan.log_format);
    if plan.accepts_rollback {
        tracing::warn!("-accept-rollback: a store that was put back to an earlier state is accepted");
    }
    for warning in plan.config.warnings.iter().chain(&hardened.warnings()) {
        tracing::warn!("{warning}");
    }
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime =
        runtime.worker_threads(workers).thread_stack_size(STACK_BYTES).enable_all().build().context("starting threads")?;
    runtime.block_on(serve(plan, log))?;
    Ok(strongroom_cli::EXIT_OK)
}

async fn serve(plan: Plan, log: log::Control) -> anyhow::Result<()> {
    let opening = tokio::task::spawn_blocking({
        let storage = plan.storage.clone();
        move || Opened::open(storage)
    });
    let doors = doors::Doors::bind(&plan.config.listeners, plan.config.telemetry.metrics_address).await?;
    let opened = opening.await.context("opening the store")??;
    // Only now is it certain that no other server uses these files.
    let _pid_file = plan.config.process.pid_file.clone().map(pid_file::PidFile::write).transpose()?;
    let server = Server::new(Parts {
        store: opened.store(),
        clock: Arc::new(WallClock),
        rng: Arc::new(SystemRng::new()),
        catalogue: catalog::BUILTINS.to_vec(),
        audit: plan.audit_devices(),
        process: Arc::new(ThisProcess { log: log.clone(), configuration: public_config::shown(&plan) }),
        settings: plan.settings(),
    });
    // A closed standard output is no reason not to serve.
    let _ = console::print(&banner::text(&plan, &doors.addresses()));
    if let Some(dev) = &plan.dev {
        dev::initialise(&server, dev, &doors.addresses(), &plan.config).await?;
    }
    let (bound, certificates) = doors.open();
    server.add_metrics(bound.counters());
    server.add_metrics(Arc::new(process::Process));
    let signals = signals::Signals::new(certificates, log, plan.config_paths.clone(), Arc::clone(&server))?;
    let stopped = bound.serve(Arc::clone(&server), signals.until_stop()).await;
    if let Stopped::Cut { connection_count } = stopped {
        tracing::warn!(connection_count, "requests were cut off: they took too long to end");
    }
    server.stop().await;
    tokio::task::spawn_blocking(move || opened.close()).await.context("closing the store")?;
    tracing::info!("stopped");
    Ok(())
}

/// Opens a store as a start would, and closes it. Blocks.
pub fn try_open(storage: Storage) -> anyhow::Result<()> {
    Opened::open(storage).map(|opened| opened.close())
}

/// Anybody in the network can read what is sent there.
pub fn is_open_to_others_in_clear(listener: &Listener) -> bool {
    matches!((&listener.address, &listener.tls), (Address::Tcp(tcp), None) if !tcp.ip().is_loopback())
}

/// The store, with the handle that can close it.
enum Opened {
    Memory(Arc<MemoryStore>),
    Embedded(Arc<EmbeddedStore>),
}

impl Opened {
    /// Blocks.
    fn open(storage: Storage) -> anyhow::Result<Self> {
        Ok(match storage {
            Storage::Memory => Self::Memory(Arc::new(MemoryStore::new())),
            Storage::Embedded { path, size_bytes_max } => {
                Self::Embedded(Arc::new(EmbeddedStore::open(embedded::Config { size_bytes_max, ..embedded::Config::new(path) })?))
            }
        })
    }

    fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Embedded(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Everything acknowledged is on disk already; this leaves the files in order. Blocks.
    fn close(&self) {
        if let Self::Embedded(store) = self {
            store.close();
        }
    }
}
