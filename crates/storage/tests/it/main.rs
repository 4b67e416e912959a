//! The stores against what every store promises, and what only a store on disk can be asked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod crash;
mod damage;
mod embedded;
mod folder;
mod memory;
mod model;
mod rates;
mod whole;
