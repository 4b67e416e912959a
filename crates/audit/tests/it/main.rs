//! The audit log from outside: devices, crashes, tampering, proofs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod broker;
mod crash;
mod device;
mod ends;
mod proofs;
mod support;
mod tamper;
