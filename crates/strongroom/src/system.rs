//! The real clock and the real source of randomness: the only place of the program that makes them.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use strongroom_types::{Clock, Rng, Timestamp};

/// The system's wall clock. Before 1970 it says 1970.
#[derive(Debug)]
pub struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time is read")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ns(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// The library's generator, seeded by the system.
#[derive(Debug)]
pub struct SystemRng(SystemRandom);

impl SystemRng {
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for SystemRng {
    fn default() -> Self {
        Self::new()
    }
}

impl Rng for SystemRng {
    fn fill(&self, out: &mut [u8]) {
        if self.0.fill(out).is_err() {
            // SECURITY: without randomness every key and token from here on would be guessable.
            tracing::error!("the random source failed");
            std::process::abort();
        }
    }
}

/// Draws the first byte on a thread of its own: seeding takes 29 ms once per process, and the rest of the start can go on meanwhile.
pub fn seed_early() {
    let seeding = std::thread::Builder::new().name("seed".into()).spawn(|| SystemRng::new().fill(&mut [0]));
    // Without the thread the first user of randomness pays instead.
    drop(seeding);
}
