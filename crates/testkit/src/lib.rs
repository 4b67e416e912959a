//! A whole server in a test's process: no network, no real clock. For tests only.

mod clock;
mod held;
mod leased;
mod rng;
mod server;
mod vouch;

pub use clock::ManualClock;
pub use held::{Held, HeldStore, Moment};
pub use leased::LEASED;
pub use rng::TestRng;
pub use server::{Options, Reply, TestServer, catalogue, request, request_from};
pub use vouch::VOUCH;
