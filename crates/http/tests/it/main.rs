//! A real server on real sockets, with a handler that tells what it was given.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod fixture;
mod forwarded;
mod http2;
mod life;
mod limits;
mod metrics;
mod tls;
mod unix;
mod wire;
