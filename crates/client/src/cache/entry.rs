//! One key: what is held, why it failed, who wants it. Must never hand out a value beyond its bound. The age of a value is the
//! larger of what the steady clock and the wall clock say: a machine that slept must not take an old password for a fresh one,
//! and a wall clock that is set back must not make one younger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::config::{AfterBound, CacheConfig};
use super::error::CacheError;
use crate::backend::Fetched;
use crate::jitter;
use crate::secret::Secret;

#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub steady: Instant,
    pub wall: SystemTime,
}

impl Moment {
    fn since(&self, earlier: &Self) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        self.steady.saturating_duration_since(earlier.steady).max(wall)
    }
}

#[derive(Clone)]
pub(super) struct Held {
    pub secret: Secret,
    fetched: Moment,
    refresh_after: Duration,
    fresh_for: Duration,
    usable_for: Duration,
}

/// How old a held value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    /// Fresh, and to be fetched again.
    Due,
    Stale,
    Over,
}

impl Held {
    /// The refresh comes up to a tenth of its distance earlier, so that keys read together part.
    pub(super) fn new(fetched: Fetched, at: Moment, config: &CacheConfig) -> Self {
        let stated = fetched.ttl.unwrap_or(config.ttl);
        let fresh_for = if fetched.ends { stated } else { stated.min(config.ttl) };
        let ahead = config.refresh_ahead.min(fresh_for.div_f64(3.0));
        let latest = fresh_for.saturating_sub(ahead);
        let usable_for = match config.after_bound {
            _ if fetched.ends => fresh_for,
            AfterBound::Fail => fresh_for.saturating_add(config.max_stale),
            AfterBound::ServeStale => Duration::MAX,
        };
        let refresh_after = jitter::between(latest.mul_f64(0.9), latest);
        Self { secret: fetched.secret, fetched: at, refresh_after, fresh_for, usable_for }
    }

    pub(super) fn age(&self, now: &Moment) -> Age {
        match now.since(&self.fetched) {
            age if age < self.refresh_after => Age::Fresh,
            age if age < self.fresh_for => Age::Due,
            age if age < self.usable_for => Age::Stale,
            _ => Age::Over,
        }
    }

    pub(super) fn until_refresh(&self, now: &Moment) -> Duration {
        self.refresh_after.saturating_sub(now.since(&self.fetched))
    }

    pub(super) fn until_over(&self, now: &Moment) -> Duration {
        self.usable_for.saturating_sub(now.since(&self.fetched))
    }
}

#[derive(Clone)]
pub(super) struct Failure {
    pub error: CacheError,
    pub retry_at: Instant,
}

#[derive(Default)]
pub(super) struct State {
    pub held: Option<Held>,
    pub failure: Option<Failure>,
    /// The number of the fetch that this state comes from.
    pub answered: u64,
    /// The keeper left: look the key up again.
    pub gone: bool,
}

pub(super) struct Entry {
    pub key: Arc<str>,
    pub state: watch::Sender<State>,
    /// Makes the keeper look at the state again.
    pub wake: Notify,
    /// Read since the last fetch began.
    pub wanted: AtomicBool,
    pub watchers: AtomicUsize,
    /// Fetches that were begun.
    pub started: AtomicU64,
    /// A caller insists on a new fetch.
    pub forced: AtomicBool,
}

impl Entry {
    pub(super) fn new(key: &str) -> Self {
        Self {
            key: key.into(),
            state: watch::Sender::new(State::default()),
            wake: Notify::new(),
            wanted: AtomicBool::new(true),
            watchers: AtomicUsize::new(0),
            started: AtomicU64::new(0),
            forced: AtomicBool::new(false),
        }
    }

    /// The value, when one may be served. Tells the keeper what it must know.
    pub(super) fn look(&self, now: &Moment) -> Option<(Secret, Age)> {
        let (secret, age) = {
            let state = self.state.borrow();
            let held = state.held.as_ref()?;
            (held.secret.clone(), held.age(now))
        };
        if age == Age::Over {
            return None;
        }
        // Only the first read writes: readers on many cores share the line.
        if !self.wanted.load(Ordering::Relaxed) {
            self.wanted.store(true, Ordering::Relaxed);
        }
        if age != Age::Fresh {
            self.wake.notify_one();
        }
        Some((secret, age))
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) || self.watchers.load(Ordering::Relaxed) > 0
    }
}
