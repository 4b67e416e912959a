//! The file format of snapshots: a signed header, then every record of a store in key order, values still sealed. Pure: no
//! keys, no store, no files. Must never trust a length or an order that it read: a snapshot is untrusted input
//! (security.md CVE-2026-105816).
//!
//! ```text
//! 8 bytes   "SGRMSNAP"
//! 4 bytes   length of the header, big-endian
//! header    JSON, see [`Header`]
//! 32 bytes  HMAC-SHA256 over all bytes before, under a key of the store's keyring
//! records   2 bytes key length, 4 bytes value length, 8 bytes revision (big-endian), key, value; keys rise
//! ```

mod entries;
mod error;
mod head;
#[cfg(test)]
mod tests;

pub use entries::{Entries, Entry, KEY_BYTES_MAX, Tally, VALUE_BYTES_MAX, Writer};
pub use error::{Error, Result};
pub use head::{FORMAT, Head, Header, MAC_BYTES};
