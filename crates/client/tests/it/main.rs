//! The client against a canned responder, because the real server is built from crates above this one; end-to-end runs are in
//! crates/strongroom/tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod answers;
mod cache;
mod redirects;
mod requests;
mod responder;
mod tls;
