//! The audit log of an unsealed server: its devices, opened with keys from behind the barrier, and their heads, which are
//! kept behind it so that a cut file is noticed at the next start.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use strongroom_audit::{AuditError, FileConfig, FileDevice, Head, Kind, Limits, Log, Record};
use strongroom_barrier::{Barrier, Intent, View};
use strongroom_engine::{Error, Key, Result};
use strongroom_types::Timestamp;

use crate::Parts;
use crate::metrics::Metrics;

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

/// Enough for a whole key ceremony and its mistakes; a tenth of what was kept aside.
const RESCUES_MAX: u32 = 100;

fn head_key(name: &str) -> Key {
    Key::area("a").name(name)
}

pub struct AuditLog {
    log: Log,
    devices: Vec<AuditDevice>,
    /// Requests by others than root since the disk was found full.
    rescues: AtomicU32,
    /// The store's revision as the devices write it into checkpoints.
    store_head: Arc<AtomicU64>,
    metrics: Arc<Metrics>,
}

impl AuditLog {
    /// Errors: `Internal` when a device's files are not what was acknowledged; the server must not open then.
    pub async fn open(parts: &Parts, barrier: &Barrier, view: &View, metrics: Arc<Metrics>) -> Result<Self> {
        let store_head = Arc::new(AtomicU64::new(view.head().await?.0));
        let mut log = if parts.audit.is_empty() { Log::none() } else { Log::new(Vec::new()) };
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
                accepts_older_store: parts.settings.accepts_rollback,
                rng: parts.rng.clone(),
            };
            let now = parts.clock.now();
            let opened = tokio::task::spawn_blocking(move || FileDevice::open(config, now)).await;
            let opened = opened.map_err(|e| Error::Internal(format!("opening audit device: {e}")))?;
            let opened = opened.map_err(|e| Error::Internal(format!("audit device `{}`: {e}", device.name)))?;
            log = log.with(&device.name, Arc::new(opened));
        }
        let audit = Self { log, devices: parts.audit.clone(), rescues: AtomicU32::new(0), store_head, metrics };
        audit.keep_heads(view).await?;
        Ok(audit)
    }

    pub async fn record(&self, record: &Record<'_>) -> std::result::Result<(), AuditError> {
        let (times, failures) = match record.kind {
            Kind::Request => (&self.metrics.audit_requests, &self.metrics.audit_request_failures),
            Kind::Response => (&self.metrics.audit_responses, &self.metrics.audit_response_failures),
        };
        let started = times.start();
        let recorded = self.log.record(record).await;
        times.end(started);
        if recorded.is_err() {
            failures.one();
        }
        recorded
    }

    /// Bytes of lines since the server was unsealed.
    pub fn bytes(&self) -> u64 {
        self.log.bytes()
    }

    /// The disk is full, and what was kept aside is in use.
    pub fn is_short_of_space(&self) -> bool {
        let is_short = self.log.is_short_of_space();
        if !is_short && self.rescues.load(Ordering::Relaxed) > 0 {
            self.rescues.store(0, Ordering::Relaxed);
        }
        is_short
    }

    /// Counts a request of an operator without a root token. False: there were too many, and the rest is kept for root.
    pub fn may_rescue(&self) -> bool {
        self.rescues
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < RESCUES_MAX).then_some(n.saturating_add(1)))
            .is_ok()
    }

    pub fn devices(&self) -> impl Iterator<Item = &AuditDevice> {
        self.devices.iter()
    }

    /// The hash that stands for a value in this device's lines. None for an unknown device.
    pub fn hash(&self, name: &str, value: &str) -> Option<String> {
        self.log.hash_key(name).map(|key| key.hash(value))
    }

    /// Checkpoints, epochs, segments: run every 100 ms. A device without news costs nothing.
    pub async fn tick(&self, now: Timestamp, view: &View) -> Result<()> {
        if !self.log.devices().any(|(_, device)| device.needs_tick(now)) {
            return Ok(());
        }
        self.store_head.store(view.head().await?.0, Ordering::Relaxed);
        self.log.tick(now).await.map_err(|e| Error::Internal(format!("audit checkpoint: {e}")))?;
        self.keep_heads(view).await
    }

    pub async fn rotate(&self, now: Timestamp) {
        let log = self.log.clone();
        report("new audit files", tokio::task::spawn_blocking(move || log.rotate(now)).await);
    }

    /// The last checkpoint names the last revision, and the store the last checkpoint: neither can go back unnoticed.
    pub async fn close(&self, now: Timestamp, view: &View) {
        match view.head().await {
            Ok(head) => self.store_head.store(head.0, Ordering::Relaxed),
            Err(e) => tracing::error!("closing the audit log: {e}"),
        }
        let log = self.log.clone();
        report("closing the audit log", tokio::task::spawn_blocking(move || log.close(now)).await);
        if let Err(e) = self.keep_heads(view).await {
            tracing::error!("keeping the audit log's last checkpoint: {e}");
        }
    }

    async fn keep_heads(&self, view: &View) -> Result<()> {
        let mut txn = view.txn(Intent::Write);
        for (name, head) in self.log.heads() {
            let stored = serde_json::to_vec(&StoredHead { size: head.size, root: hex::encode(head.root) });
            txn.put(head_key(&name).into_bytes(), stored.map_err(|e| Error::Internal(format!("encoding an audit head: {e}")))?);
        }
        txn.commit().await?;
        Ok(())
    }
}

fn report(what: &str, outcome: std::result::Result<std::result::Result<(), AuditError>, tokio::task::JoinError>) {
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::error!("{what}: {e}"),
        Err(e) => tracing::error!("{what}: {e}"),
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
