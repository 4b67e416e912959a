//! What signals mean: SIGTERM and SIGINT stop the server, SIGHUP reads certificates and the log level again and starts new audit
//! files. A mistake found by a reload is logged and changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use strongroom_core::Server;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::doors::Certificates;
use crate::config::Config;
use crate::log;

pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    certificates: Certificates,
    log: log::Control,
    config_paths: Vec<PathBuf>,
    server: Arc<Server>,
}

impl Signals {
    /// From here on the signals no longer end the process by themselves.
    pub fn new(
        certificates: Certificates,
        log: log::Control,
        config_paths: Vec<PathBuf>,
        server: Arc<Server>,
    ) -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        let (hangup, terminate, interrupt) =
            (listen(SignalKind::hangup())?, listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        Ok(Self { hangup, terminate, interrupt, certificates, log, config_paths, server })
    }

    /// Resolves when the server is to stop.
    pub async fn until_stop(mut self) {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.hangup.recv() => {
                    self.reload().await;
                    continue;
                }
            };
            tracing::info!("{name}: stopping");
            return;
        }
    }

    async fn reload(&self) {
        tracing::info!("SIGHUP: reloading");
        self.certificates.reload();
        match Config::read(&self.config_paths) {
            Ok(Config { log: crate::config::Log { level: Some(level), .. }, .. }) => {
                self.log.configure(level);
                tracing::info!("log level is {}", level.name());
            }
            Ok(_) => {}
            Err(mistake) => tracing::error!("the log level stays as it was: {mistake}"),
        }
        self.server.reopen_audit().await;
    }
}
