//! All audit devices together: what the pipeline calls. A record counts when a local device's kernel holds it; when that
//! device fails, when any other took it; when none did, the request must fail. There is no fail-open.

use std::cell::RefCell;
use std::sync::Arc;

use strongroom_metrics::Counter;
use strongroom_types::Timestamp;

use crate::record::Record;
use crate::render::render;
use crate::sink::{Device, Ticket};
use crate::{AuditError, HashKey, Head};

/// An immutable set of devices; a change makes a new one.
#[derive(Clone, Default)]
pub struct Log {
    devices: Vec<(Arc<str>, Arc<dyn Device>)>,
    is_optional: bool,
    /// Bytes of lines that devices took, before what they add themselves.
    bytes: Arc<Counter>,
}

thread_local! {
    /// Lines hold no secrets, so the buffer needs no wiping.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A buffer that grew beyond this is given back.
const SCRATCH_BYTES_MAX: usize = 64 * 1024;

impl Log {
    /// Devices with the paths they are mounted at (`file/`). The first local one is the gate. With no device every
    /// record fails.
    pub fn new(devices: Vec<(Arc<str>, Arc<dyn Device>)>) -> Self {
        Self { devices, is_optional: false, bytes: Arc::default() }
    }

    /// Succeeds as long as it has no device that counts; with one it is as strict as any. Only for `inmem` storage and
    /// `-dev`.
    pub fn optional(devices: Vec<(Arc<str>, Arc<dyn Device>)>) -> Self {
        Self { devices, is_optional: true, bytes: Arc::default() }
    }

    /// Goes on counting where another log, which this one replaces, has come to.
    #[must_use]
    pub fn counting_on(self, before: &Self) -> Self {
        Self { bytes: Arc::clone(&before.bytes), ..self }
    }

    pub fn device(&self, path: &str) -> Option<&Arc<dyn Device>> {
        self.devices.iter().find(|(p, _)| &**p == path).map(|(_, device)| device)
    }

    /// Paths and devices in order.
    pub fn devices(&self) -> impl Iterator<Item = (&str, &Arc<dyn Device>)> {
        self.devices.iter().map(|(path, device)| (&**path, device))
    }

    /// The key of `sys/audit-hash/<path>`.
    pub fn hash_key(&self, path: &str) -> Option<&HashKey> {
        self.device(path).map(|d| d.hash_key())
    }

    /// Whether the gate is short of space. Requests of others than root must be refused then.
    pub fn is_short_of_space(&self) -> bool {
        self.gate().and_then(|at| self.devices.get(at)).is_some_and(|(_, device)| device.is_short_of_space())
    }

    /// The first local device that counts, else the first that counts.
    fn gate(&self) -> Option<usize> {
        let at = |is_gate: fn(&dyn Device) -> bool| self.devices.iter().position(|(_, d)| d.counts() && is_gate(&**d));
        at(|device| device.is_local()).or_else(|| at(|_| true))
    }

    /// Heads of all devices that have one, for the core to keep in the barrier.
    pub fn heads(&self) -> Vec<(Arc<str>, Head)> {
        self.devices.iter().filter_map(|(path, device)| device.head().map(|head| (path.clone(), head))).collect()
    }

    /// Bytes of lines that devices took since this log began.
    pub fn bytes(&self) -> u64 {
        self.bytes.value()
    }

    /// Queues the record with every device, at once; the future says whether it was taken and borrows nothing. A
    /// dropped future takes nothing back. Errors: that of the gate when no device took it; `NoDevice`.
    pub fn record(&self, record: &Record<'_>) -> impl Future<Output = Result<(), AuditError>> + Send + use<> {
        let gate_at = self.gate();
        let may_be_missing = self.is_optional && gate_at.is_none();
        let mut gate = if may_be_missing { Ok(Ticket::Done) } else { Err(AuditError::NoDevice) };
        let mut others = Vec::new(); // empty with one device: no allocation
        for (n, (_, device)) in self.devices.iter().enumerate() {
            let ticket = append(&**device, record, &self.bytes);
            match gate_at {
                Some(at) if at == n => gate = ticket,
                // SECURITY: what a device that doesn't count says must not make up for the gate.
                _ if device.counts() => others.push(ticket),
                _ => drop(ticket),
            }
        }
        settle(gate, others)
    }

    /// To be called every 100 ms: checkpoints and all that is due, on a thread that may block. Errors: the first one;
    /// every device has had its turn.
    pub async fn tick(&self, now: Timestamp) -> Result<(), AuditError> {
        let mut first = Ok(());
        for (path, device) in self.devices.iter().filter(|(_, d)| d.needs_tick(now)) {
            let device = device.clone();
            let done = tokio::task::spawn_blocking(move || device.tick(now)).await;
            if let Err(error) = done.unwrap_or(Err(AuditError::Closed)) {
                tracing::error!(device = &**path, %error, "audit checkpoint failed");
                first = first.and(Err(error));
            }
        }
        first
    }

    /// New files, as for SIGHUP. Blocks.
    pub fn rotate(&self, now: Timestamp) -> Result<(), AuditError> {
        self.each(|device| device.rotate(now))
    }

    /// Last checkpoints; nothing is taken any more. Blocks.
    pub fn close(&self, now: Timestamp) -> Result<(), AuditError> {
        self.each(|device| device.close(now))
    }

    fn each(&self, act: impl Fn(&dyn Device) -> Result<(), AuditError>) -> Result<(), AuditError> {
        let mut first = Ok(());
        for (_, device) in &self.devices {
            let done = act(&**device); // every device has its turn
            first = first.and(done);
        }
        first
    }
}

fn append(device: &dyn Device, record: &Record<'_>, bytes: &Counter) -> Result<Ticket, AuditError> {
    SCRATCH.with_borrow_mut(|line| {
        line.clear();
        line.shrink_to(SCRATCH_BYTES_MAX);
        render(record, device.id(), device.hash_key(), line)?;
        let ticket = device.append(line)?;
        bytes.add(line.len() as u64);
        Ok(ticket)
    })
}

/// Waits for the gate, and for the others only when it fails.
async fn settle(gate: Result<Ticket, AuditError>, others: Vec<Result<Ticket, AuditError>>) -> Result<(), AuditError> {
    if !matches!(gate, Ok(Ticket::Done)) {
        // Others append meanwhile, so that one write serves many.
        tokio::task::yield_now().await;
    }
    let outcome = match gate {
        Ok(ticket) => ticket.await,
        Err(error) => Err(error),
    };
    let Err(error) = outcome else { return Ok(()) };
    for ticket in others {
        let is_taken = match ticket {
            Ok(ticket) => ticket.await.is_ok(),
            Err(_) => false,
        };
        if is_taken {
            tracing::error!(%error, "the first audit device failed, another took the record");
            return Ok(());
        }
    }
    Err(error)
}
