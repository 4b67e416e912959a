//! The circuit breaker: after many failures nothing is sent for a while, then one probe. Must never let more than one probe
//! through. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use super::config::CacheConfig;
use crate::jitter;

/// As the metrics see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything goes through.
    Closed,
    /// Nothing goes through.
    Open,
    /// One probe is under way.
    HalfOpen,
}

#[derive(Debug)]
enum Phase {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// The deadline is for a probe whose owner vanished.
    HalfOpen {
        deadline: Instant,
    },
}

#[derive(Debug)]
pub(super) struct Breaker {
    phase: Phase,
    failures_max: u32,
    open: Duration,
    probe_max: Duration,
}

impl Breaker {
    pub(super) fn new(config: &CacheConfig) -> Self {
        let probe_max = config.fetch_timeout.saturating_mul(2);
        let failures_max = config.breaker_failures.max(1);
        Self { phase: Phase::Closed { failures: 0 }, failures_max, open: config.breaker_open, probe_max }
    }

    pub(super) fn state(&self) -> BreakerState {
        match self.phase {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Whether a fetch may be sent; it must be followed by `record`. Errors: when to ask again.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        match self.phase {
            Phase::Closed { .. } => Ok(()),
            Phase::Open { until } | Phase::HalfOpen { deadline: until } if until > now => Err(until),
            Phase::Open { .. } | Phase::HalfOpen { .. } => {
                self.phase = Phase::HalfOpen { deadline: later(now, self.probe_max) };
                Ok(())
            }
        }
    }

    /// `answered` is true when the backend said anything at all, be it a refusal.
    pub(super) fn record(&mut self, now: Instant, answered: bool) {
        let failures = match self.phase {
            _ if answered => 0,
            Phase::Closed { failures } => failures.saturating_add(1),
            Phase::Open { .. } | Phase::HalfOpen { .. } => self.failures_max,
        };
        self.phase = if failures < self.failures_max {
            Phase::Closed { failures }
        } else {
            Phase::Open { until: later(now, jitter::between(self.open.mul_f64(0.5), self.open)) }
        };
    }
}

/// Saturates at a time that no process lives to see.
pub(super) fn later(now: Instant, wait: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(10 * 365 * 86_400);
    now.checked_add(wait.min(FAR)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_failures_probes_once_and_closes() {
        let config = CacheConfig::default();
        let (mut breaker, start) = (Breaker::new(&config), Instant::now());
        for _ in 0..4 {
            assert!(breaker.admit(start).is_ok());
            breaker.record(start, false);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
        breaker.record(start, true);
        for _ in 0..5 {
            breaker.record(start, false);
        }
        assert_eq!(breaker.state(), BreakerState::Open, "five in a row");
        let until = breaker.admit(start).unwrap_err();
        assert!(until >= start + config.breaker_open / 2 && until <= start + config.breaker_open);
        assert!(breaker.admit(until).is_ok(), "the probe");
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert!(breaker.admit(until).is_err(), "one probe only");
        breaker.record(until, false);
        let again = breaker.admit(until).unwrap_err();
        assert!(breaker.admit(again).is_ok());
        breaker.record(again, true);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_probe_whose_owner_vanished_does_not_block_for_ever() {
        let (mut breaker, start) = (Breaker::new(&CacheConfig::default()), Instant::now());
        (0..5).for_each(|_| breaker.record(start, false));
        let until = breaker.admit(start).unwrap_err();
        assert!(breaker.admit(until).is_ok());
        let deadline = breaker.admit(until).unwrap_err();
        assert!(breaker.admit(deadline).is_ok());
    }
}
