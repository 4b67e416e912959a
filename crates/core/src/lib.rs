//! The pipeline and what it stands on: router, mounts, tokens, wrapping, the system API. Knows plug-ins only by their
//! `engine` traits, stores only through the barrier, and the network not at all.

mod acl;
mod audit;
mod bare;
mod flat;
mod flights;
mod identity;
mod initial;
mod keys;
mod lease;
mod lockout;
mod metrics;
mod mount;
mod openapi;
mod pipeline;
mod process;
mod quota;
mod rules;
mod server;
pub mod snapshot;
mod stage;
mod sys;
mod system;
mod task;
mod token;
mod version;
pub mod wire;
mod wrap;

pub use audit::{AuditDevice, AuditKind};
pub use initial::{DevOptions, DevSecrets};
pub use lockout::{LockoutConfig, LockoutDefaults};
pub use process::{LevelRefused, Process};
pub use server::{Parts, Server, Settings, Telemetry};
pub use system::SystemCall;

use std::sync::Arc;

use strongroom_barrier::{Barrier, Changed, Intent, Listener, View};
use strongroom_engine::{Ctx, MountFacts, Operation};
use strongroom_types::{Clock, Rng};

/// An unsealed server. Made when it is unsealed, dropped when it is sealed.
pub struct Core {
    pub settings: Settings,
    server: std::sync::Weak<Server>,
    metrics: Arc<metrics::Metrics>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    barrier: Barrier,
    view: View,
    audit: audit::AuditLog,
    mounts: Arc<mount::Mounts>,
    identities: Arc<identity::Identities>,
    tokens: Arc<token::Tokens>,
    policies: Arc<acl::Policies>,
    lockouts: lockout::Lockouts,
    leases: lease::Leases,
    quotas: quota::Quotas,
    /// For password hashes and the like.
    pool: strongroom_engine::SlowPool,
    rules: rules::Rules,
    flights: flights::Flights,
    process: Arc<dyn Process>,
    keys: keys::Keys,
    identity: ClusterIdentity,
    /// Set by the request that seals; done when its answer was recorded.
    seal_requested: std::sync::atomic::AtomicBool,
}

/// Names of this installation, made when it was initialised.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct ClusterIdentity {
    pub cluster_id: String,
    pub cluster_name: String,
}

impl Core {
    /// A mount's lifetimes, the system's counting where it sets none.
    fn limits_of(&self, mount: &MountFacts) -> token::Limits {
        let max_ttl = if mount.max_ttl.is_zero() { self.settings.max_lease_ttl } else { mount.max_ttl };
        let default_ttl = if mount.default_ttl.is_zero() { self.settings.default_lease_ttl } else { mount.default_ttl };
        token::Limits { default_ttl: default_ttl.min(max_ttl), max_ttl }
    }

    /// As an engine sees them.
    fn lifetimes_of(&self, mount: &MountFacts) -> strongroom_engine::Lifetimes {
        let token::Limits { default_ttl, max_ttl } = self.limits_of(mount);
        strongroom_engine::Lifetimes { default_ttl, max_ttl }
    }

    /// What an engine works with when no request is behind it.
    fn background(&self, mount: &mount::Mount) -> Ctx {
        Ctx {
            txn: self.view.txn(Intent::Write),
            mount: mount.facts.clone(),
            operation: Operation::Update,
            path: String::new(),
            caller: None,
            now: self.clock.now(),
            lifetimes: self.lifetimes_of(&mount.facts),
            rng: self.rng.clone(),
            remote: None,
            pool: self.pool.clone(),
            has_sudo: false,
            system: None,
        }
    }
}

/// Drops what is derived from changed entries, on this node and from others, in commit order and before acknowledgement.
struct Derived(std::sync::Weak<Core>);

impl Listener for Derived {
    fn changed(&self, changed: Changed<'_>) {
        let Some(core) = self.0.upgrade() else { return };
        for (key, is_put) in changed.puts_and_deletes() {
            core.leases.changed(&core, key, is_put);
            match key.split_first_chunk::<2>() {
                Some((b"t/", family)) => core.tokens.changed(family),
                Some((b"o/", _)) => core.policies.changed(),
                Some((b"y/", rest)) => core.identities.changed(rest),
                Some((b"m/", path)) => {
                    core.mounts.changed();
                    if path.starts_with(b"auth/") {
                        core.identities.auth_mounts_changed();
                    }
                }
                Some((b"s/", rest)) => {
                    core.rules.changed();
                    if rest == b"audit-devices" {
                        core.audit.changed();
                    }
                }
                Some((b"q/", _)) => core.quotas.changed(),
                _ => {}
            }
        }
    }

    fn lost(&self) {
        let Some(core) = self.0.upgrade() else { return };
        core.tokens.lost();
        core.leases.lost();
        core.policies.changed();
        core.mounts.changed();
        core.rules.changed();
        core.audit.changed();
        core.identities.lost();
        core.quotas.changed();
    }
}
