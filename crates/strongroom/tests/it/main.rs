//! The whole server, in process and without a network: promises that no single crate can keep alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod approle;
mod audit;
mod audit_devices;
mod cache;
mod catalogue;
mod cli;
mod clients;
mod faults;
mod flat;
mod headers;
mod hostile;
mod identity;
mod identity_races;
mod keys;
mod leases;
mod lockout;
mod loggers;
mod metrics;
mod node;
mod nodes;
mod openapi;
mod pki;
mod policies;
mod quotas;
mod races;
mod revocations;
mod single_use;
mod sizes;
mod snapshots;
mod sweeps;
mod token_roles;
mod token_tidy;
mod token_trees;
mod tokens;
mod userpass;
