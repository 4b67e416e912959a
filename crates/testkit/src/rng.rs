//! Randomness for tests: real, so that keys are keys.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use strongroom_types::Rng;

pub struct TestRng;

impl Rng for TestRng {
    #[expect(clippy::expect_used, reason = "test code: there is no safe way on without randomness")]
    fn fill(&self, out: &mut [u8]) {
        SystemRandom::new().fill(out).expect("the system's random source");
    }
}
