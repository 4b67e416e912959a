//! Keys in the store, built from typed segments: structural ids that stay clear, and names that users give, which may
//! be sealed one day without any engine noticing (decisions.md 3).

use bytes::Bytes;

/// A key or prefix under construction.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(Vec<u8>);

impl Key {
    /// A top-level area of the core, such as `t` for tokens.
    pub fn area(area: &'static str) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(area.as_bytes());
        bytes.push(b'/');
        Self(bytes)
    }

    /// A structural id: a short text without slash, followed by one.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        debug_assert!(!id.contains('/'), "ids have no slash");
        self.0.extend_from_slice(id.as_bytes());
        self.0.push(b'/');
        self
    }

    /// Big-endian number, so that keys sort by it. Ends the structural part without a slash.
    #[must_use]
    pub fn number(mut self, n: u64) -> Self {
        self.0.extend_from_slice(&n.to_be_bytes());
        self
    }

    /// A name that a user gave; it may hold slashes, which make folders.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.0.extend_from_slice(name.as_bytes());
        self
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.0)
    }
}
