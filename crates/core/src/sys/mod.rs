//! `sys/`: the system API, as an engine like any other but with the core's own handle.

mod audit;
mod audited_headers;
mod auth;
mod capabilities;
mod cors;
mod counters;
mod decode_token;
pub mod keys;
mod leases;
mod locked_users;
mod loggers;
mod metrics;
mod mount_settings;
pub mod mounts;
mod node;
mod page_headers;
mod passwords;
mod plugins;
mod policies;
mod quotas;
mod remount;
mod snapshots;
mod specs;
mod tools;
mod tune;
mod ui;
mod wrapping;

use std::sync::Arc;

use strongroom_engine::{Builtin, Engine, EngineKind, Options, Route};

pub const SYSTEM: Builtin = Builtin {
    name: "system",
    kind: EngineKind::Secrets,
    make: |_: &Options| Ok(Arc::new(System)),
    docs: "docs/operate/system.md",
};

struct System;

impl Engine for System {
    fn routes(&self) -> Vec<Route> {
        let groups = [
            // Before `mounts`: the longer pattern must be tried first.
            tune::routes(),
            mounts::routes(),
            auth::routes(),
            remount::routes(),
            policies::routes(),
            passwords::routes(),
            capabilities::routes(),
            ui::routes(),
            wrapping::routes(),
            tools::routes(),
            keys::routes(),
            locked_users::routes(),
            leases::routes(),
            audit::routes(),
            audited_headers::routes(),
            cors::routes(),
            counters::routes(),
            decode_token::routes(),
            loggers::routes(),
            node::routes(),
            page_headers::routes(),
            plugins::routes(),
            metrics::routes(),
            quotas::routes(),
            snapshots::routes(),
            specs::routes(),
        ];
        groups.into_iter().flatten().collect()
    }
}
