//! X.509 certificates: a CA of the mount, roles that say who may be certified how, and certificates with their revocation.
//!
//! | area of the mount's store | holds |
//! |---|---|
//! | `issuer/ID`, `key/ID` | a certificate that signs others; a private key's facts; `in/NAME` and `kn/NAME` their ids by name |
//! | `secret/ID` | a private key (PKCS #8), an entry of its own |
//! | `role/NAME` | a role |
//! | `cert/SERIAL`, `rev/SERIAL` | a certificate; its revocation |
//! | `crl/version` | changes with every revocation, so that lists are made anew |
//! | `config/issuers`, `config/keys`, `config/urls` | the defaults; addresses that certificates carry |

mod certificate;
mod crl;
mod csr;
mod error;
mod extensions;
mod format;
mod issue;
mod issuers;
mod key;
mod list;
mod name;
mod pem;
mod read;
mod revoke;
mod role;
mod root;
mod store;
mod times;

use std::sync::Arc;

use strongroom_engine::{Builtin, Ctx, Engine, EngineKind, Lease, Options, Result, Route};
use strongroom_types::BoxFuture;

pub const PKI: Builtin = Builtin { name: "pki", kind: EngineKind::Secrets, make, docs: "secrets-pki.md" };

struct Pki {
    lists: Arc<crl::Lists>,
}

fn make(_: &Options) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(Pki { lists: Arc::default() }))
}

impl Engine for Pki {
    fn routes(&self) -> Vec<Route> {
        let mut routes = root::routes();
        routes.extend(issuers::routes());
        routes.extend(role::routes::routes());
        routes.extend(issue::routes());
        routes.extend(revoke::routes());
        routes.extend(read::routes(&self.lists));
        routes
    }

    fn revoke_lease<'a>(&'a self, ctx: &'a mut Ctx, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        Box::pin(revoke::revoke_lease(ctx, lease))
    }
}

#[cfg(test)]
mod tests;
