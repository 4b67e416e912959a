//! The task that owns a key: it alone fetches, so there is one flight whatever the number of readers. Must never fetch what
//! nobody wants, nor keep a value beyond its bound.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::Inner;
use super::breaker::later;
use super::entry::{Age, Entry, Failure, Held, State};
use super::error::CacheError;
use super::events::CacheEvent;
use crate::backend::{BackendError, FailureKind, Fetched};
use crate::jitter;

/// The steady clock stops while a machine sleeps: nobody may trust a longer timer.
const SLEEP_MAX: Duration = Duration::from_secs(60);

enum Plan {
    Fetch,
    Sleep(Duration),
    /// Until somebody wants something.
    Rest,
    Leave,
}

pub(super) async fn keep(cache: Weak<Inner>, entry: Arc<Entry>) {
    let _leaving = Leaving { cache: cache.clone(), entry: entry.clone() };
    let mut own = Own { last: None, failures: 0 };
    loop {
        let Some(strong) = cache.upgrade() else { return };
        let wait = match plan(&strong, &entry, &own) {
            Plan::Leave if strong.forget(&entry) => return,
            Plan::Leave => continue,
            Plan::Fetch => {
                strong.fetch(&entry, &mut own).await;
                continue;
            }
            Plan::Sleep(wait) => wait.min(SLEEP_MAX),
            Plan::Rest => SLEEP_MAX,
        };
        drop(strong);
        tokio::select! {
            () = sleep(wait) => {}
            () = entry.wake.notified() => {}
        }
    }
}

/// What a keeper remembers between fetches.
pub(super) struct Own {
    last: Option<Instant>,
    failures: u32,
}

fn plan(cache: &Inner, entry: &Entry, own: &Own) -> Plan {
    let now = cache.now();
    if cache.wipe_if_over(entry, &now) {
        cache.event(CacheEvent::Cleared);
    }
    let state = entry.state.borrow();
    if entry.forced.load(Ordering::Acquire) {
        let spacing = cache.config.backoff_min;
        let wait = own.last.map_or(Duration::ZERO, |last| later(last, spacing).saturating_duration_since(now.steady));
        return if wait.is_zero() { Plan::Fetch } else { Plan::Sleep(wait) };
    }
    let wanted = entry.is_wanted();
    match (&state.held, &state.failure) {
        // A value that is still served is worth a retry, wanted or not.
        (held, Some(failure)) if wanted || held.is_some() => {
            let wait = failure.retry_at.saturating_duration_since(now.steady);
            let wait = held.as_ref().map_or(wait, |held| wait.min(held.until_over(&now)));
            if wait.is_zero() { Plan::Fetch } else { Plan::Sleep(wait) }
        }
        (None, Some(failure)) if failure.retry_at > now.steady => {
            Plan::Sleep(failure.retry_at.saturating_duration_since(now.steady))
        }
        (None, None) if wanted => Plan::Fetch,
        (Some(held), None) if held.age(&now) == Age::Fresh => Plan::Sleep(held.until_refresh(&now)),
        (Some(_), None) if wanted => Plan::Fetch,
        (Some(held), None) if held.until_over(&now) < SLEEP_MAX => Plan::Sleep(held.until_over(&now)),
        (Some(_), None) => Plan::Rest,
        (_, Some(_)) | (None, None) => Plan::Leave,
    }
}

