//! The audit log of an unsealed server: its devices, those of the configuration first, then those of the API. The set is an
//! immutable snapshot; after a change the next record loads it anew, on every node.

mod device;
mod heads;
mod open;
mod prepare;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use strongroom_audit::{AuditError, Kind, Log, Record};
use strongroom_barrier::{Barrier, View};
use strongroom_engine::{Error, Key, Result};
use strongroom_types::Timestamp;

use crate::Parts;
use crate::metrics::Metrics;

pub use device::{AuditDevice, AuditKind};
use open::{NotOpened, Opened, Opener};
use prepare::Prepared;
pub use table::{DEVICES_MAX, Entry, Table, table_key};

/// A device of the API that could not be opened is tried again this often.
const TRY_AGAIN_S: u64 = 10;
/// Requests by others than root on a full disk: enough for a whole key ceremony and its mistakes, a tenth of what was kept aside.
const RESCUES_MAX: u32 = 100;
/// How long a file may still belong to a device that was just disabled.
const LOCKED_TRIES: u32 = 20;
const LOCKED_PAUSE: Duration = Duration::from_millis(50);

pub struct AuditLog {
    opener: Opener,
    configured: Vec<AuditDevice>,
    /// Where devices of the API may have files; None: none can be enabled.
    pub folder: Option<PathBuf>,
    /// Without any device, requests go unrecorded: only what is gone with the process.
    pub is_optional: bool,
    state: ArcSwap<State>,
    epoch: AtomicU64,
    loading: tokio::sync::Mutex<()>,
    /// Opened by requests that are not committed yet.
    prepared: Mutex<Vec<Prepared>>,
    last_try: AtomicU64,
    metrics: Arc<Metrics>,
    /// Requests by others than root since the disk was found full.
    rescues: AtomicU32,
}

/// The devices as of one moment.
#[derive(Default)]
struct State {
    epoch: u64,
    log: Log,
    devices: Vec<Slot>,
}

#[derive(Clone)]
struct Slot {
    name: String,
    /// None for a device of the configuration.
    entry: Option<Entry>,
    /// None: it can't be opened at the moment.
    opened: Option<Arc<Opened>>,
}

impl AuditLog {
    /// Errors: `Internal` when a device's files are not what was acknowledged, or a configured device can't be opened; the
    /// server must not open then.
    pub async fn open(parts: &Parts, barrier: &Barrier, view: &View, metrics: Arc<Metrics>) -> Result<Self> {
        let restored = barrier.restored().await?.is_some();
        let opener = Opener {
            barrier: barrier.clone(),
            view: view.clone(),
            clock: parts.clock.clone(),
            rng: parts.rng.clone(),
            accepts_rollback: parts.settings.accepts_rollback || restored,
            is_restored: restored,
            node: parts.process.hostname(),
            store_head: Arc::new(AtomicU64::new(view.head().await?.0)),
        };
        let refused = |name: &str, e: &dyn std::fmt::Display| Error::Internal(format!("audit device `{name}`: {e}"));
        let mut devices = Vec::new();
        for device in &parts.audit {
            let opened = opener.configured(device).await.map_err(|e| refused(&device.name, &e))?;
            devices.push(Slot { name: device.name.clone(), entry: None, opened: Some(Arc::new(opened)) });
        }
        let audit = Self {
            opener,
            configured: parts.audit.clone(),
            folder: parts.settings.audit_api_folder.clone(),
            is_optional: parts.audit.is_empty(),
            state: ArcSwap::default(),
            // Not that of the state: a change before this log listens is found by the first record.
            epoch: AtomicU64::new(1),
            loading: tokio::sync::Mutex::new(()),
            prepared: Mutex::default(),
            last_try: AtomicU64::new(parts.clock.now().unix_s()),
            metrics,
            rescues: AtomicU32::new(0),
        };
        for (name, entry) in audit.stored().await?.0 {
            if audit.is_configured(&name) {
                tracing::error!(
                    device = name,
                    "an audit device of the API is not opened: the configuration has one of this name"
                );
                continue;
            }
            match audit.open_enabled(&name, &entry, LOCKED_TRIES).await {
                Ok(opened) => devices.push(Slot { name, entry: Some(entry), opened: Some(opened) }),
                Err(e) if e.is_tampering() => return Err(refused(&name, &e)),
                Err(e) => {
                    tracing::error!(device = name, "audit device can't be opened: {e}");
                    devices.push(Slot { name, entry: Some(entry), opened: None });
                }
            }
        }
        audit.state.store(Arc::new(State { epoch: 0, log: audit.log_of(&devices), devices }));
        audit.keep_heads().await?;
        Ok(audit)
    }

