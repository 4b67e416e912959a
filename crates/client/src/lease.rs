//! Calls about leases. Ids go in bodies where the server takes them there; a prefix is a path.

use strongroom_api::{Envelope, LeaseRequest, SyncRequest};

use crate::Client;
use crate::error::Error;
use crate::exchange::Method;

/// What to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokeLeases {
    /// One lease. `sync` waits for its engine.
    One { sync: bool },
    /// All leases and tokens below a path.
    Below { sync: bool },
    /// As `Below`, whatever engines say.
    Force,
}

impl Client {
    pub async fn lookup_lease(&self, id: &str) -> Result<Option<Envelope>, Error> {
        let body = LeaseRequest { lease_id: id.to_owned(), ..LeaseRequest::default() };
        self.request(Method::Put, "sys/leases/lookup", Some(&body)).await?.envelope()
    }

    /// Asks for `increment` seconds from now; None asks for the usual lifetime.
    pub async fn renew_lease(&self, id: &str, increment: Option<u64>) -> Result<Option<Envelope>, Error> {
        let body = LeaseRequest { lease_id: id.to_owned(), increment, ..LeaseRequest::default() };
        self.request(Method::Put, "sys/leases/renew", Some(&body)).await?.envelope()
    }

    pub async fn revoke_leases(&self, id: &str, how: RevokeLeases) -> Result<(), Error> {
        let path = id.trim_matches('/');
        let sent = match how {
            RevokeLeases::One { sync } => {
                let body = LeaseRequest { lease_id: id.to_owned(), sync: Some(sync), ..LeaseRequest::default() };
                self.request(Method::Put, "sys/leases/revoke", Some(&body)).await
            }
            RevokeLeases::Below { sync } => {
                self.request(Method::Put, &format!("sys/leases/revoke-prefix/{path}"), Some(&SyncRequest { sync })).await
            }
            RevokeLeases::Force => self.request::<()>(Method::Put, &format!("sys/leases/revoke-force/{path}"), None).await,
        };
        sent.map(drop)
    }
}
