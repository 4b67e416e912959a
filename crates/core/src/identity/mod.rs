//! `identity/`: who is behind the tokens. Entities, the names by which auth mounts know them, and groups. An engine like
//! `sys/`, with the core's own handle; logins and judgements come in through `on_login` and `Identities::facts`.

mod api;
mod facts;
mod leftovers;
mod login;
mod record;
mod store;
mod table;
mod template;

use std::sync::Arc;

use strongroom_engine::{Builtin, Engine, EngineKind, Error, Options, Route};

pub use facts::{EntityFacts, Identities};
pub use leftovers::{gone_mount_key, run as finish_leftovers};
pub use login::on_login;
pub use record::entities_area;

pub const IDENTITY: Builtin = Builtin {
    name: "identity",
    kind: EngineKind::Secrets,
    make: |_: &Options| Ok(Arc::new(IdentityEngine)),
    docs: "docs/operate/identity.md",
};

/// Where it is mounted.
pub const IDENTITY_MOUNT: &str = "identity/";

/// What somebody gets whose entity is disabled or gone: the same as for a token that is none.
pub const REFUSED: Error = Error::BadToken("permission denied");

struct IdentityEngine;

impl Engine for IdentityEngine {
    fn routes(&self) -> Vec<Route> {
        api::routes()
    }
}
