//! A lease's record in the store and the keys that lead to it. Record and indexes change in one batch, always.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_barrier::Txn;
use strongroom_engine::{Error, Key, Result};
use strongroom_types::Timestamp;

/// Tries after which a revocation counts as failed for good: the lease is shown as irrevocable and tried rarely.
pub const ATTEMPTS_MAX: u32 = 6;

/// One lease. No Debug: the recipe can hold secrets.
#[derive(Serialize, Deserialize, Clone)]
pub struct LeaseEntry {
    /// Storage id of the mount it came from; stays right when the mount moves.
    pub mount: String,
    pub issued: Timestamp,
    /// When it ends for its holder.
    pub expires: Timestamp,
    /// When it is worked on next: its end, or the next try to revoke it. The time in its index key.
    pub due: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed: Option<Timestamp>,
    pub renewable: bool,
    /// The token it ends with, until somebody asked for its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What the engine needs to revoke it.
    pub recipe: Value,
    /// Its end was asked for or tried: nobody can renew it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ending: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// Why it is still there.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Trouble {
    /// Revocations that failed.
    pub attempts: u32,
    /// The newest one's error, as a caller would have seen it.
    pub error: String,
    pub last: Timestamp,
}

impl LeaseEntry {
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires && !self.ending
    }

    pub fn is_irrevocable(&self) -> bool {
        self.trouble.as_ref().is_some_and(|t| t.attempts >= ATTEMPTS_MAX)
    }
}

/// The record. Lease ids are paths, so that records lie in path order.
pub fn key(id: &str) -> Key {
    Key::area("l").name(id)
}

/// All leases of a mount, ordered by the moment at which each is due.
pub fn due_index(mount: &str) -> Key {
    Key::area("v").id(mount)
}

pub fn due_key(mount: &str, due: Timestamp, id: &str) -> Key {
    due_index(mount).number(due.ns()).name(id)
}

/// Tokens with leases.
pub fn token_area() -> Key {
    Key::area("b")
}

/// All leases of a token.
pub fn token_index(family: &str) -> Key {
    token_area().id(family)
}

/// Leases of a mount whose revocation failed for good.
pub fn irrevocable_index(mount: &str) -> Key {
    Key::area("z").id(mount)
}

/// What a key of the due index says: mount, moment, lease id.
pub fn read_due_key(key: &[u8]) -> Option<(&str, Timestamp, &str)> {
    let rest = key.strip_prefix(b"v/")?;
    let slash = rest.iter().position(|b| *b == b'/')?;
    let (mount, rest) = rest.split_at_checked(slash)?;
    let (number, id) = rest.strip_prefix(b"/")?.split_first_chunk::<8>()?;
    let text = |bytes| std::str::from_utf8(bytes).ok();
    Some((text(mount)?, Timestamp::from_ns(u64::from_be_bytes(*number)), text(id)?))
}

/// Errors: `Internal` when it is no lease's record.
pub fn decode(bytes: &[u8]) -> Result<LeaseEntry> {
    serde_json::from_slice(bytes).map_err(|_| Error::Internal("a lease's record is not of the expected form".into()))
}

/// Writes a lease and whatever index entries differ from those of `old`.
pub fn put_in(txn: &mut Txn, id: &str, old: Option<&LeaseEntry>, new: &LeaseEntry) -> Result<()> {
    let bytes = serde_json::to_vec(new).map_err(|e| Error::Internal(format!("encoding a lease: {e}")))?;
    txn.put(key(id).into_bytes(), bytes);
    let before = old.map(|old| index_keys(id, old)).unwrap_or_default();
    let after = index_keys(id, new);
    before.iter().filter(|key| !after.contains(key)).for_each(|key| txn.delete(key.clone().into_bytes()));
    after.into_iter().filter(|key| !before.contains(key)).for_each(|key| txn.put(key.into_bytes(), Vec::new()));
    Ok(())
}

/// Deletes a lease with its index entries.
pub fn drop_in(txn: &mut Txn, id: &str, lease: &LeaseEntry) {
    txn.delete(key(id).into_bytes());
    index_keys(id, lease).into_iter().for_each(|key| txn.delete(key.into_bytes()));
}

fn index_keys(id: &str, lease: &LeaseEntry) -> Vec<Key> {
    let mut keys = vec![due_key(&lease.mount, lease.due, id)];
    keys.extend(lease.token.as_ref().map(|family| token_index(family).name(id)));
    keys.extend(lease.is_irrevocable().then(|| irrevocable_index(&lease.mount).name(id)));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_keys_sort_by_time_and_are_read_back() {
        let early = due_key("S1", Timestamp::from_s(1), "z/creds/b");
        let late = due_key("S1", Timestamp::from_s(2), "a/creds/a");
        assert!(early < late);
        assert_eq!(read_due_key(late.as_bytes()), Some(("S1", Timestamp::from_s(2), "a/creds/a")));
        for bad in [&b"v/"[..], b"v/S1/", b"v/S1/1234567", b"x/S1/12345678id"] {
            assert_eq!(read_due_key(bad), None);
        }
    }
}
