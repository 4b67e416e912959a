//! The audit log of an unsealed server: its devices, opened with keys from behind the barrier, and their heads, which are
//! kept behind it so that a cut file is noticed at the next start.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use strongroom_audit::{AuditError, Device, FileConfig, FileDevice, Head, Limits, Log, Record};
use strongroom_barrier::{Barrier, Intent, View};
use strongroom_engine::{Error, Key, Result};
use strongroom_types::Timestamp;

use crate::Parts;

/// A file device as configured.
#[derive(Clone, Debug)]
pub struct AuditDevice {
    /// With trailing slash, such as `file/`.
    pub name: String,
    pub path: PathBuf,
    pub limits: Limits,
    /// Every group of lines is on disk before it is acknowledged.
    pub is_sync: bool,
    pub description: String,
}

/// A device's newest checkpoint, as kept in the store.
#[derive(Serialize, Deserialize)]
struct StoredHead {
    size: u64,
    root: String,
}

fn head_key(name: &str) -> Key {
    Key::area("a").name(name)
}

pub struct AuditLog {
    log: Log,
    devices: Vec<(AuditDevice, Arc<FileDevice>)>,
    /// The store's revision as the devices write it into checkpoints.
    store_head: Arc<AtomicU64>,
}

impl AuditLog {
    /// Errors: `Internal` when a device's files are not what was acknowledged; the server must not open then.
    pub async fn open(parts: &Parts, barrier: &Barrier, view: &View) -> Result<Self> {
        let store_head = Arc::new(AtomicU64::new(view.head().await?.0));
        let mut devices = Vec::new();
        for device in &parts.audit {
            let head = store_head.clone();
            let config = FileConfig {
                path: device.path.clone(),
                hash_key: barrier.derive(&format!("audit hash {}", device.name))?,
                log_key: barrier.derive(&format!("audit log {}", device.name))?,
                expected: stored_head(view, &device.name).await?,
                limits: device.limits,
                is_sync: device.is_sync,
                store_head: Arc::new(move || head.load(Ordering::Relaxed)),
                rng: parts.rng.clone(),
            };
            let now = parts.clock.now();
            let opened = tokio::task::spawn_blocking(move || FileDevice::open(config, now)).await;
            let opened = opened.map_err(|e| Error::Internal(format!("opening audit device: {e}")))?;
            let opened = opened.map_err(|e| Error::Internal(format!("audit device `{}`: {e}", device.name)))?;
            devices.push((device.clone(), Arc::new(opened)));
        }
        let named = |(config, device): &(AuditDevice, Arc<FileDevice>)| (Arc::from(config.name.as_str()), device.clone() as Arc<dyn Device>);
        let log = if devices.is_empty() { Log::none() } else { Log::new(devices.iter().map(named).collect()) };
        let audit = Self { log, devices, store_head };
        audit.keep_heads(view).await?;
        Ok(audit)
    }

    pub async fn record(&self, record: &Record<'_>) -> std::result::Result<(), AuditError> {
        self.log.record(record).await
    }

    pub fn devices(&self) -> impl Iterator<Item = &AuditDevice> {
        self.devices.iter().map(|(config, _)| config)
    }

    /// The hash that stands for a value in this device's lines. None for an unknown device.
    pub fn hash(&self, name: &str, value: &str) -> Option<String> {
        let (_, device) = self.devices.iter().find(|(config, _)| config.name == name)?;
        Some(device.hash_key().hash(value))
    }

    /// Checkpoints, epochs, segments: run every 100 ms. A device without news costs nothing.
    pub async fn tick(&self, now: Timestamp, view: &View) -> Result<()> {
        if !self.devices.iter().any(|(_, d)| d.needs_tick(now)) {
            return Ok(());
        }
        self.store_head.store(view.head().await?.0, Ordering::Relaxed);
        self.on_devices(move |d| d.tick(now)).await;
        self.keep_heads(view).await
    }

    pub async fn rotate(&self, now: Timestamp) {
        self.on_devices(move |d| d.rotate(now)).await;
    }

    pub async fn close(&self, now: Timestamp) {
        self.on_devices(move |d| d.close(now)).await;
    }

    async fn on_devices(&self, work: impl Fn(&FileDevice) -> std::result::Result<(), AuditError> + Clone + Send + 'static) {
        for (config, device) in &self.devices {
            let (device, work) = (device.clone(), work.clone());
            match tokio::task::spawn_blocking(move || work(&device)).await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => tracing::error!(device = config.name, "audit device: {e}"),
                Err(e) => tracing::error!(device = config.name, "audit device: {e}"),
            }
        }
    }

    async fn keep_heads(&self, view: &View) -> Result<()> {
        for (config, device) in &self.devices {
            let Some(head) = device.head() else { continue };
            let key = head_key(&config.name);
            let bytes = serde_json::to_vec(&StoredHead { size: head.size, root: hex::encode(head.root) });
            let bytes = bytes.map_err(|e| Error::Internal(format!("encoding an audit head: {e}")))?;
            let mut txn = view.txn(Intent::Write);
            txn.put(key.into_bytes(), bytes);
            txn.commit().await?;
        }
        Ok(())
    }
}

async fn stored_head(view: &View, name: &str) -> Result<Option<Head>> {
    let Some(found) = view.get(head_key(name).as_bytes()).await? else { return Ok(None) };
    let malformed = || Error::Internal(format!("the stored head of audit device `{name}` is malformed"));
    let stored: StoredHead = serde_json::from_slice(found.value()).map_err(|_| malformed())?;
    let mut root = [0u8; 32];
    hex::decode_to_slice(&stored.root, &mut root).map_err(|_| malformed())?;
    Ok(Some(Head { size: stored.size, root }))
}
