//! Time and randomness as parameters. Only the composition root and the test kit make real ones.

use crate::Timestamp;

/// Where the present comes from.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. May jump backwards; nobody may rely on it for order.
    fn now(&self) -> Timestamp;
}

/// Where randomness for keys, tokens and ids comes from.
pub trait Rng: Send + Sync + 'static {
    /// Fills the whole buffer with cryptographically secure bytes. Aborts the process rather than
    /// returning anything else: there is no safe way on without randomness.
    fn fill(&self, out: &mut [u8]);
}
