//! Opens devices with keys from behind the barrier.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use strongroom_audit::{
    AuditError, Device, DiscardDevice, FileConfig, FileDevice, Head, Limits, LinesConfig, LinesDevice, SocketConfig,
    SocketDevice, set_aside_foreign,
};
use strongroom_barrier::{Barrier, View};
use strongroom_engine::{Error, Key, Result};
use strongroom_types::{Clock, Rng, SecretBytes};

use super::heads;
use super::{AuditDevice, AuditKind};

/// What every device needs.
pub struct Opener {
    pub barrier: Barrier,
    pub view: View,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub accepts_rollback: bool,
    /// A snapshot took the store's place: a log of the installation before it may be in the way.
    pub is_restored: bool,
    /// Name of this machine: files of the same name elsewhere are other files.
    pub node: String,
    /// The store's revision as the devices write it into checkpoints.
    pub store_head: Arc<AtomicU64>,
}

/// Why a device was not opened.
pub enum NotOpened {
    /// The device itself.
    Device(AuditError),
    /// All else.
    Other(Error),
}

impl From<Error> for NotOpened {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl NotOpened {
    /// Files that are not what was acknowledged: evidence is gone or changed.
    pub fn is_tampering(&self) -> bool {
        matches!(self, Self::Device(AuditError::Behind { .. } | AuditError::Mismatch { .. } | AuditError::StoreBehind { .. }))
    }
}

impl std::fmt::Display for NotOpened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device(error) => write!(f, "{error}"),
            Self::Other(error) => write!(f, "{error}"),
        }
    }
}

/// An open device, and where its newest checkpoint is kept.
pub struct Opened {
    pub device: Arc<dyn Device>,
    pub head_key: Key,
}

impl Opener {
    /// A device of the configuration is known by its name.
    pub async fn configured(&self, device: &AuditDevice) -> std::result::Result<Opened, NotOpened> {
        let purpose = format!("audit log {}", device.name);
        self.open(&device.name, &device.kind, device.limits, &purpose, heads::configured_key(&device.name)).await
    }

    /// A device of the API has its own hash key, but its log is known by the file: the next device there goes on with it.
    pub async fn enabled(&self, name: &str, kind: &AuditKind) -> std::result::Result<Opened, NotOpened> {
        let (purpose, head_key) = match kind {
            AuditKind::File { path, .. } => {
                let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                (format!("audit file {file}"), heads::enabled_key(&self.place_on_node(path)))
            }
            _ => (format!("audit log {name}"), heads::configured_key(name)),
        };
        self.open(name, kind, Limits::default(), &purpose, head_key).await
    }

    fn place_on_node(&self, path: &Path) -> String {
        let text = format!("{}\0{}", self.node, path.display());
        hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }

    fn key(&self, purpose: &str) -> Result<SecretBytes> {
        Ok(self.barrier.derive(purpose)?)
    }

    async fn open(
        &self,
        name: &str,
        kind: &AuditKind,
        limits: Limits,
        log_purpose: &str,
        head_key: Key,
    ) -> std::result::Result<Opened, NotOpened> {
        let (hash_key, log_key) = (self.key(&format!("audit hash {name}"))?, self.key(log_purpose)?);
        let (rng, now) = (self.rng.clone(), self.clock.now());
        let store_head: Arc<dyn Fn() -> u64 + Send + Sync> = {
            let head = self.store_head.clone();
            Arc::new(move || head.load(Ordering::Relaxed))
        };
        let device: Arc<dyn Device> = match kind {
            AuditKind::Discard => Arc::new(DiscardDevice::new(&hash_key)),
            AuditKind::Stdout => {
                let out = Box::new(std::io::stdout());
                let config = LinesConfig { out, hash_key, log_key, limits, store_head, rng };
                Arc::new(blocking(move || LinesDevice::open(config, now)).await?)
            }
            AuditKind::Socket { target, write_timeout } => {
                let (target, write_timeout) = (target.clone(), *write_timeout);
                let config = SocketConfig { target, write_timeout, hash_key, log_key, limits, store_head, rng };
                Arc::new(blocking(move || SocketDevice::open(config, now)).await?)
            }
            AuditKind::File { path, is_sync } => {
                let expected = self.expected(name, &head_key).await?;
                let (path, is_sync, accepts_older_store) = (path.clone(), *is_sync, self.accepts_rollback);
                if self.is_restored {
                    self.clear_the_way(name, path.clone(), log_key.duplicate()).await?;
                }
                let config =
                    FileConfig { path, hash_key, log_key, expected, limits, is_sync, store_head, accepts_older_store, rng };
                Arc::new(blocking(move || FileDevice::open(config, now)).await?)
            }
        };
        Ok(Opened { device, head_key })
    }

    async fn clear_the_way(
        &self,
        name: &str,
        path: std::path::PathBuf,
        log_key: SecretBytes,
    ) -> std::result::Result<(), NotOpened> {
        if let Some(folder) = blocking(move || set_aside_foreign(&path, &log_key)).await? {
            tracing::warn!(device = name, folder = %folder.display(), "the audit log of the installation before the restore was set aside");
        }
        Ok(())
    }

    async fn expected(&self, name: &str, head_key: &Key) -> Result<Option<Head>> {
        heads::stored(&self.view, head_key).await.map_err(|e| Error::Internal(format!("audit device `{name}`: {e}")))
    }
}

async fn blocking<T: Send + 'static>(
    open: impl FnOnce() -> std::result::Result<T, AuditError> + Send + 'static,
) -> std::result::Result<T, NotOpened> {
    match tokio::task::spawn_blocking(open).await {
        Ok(opened) => opened.map_err(NotOpened::Device),
        Err(error) => Err(NotOpened::Other(Error::Internal(format!("opening audit device: {error}")))),
    }
}
