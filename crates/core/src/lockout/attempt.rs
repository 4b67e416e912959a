//! One login attempt: let in before the credentials are looked at, settled when the outcome is known.

use std::sync::Arc;

use bytes::Bytes;
use strongroom_barrier::{Intent, Txn};
use strongroom_engine::{Error, Result};

use super::Place;
use super::gate::Seat;
use super::record::Row;
use super::rules::{self, Rules};
use crate::Core;
use crate::mount::Mount;

/// Tries to write a row that others write too.
const TRIES_MAX: u32 = 64;

/// Somebody may try a name's credentials once. Counts as open until it is dropped.
pub struct Attempt {
    place: Place,
    rules: Rules,
    /// Failures were counted before this attempt.
    had_failures: bool,
    /// None once the credentials were found right.
    seat: Option<Seat>,
}

impl Attempt {
    /// The credentials are right: the attempt is no guess any more, so others need not wait for its commit.
    pub fn accepted(&mut self) {
        self.seat = None;
    }
}

/// The rules of a mount; None when it locks nobody.
pub fn rules_of(core: &Core, mount: &Mount) -> Option<Rules> {
    rules::settle(mount.entry.config.user_lockout.as_ref(), mount.facts.engine, &core.settings.lockout)
}

/// Waits for a place among the attempts that the threshold allows. None when the mount locks nobody.
/// Errors: `BadToken` for a locked name, with the text of every refusal; `Unavailable` when too many wait.
pub async fn admit(core: &Core, mount: &Mount, name: &str) -> Result<Option<Attempt>> {
    let Some(rules) = rules_of(core, mount) else { return Ok(None) };
    let place = core.lockouts.place(&mount.facts, name);
    let mut seat = core.lockouts.gates.seat(&mount.facts.storage_id, &place.name)?;
    let gate = Arc::clone(&seat.gate);
    let _turn = gate.turn.lock().await;
    loop {
        // INVARIANT: open attempts are read first. A failure is written before its attempt ends, so each guess is in
        // one of the two numbers, and no more than `threshold` of them are ever evaluated.
        let open = gate.in_flight();
        let failures = count(core, &place, &rules).await?;
        if failures >= rules.threshold {
            return Err(Error::BadToken("permission denied"));
        }
        if open.saturating_add(failures) < rules.threshold {
            seat.enter();
            return Ok(Some(Attempt { place, rules, had_failures: failures > 0, seat: Some(seat) }));
        }
        gate.ended.notified().await;
    }
}

/// Failures that count now. A lock that is over counts as none.
async fn count(core: &Core, place: &Place, rules: &Rules) -> Result<u32> {
    let Some(found) = core.view.get(&place.row).await? else { return Ok(0) };
    let row = decode(found.value())?;
    Ok(row.find(&place.name, rules, core.clock.now()).map_or(0, |f| f.count))
}

/// Counts wrong credentials, durably, before the caller learns of them; forgets failures after a success.
/// Errors: a failure that can't be counted, which must be answered in place of the outcome.
pub async fn settle<T>(core: &Core, attempt: Attempt, outcome: &Result<T>) -> Result<()> {
    let Attempt { place, rules, had_failures, .. } = &attempt;
    match outcome {
        Err(Error::BadLogin(_)) => {
            let now = core.clock.now();
            change(core, place, |row| {
                row.add(&place.name, rules, now);
                true
            })
            .await
        }
        Ok(_) if *had_failures => {
            // The login stands; failures that stay only make the name lock sooner.
            if let Err(e) = change(core, place, |row| row.remove(&place.name)).await {
                tracing::warn!("failed logins could not be forgotten: {e}");
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Changes a row in a transaction of its own; nothing is written when `change` says so. An empty row goes.
pub async fn change(core: &Core, place: &Place, change: impl Fn(&mut Row) -> bool) -> Result<()> {
    for _ in 0..TRIES_MAX {
        let mut txn = core.view.txn(Intent::Write);
        if !change_in(&mut txn, &place.row, &change).await? {
            return Ok(());
        }
        match txn.commit().await {
            Err(strongroom_barrier::Error::Conflict) => core.view.catch_up().await?,
            other => return other.map(|_| ()).map_err(Error::Barrier),
        }
    }
    Err(Error::Barrier(strongroom_barrier::Error::Conflict))
}

/// As `change`, inside a transaction.
pub async fn change_in(txn: &mut Txn, key: &Bytes, change: impl Fn(&mut Row) -> bool) -> Result<bool> {
    let mut row = match txn.get(key).await? {
        Some(found) => decode(found.value())?,
        None => Row::default(),
    };
    if !change(&mut row) {
        return Ok(false);
    }
    if row.names.is_empty() {
        txn.delete(key.clone());
    } else {
        let bytes = serde_json::to_vec(&row).map_err(|e| Error::Internal(format!("encoding failed logins: {e}")))?;
        txn.put(key.clone(), bytes);
    }
    Ok(true)
}

pub fn decode(bytes: &[u8]) -> Result<Row> {
    serde_json::from_slice(bytes).map_err(|_| Error::Internal("a record of failed logins is not of the expected form".into()))
}
