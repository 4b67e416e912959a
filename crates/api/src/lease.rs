//! Requests about leases. They only leave a client, so they cannot be read back.

use serde::Serialize;

/// What is None is left to the server.
#[derive(Debug, Default, Serialize)]
pub struct LeaseRequest {
    pub lease_id: String,
    /// Seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub increment: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<bool>,
}

#[derive(Debug, Serialize)]
pub struct SyncRequest {
    pub sync: bool,
}
