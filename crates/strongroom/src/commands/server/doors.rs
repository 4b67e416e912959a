//! Listeners of the configuration as `http` wants them, with their certificates read from files, now and on SIGHUP.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use strongroom_http::{Address as Bind, Bound, Config, Limits, Serves, TlsConfig};
use strongroom_types::SecretBytes;

use crate::config::{self, Address, Listener};

/// Listeners that are bound: peers can connect and wait.
pub struct Doors {
    bound: Bound,
    listeners: Vec<Listener>,
}

/// The files of each TLS listener, and where they go when they changed.
pub struct Certificates(Vec<(config::Tls, strongroom_http::Tls)>);

impl Doors {
    /// Binds all or none. Errors: an address that can't be had, a certificate that can't be read or used.
    pub async fn bind(listeners: &[Listener], metrics: Option<SocketAddr>) -> anyhow::Result<Self> {
        let mut doors = listeners.iter().map(door).collect::<anyhow::Result<Vec<_>>>()?;
        doors.extend(metrics.map(|address| strongroom_http::Listener {
            serves: Serves::Metrics,
            ..strongroom_http::Listener::plain(Bind::Tcp(address))
        }));
        let bound = strongroom_http::bind(Config { listeners: doors, limits: limits(listeners) }).await?;
        Ok(Self { bound, listeners: listeners.to_vec() })
    }

    /// Where the API really waits: port 0 has become a port.
    pub fn addresses(&self) -> Vec<Bind> {
        let mut addresses = self.bound.addresses();
        addresses.truncate(self.listeners.len());
        addresses
    }

    pub fn open(self) -> (Bound, Certificates) {
        let served = self.bound.tls().into_iter().zip(self.listeners);
        let certificates = served.filter_map(|(tls, listener)| Some((listener.tls?, tls?))).collect();
        (self.bound, Certificates(certificates))
    }
}

impl Certificates {
    /// Reads all files again. One that can't be used leaves the old certificate in place.
    pub fn reload(&self) {
        for (files, served) in &self.0 {
            let loaded = read(files).and_then(|(chain, key)| Ok(served.reload(&chain, &key)?));
            match loaded {
                Ok(()) => tracing::info!(file = %files.cert_file.display(), "certificate loaded"),
                Err(error) => tracing::error!(file = %files.cert_file.display(), "the certificate stays as it was: {error:#}"),
            }
        }
    }
}

fn door(listener: &Listener) -> anyhow::Result<strongroom_http::Listener> {
    let address = match &listener.address {
        Address::Tcp(address) => Bind::Tcp(*address),
        Address::Unix { path, mode } => Bind::Unix { path: path.clone(), mode: *mode },
    };
    if let Address::Tcp(tcp) = &listener.address
        && super::is_open_to_others_in_clear(listener)
    {
        tracing::warn!(address = %tcp, "tls_disable: secrets and tokens travel in clear");
    }
    let tls = listener.tls.as_ref().map(tls_config).transpose()?;
    Ok(strongroom_http::Listener {
        address,
        tls,
        forwarded: listener.forwarded.clone(),
        opens: listener.opens,
        serves: Serves::Api,
    })
}

fn tls_config(files: &config::Tls) -> anyhow::Result<TlsConfig> {
    let (chain, key) = read(files)?;
    let made = TlsConfig::new(chain, key);
    Ok(TlsConfig { version_min: files.version_min, client_certificates: files.client_certificates, ..made })
}

fn read(files: &config::Tls) -> anyhow::Result<(Vec<u8>, SecretBytes)> {
    let chain = read_file(&files.cert_file, "tls_cert_file")?;
    let key = SecretBytes::new(read_file(&files.key_file, "tls_key_file")?);
    let mode = fs::metadata(&files.key_file)?.permissions().mode();
    if mode & 0o007 != 0 {
        tracing::warn!(file = %files.key_file.display(), "every user of this machine can read the private key; mode 0600 is safer");
    }
    Ok((chain, key))
}

fn read_file(path: &Path, key: &str) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{key} `{}`", path.display()))
}

/// The limits hold for the whole server: where listeners differ, the strictest one counts.
fn limits(listeners: &[Listener]) -> Limits {
    fn strictest<T: Ord>(wishes: impl Iterator<Item = Option<T>>, default: T) -> T {
        wishes.flatten().min().unwrap_or(default)
    }
    let wishes = || listeners.iter().map(|listener| &listener.limits);
    if wishes().zip(wishes().skip(1)).any(|(one, next)| one != next) {
        tracing::warn!("limits differ between listeners: the strictest of each holds for all");
    }
    let default = Limits::default();
    let body_bytes_max = strictest(wishes().map(|wish| wish.body_bytes_max), default.body_bytes_max);
    Limits {
        body_bytes_max,
        // One body of the largest size must fit.
        body_budget_bytes: default.body_budget_bytes.max(body_bytes_max),
        request_timeout: strictest(wishes().map(|wish| wish.request_timeout), default.request_timeout),
        header_timeout: strictest(wishes().map(|wish| wish.header_timeout), default.header_timeout),
        idle_timeout: strictest(wishes().map(|wish| wish.idle_timeout), default.idle_timeout),
        ..default
    }
}