    fn log_of(&self, devices: &[Slot]) -> Log {
        let open = devices.iter().filter_map(|d| Some((Arc::from(d.name.as_str()), d.opened.as_ref()?.device.clone())));
        let open = open.collect();
        let log = if self.is_optional { Log::optional(open) } else { Log::new(open) };
        log.counting_on(&self.state.load().log)
    }

    async fn stored(&self) -> Result<Table> {
        let Some(found) = self.opener.view.get(table_key().as_bytes()).await? else { return Ok(Table::default()) };
        serde_json::from_slice(found.value()).map_err(|_| Error::Internal("the stored audit devices are malformed".into()))
    }

    /// Waits for a file that still belongs to a device which was just disabled, at most so many times.
    async fn open_enabled(&self, name: &str, entry: &Entry, tries: u32) -> std::result::Result<Arc<Opened>, NotOpened> {
        let kind = entry.kind(self.folder.as_deref())?;
        for _ in 1..tries {
            match self.opener.enabled(name, &kind).await {
                Err(NotOpened::Device(AuditError::Locked { .. })) => tokio::time::sleep(LOCKED_PAUSE).await,
                outcome => return outcome.map(Arc::new),
            }
        }
        self.opener.enabled(name, &kind).await.map(Arc::new)
    }

    /// The devices as of the newest change that this node knows of; to be awaited before each record.
    pub async fn catch_up(&self) {
        if self.is_stale() {
            Box::pin(self.refresh()).await; // rare, and much larger than what waits for it
        }
    }

