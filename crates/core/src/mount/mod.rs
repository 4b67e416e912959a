//! Mounts: which engine serves which path. The table is an immutable snapshot; a change makes the next request load anew.

mod entry;
mod table;

pub use entry::{MountConfig, MountEntry, key, wipe_intent};
pub use table::{Mount, Mounts, TOKEN_MOUNT, Table, protected};
