//! Flags, environment and configuration settled into one plan: flags win over environment, environment over files. A dev server
//! keeps everything in memory, whatever the files say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use strongroom_core::wire::Opens;
use strongroom_core::{AuditDevice, Settings};
use strongroom_http::Forwarded;
use strongroom_types::{Clock as _, SecretString};

use super::{Args, dev_tls};
use crate::config::{self, Address, Config, DEFAULT_ADDRESS, Listener, Storage, parse_address};
use crate::environment::Environment;
use crate::log::{Format, Level};
use crate::system::WallClock;

/// The device of a server without `audit` stanza (decisions.md 7). Not `file/`, so that a later stanza can have that name.
const LOCAL_DEVICE: &str = "local/";
const LOCAL_FILE: &str = "audit/audit.log";

/// What a dev server needs beyond the configuration.
#[derive(Debug, Default)]
pub struct Dev {
    /// None: one is made.
    pub root_token: Option<SecretString>,
    /// None: plain HTTP.
    pub certificate: Option<dev_tls::Made>,
}

/// All that is decided before anything is started.
#[derive(Debug)]
pub struct Plan {
    pub config: Config,
    /// Read again on SIGHUP.
    pub config_paths: Vec<PathBuf>,
    pub storage: Storage,
    pub log_level: Level,
    pub log_format: Format,
    pub dev: Option<Dev>,
    /// For this start only, hence a flag and no configuration key.
    pub accepts_rollback: bool,
}

impl Plan {
    /// Errors: a mistake in the configuration, a flag that can't be read, no listener or no storage.
    pub fn settle(args: Args, environment: Environment) -> anyhow::Result<Self> {
        let is_dev = args.dev.unwrap_or(false);
        if args.config.is_empty() && !is_dev {
            bail!("a configuration is needed: -config=FILE, or -dev for a throw-away server");
        }
        let mut config = Config::read(&args.config)?;
        let log_level = args.log_level.as_deref().or(environment.log_level.as_deref()).map(str::parse::<Level>);
        let log_level = log_level.transpose().context("log level")?.or(config.log.level).unwrap_or_default();
        let log_format = args.log_format.as_deref().or(environment.log_format.as_deref()).map(str::parse::<Format>);
        let log_format = log_format.transpose().context("log format")?.or(config.log.format).unwrap_or_default();
        if let Some(address) = &environment.api_addr {
            config.cluster.api_addr.clone_from(address);
        }
        let accepts_rollback = args.accept_rollback.unwrap_or(false);
        let config_paths = args.config.clone();
        let dev = if is_dev { Some(dev(args, environment, &mut config)?) } else { None };
        if config.listeners.is_empty() {
            bail!("the configuration has no `listener` stanza");
        }
        let storage = storage(&mut config, is_dev)?;
        Ok(Self { config, config_paths, storage, log_level, log_format, dev, accepts_rollback })
    }

    pub fn settings(&self) -> Settings {
        Settings {
            default_lease_ttl: self.config.leases.default_ttl,
            max_lease_ttl: self.config.leases.max_ttl,
            cluster_name: self.config.cluster.name.clone(),
            api_addr: self.api_addr(),
            flat_mount: self.config.flat_mount.clone().unwrap_or_else(|| "secret/".into()),
            storage_type: self.storage.name().to_owned(),
            lockout: self.config.lockout.clone(),
            accepts_rollback: self.accepts_rollback,
            telemetry: self.config.telemetry.served,
            on_slow_thread: strongroom_os::give_way,
            audit_api_folder: self.config.audit_api.folder().cloned(),
        }
    }

    /// As configured, or the URL of the first TCP listener.
    pub fn api_addr(&self) -> String {
        if !self.config.cluster.api_addr.is_empty() {
            return self.config.cluster.api_addr.clone();
        }
        let url = |listener: &Listener| match listener.address {
            Address::Tcp(address) => Some(url(address, listener.tls.is_some())),
            Address::Unix { .. } => None,
        };
        self.config.listeners.iter().find_map(url).unwrap_or_default()
    }

    /// The configured devices, or a local file beside the data. Only what is gone with the process may go unrecorded.
    pub fn audit_devices(&self) -> Vec<AuditDevice> {
        if let ([], Some(folder)) = (self.config.audit.as_slice(), self.storage.folder()) {
            let (path, description) = (folder.join(LOCAL_FILE), "kept because no audit stanza is configured".to_owned());
            return vec![AuditDevice { description, ..AuditDevice::file(LOCAL_DEVICE, path) }];
        }
        self.config.audit.clone()
    }
}

/// An address for others; nobody can connect to "every address".
pub fn url(address: SocketAddr, is_tls: bool) -> String {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("{}://{}", if is_tls { "https" } else { "http" }, SocketAddr::new(ip, address.port()))
}

fn storage(config: &mut Config, is_dev: bool) -> anyhow::Result<Storage> {
    match (config.storage.take(), is_dev) {
        (Some(Storage::Embedded { .. }), true) => {
            config.warnings.push("the storage stanza is ignored: a dev server keeps everything in memory".to_owned());
            Ok(Storage::Memory)
        }
        (_, true) => Ok(Storage::Memory),
        (Some(storage), false) => Ok(storage),
        (None, false) => {
            bail!("the configuration has no `storage` stanza, such as storage \"embedded\" {{ path = \"/var/lib/strongroom\" }}")
        }
    }
}

/// The dev server's own listener comes first, then those of the configuration.
fn dev(args: Args, environment: Environment, config: &mut Config) -> anyhow::Result<Dev> {
    let text = args.dev_listen_address.or(environment.dev_listen_address);
    let address = text.map(|text| parse_address(&text).ok_or_else(|| anyhow!("-dev-listen-address must be IP:PORT")));
    let address = address.transpose()?.unwrap_or(DEFAULT_ADDRESS);
    let is_tls = args.dev_tls.unwrap_or(false) || args.dev_tls_cert_dir.is_some();
    let certificate = if is_tls {
        let wish = dev_tls::Wish {
            folder: args.dev_tls_cert_dir,
            temp_folder: environment.temp_folder,
            names: args.dev_tls_san,
            ip: address.ip(),
        };
        Some(dev_tls::make(wish, WallClock.now())?)
    } else {
        None
    };
    let tls = certificate.as_ref().map(dev_tls::Made::tls);
    let listener = Listener {
        address: Address::Tcp(address),
        tls,
        forwarded: Forwarded::default(),
        opens: Opens::default(),
        limits: config::Limits::default(),
    };
    config.listeners.insert(0, listener);
    Ok(Dev { root_token: args.dev_root_token_id.map(SecretString::new).or(environment.dev_root_token_id), certificate })
}
