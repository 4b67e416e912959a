//! Devices of the API are opened and tested by the request that enables them, before its commit; they count from the commit on.

use std::sync::{Arc, MutexGuard, PoisonError};

use strongroom_audit::{AuditError, Kind, Log, Record, RequestFacts};
use strongroom_engine::{Error, Result};
use strongroom_types::Timestamp;

use super::open::{NotOpened, Opened};
use super::{AuditLog, Entry, LOCKED_TRIES, not_opened};

/// One that was prepared in vain is closed after this time.
const PREPARED_S: u64 = 60;

/// An open device that waits for its commit.
pub(super) struct Prepared {
    name: String,
    entry: Entry,
    opened: Arc<Opened>,
    since: Timestamp,
}

impl AuditLog {
    fn prepared(&self) -> MutexGuard<'_, Vec<Prepared>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_prepared(&self, name: &str, entry: &Entry) -> Option<Arc<Opened>> {
        let mut prepared = self.prepared();
        let at = prepared.iter().position(|p| p.name == name && p.entry == *entry)?;
        Some(prepared.swap_remove(at).opened)
    }

    fn has_prepared(&self, name: &str, entry: &Entry) -> bool {
        let prepared = self.prepared();
        prepared.iter().any(|p| p.name == name && p.entry == *entry)
    }

    /// Opens a device that is about to be enabled and records a test with it. It counts from the commit on; without one it is
    /// closed after a while. Errors: `Invalid` when it can't be opened or does not take the record; nothing is left then.
    pub async fn prepare(&self, name: &str, entry: &Entry, request_id: &str) -> Result<()> {
        if self.has_prepared(name, entry) {
            return Ok(()); // the request runs again after a conflict
        }
        let opened = self.open_enabled(name, entry, LOCKED_TRIES).await.map_err(|e| unusable(name, &e))?;
        if opened.device.counts() {
            let facts = RequestFacts { id: request_id, operation: "update", path: "sys/audit/test", ..RequestFacts::default() };
            let now = self.opener.clock.now();
            let test = Record { kind: Kind::Request, time: now, auth: None, request: &facts, response: None, error: None };
            let taken = Log::new(vec![(name.into(), opened.device.clone())]).record(&test).await;
            if let Err(error) = taken {
                self.close_all(vec![opened]).await;
                return Err(unusable(name, &NotOpened::Device(error)));
            }
        }
        let prepared = Prepared { name: name.to_owned(), entry: entry.clone(), opened, since: self.opener.clock.now() };
        self.prepared().push(prepared);
        Ok(())
    }

    /// Those whose request was never committed.
    pub(super) fn take_old_prepared(&self, now: Timestamp) -> Vec<Arc<Opened>> {
        let is_old = |p: &mut Prepared| now.seconds_since(p.since) >= PREPARED_S;
        self.prepared().extract_if(.., is_old).map(|p| p.opened).collect()
    }

    pub(super) fn take_all_prepared(&self) -> Vec<Arc<Opened>> {
        std::mem::take(&mut *self.prepared()).into_iter().map(|p| p.opened).collect()
    }
}

/// SECURITY: the caller learns what is wrong, but nothing about files and addresses of this machine.
fn unusable(name: &str, error: &NotOpened) -> Error {
    not_opened(name, error);
    Error::invalid(match error {
        NotOpened::Device(AuditError::Locked { .. }) => "file_path: another audit device writes to this file",
        NotOpened::Device(AuditError::Socket { .. }) => "address: the peer did not take the test record",
        e if e.is_tampering() => "file_path: the file is not what was recorded there; choose another name",
        _ => "the audit device can't be used; the server's log says why",
    })
}
