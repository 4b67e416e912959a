//! What vaultrs does in the clients rig, one file for each area of the API.

pub mod approle;
pub mod identity;
pub mod kv;
pub mod leases;
pub mod mounts;
pub mod policies;
pub mod rekey;
pub mod start;
pub mod tokens;
pub mod userpass;
pub mod wrapping;

/// A wrong name, password or secret id is either.
const WRONG: &[u16] = &[400, 403];
