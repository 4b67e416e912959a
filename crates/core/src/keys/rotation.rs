//! When the keyring gets a new term by itself: after so many encryptions under one term, or after so long. Encryptions are
//! counted across restarts and nodes, in steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use strongroom_barrier::{Intent, KeyStatus};
use strongroom_engine::{Error, Key, Result};
use strongroom_types::Ttl;

use crate::Core;

/// Bounds of `max_operations`; the upper one is the default.
pub const OPERATIONS_MIN: u64 = 1_000_000;
pub const OPERATIONS_MAX: u64 = 3_865_470_566;
/// Shortest interval.
pub const INTERVAL_MIN: Ttl = Ttl::from_s(24 * 3600);
/// Encryptions that a crash may leave uncounted; fewer would make counting the main thing that is encrypted.
const STEP: u64 = 1000;

/// The settings of `sys/rotate/config`.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Config {
    pub enabled: bool,
    pub max_operations: u64,
    /// Zero: time alone rotates nothing.
    pub interval: Ttl,
}

impl Default for Config {
    fn default() -> Self {
        Self { enabled: true, max_operations: OPERATIONS_MAX, interval: Ttl::ZERO }
    }
}

impl Config {
    fn is_due(&self, encryptions: u64, age_s: u64) -> bool {
        let is_old = !self.interval.is_zero() && age_s >= self.interval.as_s();
        self.enabled && (is_old || encryptions >= self.max_operations)
    }
}

pub fn config_key() -> Key {
    Key::area("k").name("rotation")
}

fn count_key() -> Key {
    Key::area("k").name("encryptions")
}

/// Encryptions of one term by all nodes and processes.
#[derive(Serialize, Deserialize, Default)]
struct Counted {
    term: u32,
    encryptions: u64,
}

/// Of this process's encryptions under the active term, how many are in the stored count.
#[derive(Default)]
pub struct Counter {
    term: AtomicU64,
    stored: AtomicU64,
}

impl Counter {
    fn uncounted(&self, status: &KeyStatus) -> u64 {
        let is_same = self.term.load(Ordering::Acquire) == u64::from(status.term);
        status.encryptions.saturating_sub(if is_same { self.stored.load(Ordering::Acquire) } else { 0 })
    }

    fn keep(&self, status: &KeyStatus) {
        self.stored.store(status.encryptions, Ordering::Release);
        self.term.store(u64::from(status.term), Ordering::Release);
    }
}

pub async fn config(core: &Core) -> Result<Config> {
    let Some(found) = core.view.get(config_key().as_bytes()).await? else { return Ok(Config::default()) };
    serde_json::from_slice(found.value()).map_err(|_| Error::Internal("the settings of key rotation are malformed".into()))
}

/// The active term, with the encryptions under it of all nodes.
pub async fn status(core: &Core) -> Result<KeyStatus> {
    let status = core.barrier.key_status()?;
    let counted = match core.view.get(count_key().as_bytes()).await? {
        Some(found) => decode(found.value())?,
        None => Counted::default(),
    };
    let before = if counted.term == status.term { counted.encryptions } else { 0 };
    Ok(KeyStatus { encryptions: before.saturating_add(core.keys.rotation.uncounted(&status)), ..status })
}

fn decode(bytes: &[u8]) -> Result<Counted> {
    serde_json::from_slice(bytes).map_err(|_| Error::Internal("the count of encryptions is malformed".into()))
}

/// Counts and, when it is time, rotates. Run every few seconds.
pub async fn run(core: &Arc<Core>) -> Result<()> {
    let now = core.clock.now();
    count(core).await?;
    let config = config(core).await?;
    let status = status(core).await?;
    let age_s = now.seconds_since(status.installed_at);
    if !config.is_due(status.encryptions, age_s) {
        return Ok(());
    }
    match core.barrier.rotate(now).await {
        Ok(term) => tracing::info!(term, encryptions = status.encryptions, age_s, "keyring rotated by itself"),
        // Another node was first.
        Err(strongroom_barrier::Error::Conflict) => {}
        Err(other) => return Err(other.into()),
    }
    Ok(())
}

async fn count(core: &Core) -> Result<()> {
    let status = core.barrier.key_status()?;
    let more = core.keys.rotation.uncounted(&status);
    if more < STEP {
        return Ok(());
    }
    let mut txn = core.view.txn(Intent::Write);
    let found = txn.get(count_key().as_bytes()).await?;
    let before = found.map(|found| decode(found.value())).transpose()?.filter(|c| c.term == status.term).unwrap_or_default();
    let counted = Counted { term: status.term, encryptions: before.encryptions.saturating_add(more) };
    let bytes = serde_json::to_vec(&counted).map_err(|e| Error::Internal(format!("encoding a count: {e}")))?;
    txn.put(count_key().into_bytes(), bytes);
    match txn.commit().await {
        // Another node counted at this moment: the next turn adds ours.
        Err(strongroom_barrier::Error::Conflict) => Ok(()),
        Err(other) => Err(other.into()),
        Ok(_) => {
            core.keys.rotation.keep(&status);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_types::Timestamp;

    use super::*;

    #[test]
    fn time_or_encryptions_make_it_due_unless_switched_off() {
        let config = |enabled, interval| Config { enabled, max_operations: OPERATIONS_MIN, interval: Ttl::from_s(interval) };
        for (config, encryptions, age_s, expected) in [
            (config(true, 0), OPERATIONS_MIN, 0, true),
            (config(true, 0), OPERATIONS_MIN - 1, u64::MAX, false),
            (config(true, 90), 0, 89, false),
            (config(true, 90), 0, 90, true),
            (config(false, 90), u64::MAX, 90, false),
        ] {
            assert_eq!(config.is_due(encryptions, age_s), expected, "{config:?} {encryptions} {age_s}");
        }
    }

    #[test]
    fn encryptions_are_stored_once_and_begin_again_with_a_term() {
        let status = |term, encryptions| KeyStatus { term, encryptions, installed_at: Timestamp::default(), rotation_due: false };
        let counter = Counter::default();
        assert_eq!(counter.uncounted(&status(1, 1500)), 1500);
        counter.keep(&status(1, 1500));
        assert_eq!(counter.uncounted(&status(1, 1700)), 200);
        assert_eq!(counter.uncounted(&status(2, 10)), 10);
    }
}