    /// The record is written down at once; the future, which borrows nothing of it, says whether it was taken.
    pub fn record(&self, record: &Record<'_>) -> impl Future<Output = std::result::Result<(), AuditError>> + Send + use<'_> {
        let (times, failures) = match record.kind {
            Kind::Request => (&self.metrics.audit_requests, &self.metrics.audit_request_failures),
            Kind::Response => (&self.metrics.audit_responses, &self.metrics.audit_response_failures),
        };
        let started = times.start();
        let recording = self.state.load().log.record(record);
        async move {
            let recorded = recording.await;
            times.end(started);
            if recorded.is_err() {
                failures.one();
            }
            recorded
        }
    }

    /// Bytes of lines since the server was unsealed.
    pub fn bytes(&self) -> u64 {
        self.state.load().log.bytes()
    }

    /// The table of devices changed. Called in commit order, before the change is acknowledged.
    pub fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    fn is_stale(&self) -> bool {
        self.state.load().epoch != self.epoch.load(Ordering::Acquire)
    }

    /// Opens what is new and closes what is gone. When the store can't be asked, what was known last goes on: a record must
    /// not fail for it.
    async fn refresh(&self) {
        let _one_at_a_time = self.loading.lock().await;
        let (epoch, old) = (self.epoch.load(Ordering::Acquire), self.state.load_full());
        if old.epoch == epoch {
            return;
        }
        let table = match self.stored().await {
            Ok(table) => table,
            Err(e) => return tracing::error!("audit devices can't be read again: {e}"),
        };
        let is_kept = |d: &&Slot| d.entry.as_ref().is_none_or(|entry| table.0.get(&d.name) == Some(entry));
        let mut devices: Vec<Slot> = old.devices.iter().filter(is_kept).cloned().collect();
        let gone = old.devices.iter().filter(|d| !is_kept(d)).filter_map(|d| d.opened.clone()).collect();
        // Closed first: another device may have its file now. Whoever records meanwhile waits for this to end.
        self.state.store(Arc::new(State { epoch: old.epoch, log: self.log_of(&devices), devices: devices.clone() }));
        drop(old);
        self.close_all(gone).await;
        for (name, entry) in table.0 {
            let known = devices.iter().position(|d| d.name == name);
            if known.and_then(|at| devices.get(at)).is_some_and(|d| d.opened.is_some()) {
                continue;
            }
            let tries = if known.is_some() { 1 } else { LOCKED_TRIES };
            let opened = match self.take_prepared(&name, &entry) {
                Some(opened) => Some(opened),
                None => self.open_enabled(&name, &entry, tries).await.map_err(|e| not_opened(&name, &e)).ok(),
            };
            devices.retain(|d| d.name != name);
            devices.push(Slot { name, entry: Some(entry), opened });
        }
        self.last_try.store(self.opener.clock.now().unix_s(), Ordering::Relaxed);
        self.state.store(Arc::new(State { epoch, log: self.log_of(&devices), devices }));
    }

    async fn close_all(&self, gone: Vec<Arc<Opened>>) {
        let now = self.opener.clock.now();
        for opened in gone {
            let device = opened.device.clone();
            report("closing an audit device", tokio::task::spawn_blocking(move || device.close(now)).await);
            let head = opened.device.head().map(|head| (opened.head_key.clone(), head));
            if let Err(e) = heads::keep(&self.opener.view, head).await {
                tracing::error!("keeping an audit device's last checkpoint: {e}");
            }
        }
    }

    /// Whether the configuration has a device of this name.
    pub fn is_configured(&self, name: &str) -> bool {
        self.configured.iter().any(|d| d.name == name)
    }

    /// Whether records still count somewhere without this device.
    pub fn can_miss(&self, name: &str) -> bool {
        let state = self.state.load();
        let mut others = state.devices.iter().filter(|d| d.name != name).filter_map(|d| d.opened.as_ref());
        self.is_optional || others.any(|opened| opened.device.counts())
    }

    /// The disk is full, and what was kept aside is in use.
    pub fn is_short_of_space(&self) -> bool {
        let is_short = self.state.load().log.is_short_of_space();
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

    /// Devices of the configuration.
    pub fn configured(&self) -> impl Iterator<Item = &AuditDevice> {
        self.configured.iter()
    }

    /// The hash that stands for a value in this device's lines. None for an unknown device.
    pub async fn hash(&self, name: &str, value: &str) -> Option<String> {
        self.catch_up().await;
        self.state.load().log.hash_key(name).map(|key| key.hash(value))
    }

    /// Checkpoints, epochs, segments: run every 100 ms. A device without news costs nothing.
    pub async fn tick(&self, now: Timestamp) -> Result<()> {
        self.tend(now).await;
        let log = self.state.load().log.clone();
        if !log.devices().any(|(_, device)| device.needs_tick(now)) {
            return Ok(());
        }
        self.opener.store_head.store(self.opener.view.head().await?.0, Ordering::Relaxed);
        log.tick(now).await.map_err(|e| Error::Internal(format!("audit checkpoint: {e}")))?;
        self.keep_heads().await
    }

    async fn tend(&self, now: Timestamp) {
        let is_missing = self.state.load().devices.iter().any(|d| d.opened.is_none());
        if is_missing && now.unix_s().saturating_sub(self.last_try.load(Ordering::Relaxed)) >= TRY_AGAIN_S {
            self.changed();
        }
        self.catch_up().await;
        self.close_all(self.take_old_prepared(now)).await;
    }

    pub async fn rotate(&self, now: Timestamp) {
        let log = self.state.load().log.clone();
        report("new audit files", tokio::task::spawn_blocking(move || log.rotate(now)).await);
    }

    /// The last checkpoint names the last revision, and the store the last checkpoint: neither can go back unnoticed.
    pub async fn close(&self, now: Timestamp) {
        match self.opener.view.head().await {
            Ok(head) => self.opener.store_head.store(head.0, Ordering::Relaxed),
            Err(e) => tracing::error!("closing the audit log: {e}"),
        }
        self.close_all(self.take_all_prepared()).await;
        let log = self.state.load().log.clone();
        report("closing the audit log", tokio::task::spawn_blocking(move || log.close(now)).await);
        if let Err(e) = self.keep_heads().await {
            tracing::error!("keeping the audit log's last checkpoint: {e}");
        }
    }

    async fn keep_heads(&self) -> Result<()> {
        let state = self.state.load_full();
        let opened = state.devices.iter().filter_map(|d| d.opened.as_ref());
        let heads: BTreeMap<Key, _> = opened.filter_map(|o| Some((o.head_key.clone(), o.device.head()?))).collect();
        heads::keep(&self.opener.view, heads).await
    }
}

fn not_opened(name: &str, error: &NotOpened) {
    tracing::error!(device = name, "audit device can't be opened: {error}");
}

fn report(what: &str, outcome: std::result::Result<std::result::Result<(), AuditError>, tokio::task::JoinError>) {
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::error!("{what}: {e}"),
        Err(e) => tracing::error!("{what}: {e}"),
    }
}
