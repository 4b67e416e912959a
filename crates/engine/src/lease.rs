//! Leases: what an engine asks for with an answer, and what it gets back when one is renewed or ends.

use serde_json::Value;
use strongroom_types::{Timestamp, Ttl};

/// A lease on what an answer hands out. Times are settled by the core against the mount's limits and the caller's token.
#[derive(Default)]
pub struct NewLease {
    /// Zero means the mount's default.
    pub ttl: Ttl,
    /// Zero means the mount's.
    pub max_ttl: Ttl,
    pub renewable: bool,
    /// All that revoking takes: `Engine::revoke_lease` gets it back, also when the role it came from is long gone. Sealed
    /// in the lease's record, never shown.
    pub recipe: Value,
}

/// A lease that exists, as the engine sees it again.
pub struct Lease {
    /// As the client knows it.
    pub id: String,
    pub issued: Timestamp,
    pub recipe: Value,
}

/// What an engine says to a renewal.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenewedLease {
    /// Zero means the mount's default.
    pub ttl: Ttl,
    /// From the lease's beginning; zero means the mount's.
    pub max_ttl: Ttl,
}

/// Without the recipe, which can hold secrets.
impl std::fmt::Debug for NewLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ttl, max_ttl, renewable, recipe: _ } = self;
        f.debug_struct("NewLease")
            .field("ttl", ttl)
            .field("max_ttl", max_ttl)
            .field("renewable", renewable)
            .finish_non_exhaustive()
    }
}

/// Without the recipe, which can hold secrets.
impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("id", &self.id).field("issued", &self.issued).finish_non_exhaustive()
    }
}