impl Inner {
    async fn fetch(self: &Arc<Self>, entry: &Arc<Entry>, own: &mut Own) {
        let Ok(_permit) = self.flights.acquire().await else { return };
        entry.wanted.store(false, Ordering::Relaxed);
        entry.forced.store(false, Ordering::Release);
        let number = entry.started.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        own.last = Some(Instant::now());
        let config = &self.config;
        let admitted = self.with_breaker(|breaker| breaker.admit(Instant::now()));
        if let Err(until) = admitted {
            let spread = jitter::between(Duration::ZERO, config.backoff_max);
            let failure = Failure { error: CacheError::BreakerOpen, retry_at: later(until, spread) };
            entry.state.send_modify(|state| {
                *state = State { held: state.held.take(), failure: Some(failure), answered: number, gone: false }
            });
            return;
        }
        // SECURITY: the life of a value begins before it is asked for, not when the answer is there.
        let (asked, epoch) = (self.now(), self.epoch.load(Ordering::Acquire));
        let outcome = self.ask(entry).await;
        let took = Instant::now().saturating_duration_since(asked.steady);
        let answered = !matches!(&outcome, Err(error) if error.kind() == FailureKind::Unavailable);
        self.with_breaker(|breaker| breaker.record(Instant::now(), answered));
        // An answer that crossed with a clearing was given to a token that is dead now.
        let outcome = if self.epoch.load(Ordering::Acquire) == epoch { outcome } else { Err(crossed()) };
        match outcome {
            Ok(fetched) => {
                own.failures = 0;
                let changed = self.keep_value(entry, Held::new(fetched, asked, config), number);
                self.event(CacheEvent::Fetched { took, changed });
            }
            Err(error) => {
                own.failures = own.failures.saturating_add(1);
                self.event(CacheEvent::FetchFailed { took, kind: error.kind() });
                let retry_at = later(Instant::now(), jitter::backoff(config.backoff_min, config.backoff_max, own.failures));
                self.keep_failure(entry, error, retry_at, number);
            }
        }
    }

    /// In a task of its own: a backend that panics fails this fetch only.
    async fn ask(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<Fetched, BackendError> {
        let (backend, key, mut tasks) = (self.backend.clone(), entry.key.clone(), JoinSet::new());
        tasks.spawn(async move { backend.fetch(&key).await });
        match timeout(self.config.fetch_timeout, tasks.join_next()).await {
            Ok(Some(Ok(outcome))) => outcome,
            Ok(_) => Err(BackendError::new(FailureKind::Invalid, "the backend panicked")),
            Err(_) => Err(BackendError::new(FailureKind::Unavailable, "the backend took too long")),
        }
    }

    /// True when the value is another one than before.
    fn keep_value(&self, entry: &Entry, mut held: Held, answered: u64) -> bool {
        let mut changed = true;
        entry.state.send_modify(|state| {
            if let Some(before) = state.held.take().filter(|before| before.secret.is_same(&held.secret)) {
                held.secret = before.secret;
                changed = false;
            }
            *state = State { held: Some(held), failure: None, answered, gone: false };
        });
        changed
    }

    fn keep_failure(&self, entry: &Entry, error: BackendError, retry_at: Instant, answered: u64) {
        let (kind, failure) = (error.kind(), Failure { error: CacheError::Backend(error), retry_at });
        if kind == FailureKind::Unauthenticated {
            self.clear_all(&failure);
        }
        let stays = kind == FailureKind::Unavailable;
        let mut cleared = false;
        entry.state.send_modify(|state| {
            let held = state.held.take();
            cleared = held.is_some() && !stays;
            *state = State { held: held.filter(|_| stays), failure: Some(failure), answered, gone: false };
        });
        if cleared {
            self.event(CacheEvent::Cleared);
        }
    }

    fn wipe_if_over(&self, entry: &Entry, now: &super::entry::Moment) -> bool {
        entry.state.send_if_modified(|state| {
            let over = state.held.as_ref().is_some_and(|held| held.age(now) == Age::Over);
            if over {
                state.held = None;
            }
            over
        })
    }
}

fn crossed() -> BackendError {
    BackendError::new(FailureKind::Unavailable, "the answer came while everything was cleared")
}

/// Whatever ends a keeper (the runtime's end too), its key must be found again by a new one.
struct Leaving {
    cache: Weak<Inner>,
    entry: Arc<Entry>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(cache) = self.cache.upgrade() {
            cache.remove(&self.entry);
        }
        self.entry.state.send_modify(|state| *state = State { gone: true, ..State::default() });
    }
}
