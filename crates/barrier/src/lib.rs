//! The barrier: everything between the plain entries that the core works with and the store, which sees ciphertext only.
//! Keyring, seals, the cached view of decrypted entries, and transactions. Must never let key material or plaintext out
//! by any other way than the entry that was asked for, and answers nothing while sealed.

mod barrier;
mod entry;
mod errors;
mod figures;
mod fresh;
mod keyring;
mod listeners;
pub mod seal;
mod session;
pub mod shamir;
mod txn;
mod view;

pub use barrier::{Areas, Barrier, Checked, Config, InitOutput, KeyStatus, Keys, Quorum, Replacement, Saved, Sealer};
pub use entry::Entry;
pub use errors::{Error, Result};
pub use listeners::{Changed, Listener};
pub use seal::{SealConfig, State};
pub use strongroom_snapshot::Header as SnapshotHeader;
pub use strongroom_storage::{Revision, Scratch};
pub use txn::{Intent, Txn};
pub use view::View;

#[cfg(test)]
mod testing;
