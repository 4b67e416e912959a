//! What the pipeline counts, and the page of all figures of this server. Lives as long as the server, sealed or not. A
//! request pays for two histograms' additions and no reading of a clock (docs/operate/metrics.md has the names).

mod mount;
mod page;
mod refusal;
mod usage;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_engine::{Error, Operation, Verb};
use strongroom_metrics::{Counter, Report, Sampled};
use strongroom_types::Timestamp;

pub use mount::MountFigures;
pub use page::Format;
pub use refusal::Refusal;
pub use usage::Usage;

use crate::mount::MountEntry;
use crate::stage::Known;
use crate::stage::bind::Bound;
use mount::EngineFigures;

/// All that is counted above the barrier.
pub struct Metrics {
    started: Timestamp,
    by_engine: Mutex<BTreeMap<&'static str, Arc<EngineFigures>>>,
    /// By accessor: a mount that moves begins anew.
    by_mount: Mutex<BTreeMap<String, Arc<MountFigures>>>,
    /// Requests that no mount serves.
    unplaced: EngineFigures,
    refusals: [Counter; Refusal::COUNT],
    pub audit_requests: Sampled,
    pub audit_responses: Sampled,
    pub audit_request_failures: Counter,
    pub audit_response_failures: Counter,
    sources: Mutex<Vec<Arc<dyn Report>>>,
    usage: Mutex<Option<Usage>>,
}

impl Metrics {
    pub fn new(started: Timestamp) -> Self {
        Self {
            started,
            by_engine: Mutex::default(),
            by_mount: Mutex::default(),
            unplaced: EngineFigures::default(),
            refusals: std::array::from_fn(|_| Counter::default()),
            audit_requests: Sampled::default(),
            audit_responses: Sampled::default(),
            audit_request_failures: Counter::default(),
            audit_response_failures: Counter::default(),
            sources: Mutex::default(),
            usage: Mutex::default(),
        }
    }

    /// Adds somebody whose figures belong on the page.
    pub fn add_source(&self, source: Arc<dyn Report>) {
        lock(&self.sources).push(source);
    }

    /// The figures that a mount's requests are counted in; the same ones as before for a mount that is known.
    pub fn of_mount(&self, entry: &MountEntry, engine: &'static str) -> Arc<MountFigures> {
        let of_engine = lock(&self.by_engine).entry(engine).or_default().clone();
        let mut mounts = lock(&self.by_mount);
        match mounts.get(&entry.accessor).filter(|known| known.path == entry.path) {
            Some(known) => known.clone(),
            None => {
                let fresh = Arc::new(MountFigures::new(entry.path.clone(), engine, of_engine));
                mounts.insert(entry.accessor.clone(), fresh.clone());
                fresh
            }
        }
    }

    /// Forgets mounts that are gone.
    pub fn keep_mounts(&self, is_there: impl Fn(&str) -> bool) {
        lock(&self.by_mount).retain(|accessor, _| is_there(accessor));
    }

    /// One request has passed the pipeline, with this outcome, at this time.
    pub fn answered(&self, known: &Known, result: Result<&Bound, &Error>, now: Timestamp) {
        let Some(admitted) = &known.admitted else { return };
        let operation = match (&known.decision, admitted.verb) {
            (Some(decision), _) => decision.operation,
            (None, verb) => usual_operation(verb),
        };
        let took_ns = now.ns().saturating_sub(admitted.received.ns());
        match &known.mount {
            Some(mount) => mount.figures.served(operation, took_ns),
            None => self.unplaced.served(operation, took_ns),
        }
        match result {
            Ok(bound) => note_token(known, bound),
            Err(error) => self.refused(Refusal::of(error)),
        }
    }

    pub fn refused(&self, why: Refusal) {
        self.refused_n(why, 1);
    }

    pub fn refused_n(&self, why: Refusal, n: u64) {
        if let Some(counter) = self.refusals.get(why as usize) {
            counter.add(n);
        }
    }

    pub fn set_usage(&self, usage: Usage) {
        *lock(&self.usage) = Some(usage);
    }
}

/// A token that came into being, and was not merely shown.
fn note_token(known: &Known, bound: &Bound) {
    let Some((auth, mount)) = bound.auth.as_ref().zip(known.mount.as_ref()) else { return };
    if auth.batch || bound.issued.as_deref() == Some(auth.accessor.as_str()) {
        mount.figures.issued(auth.batch, auth.lease_duration);
    }
}

/// Before judgement nobody knows whether a write is a create.
fn usual_operation(verb: Option<Verb>) -> Operation {
    match verb {
        Some(Verb::Write) => Operation::Update,
        Some(Verb::Patch) => Operation::Patch,
        Some(Verb::Delete) => Operation::Delete,
        Some(Verb::List) => Operation::List,
        Some(Verb::Scan) => Operation::Scan,
        Some(Verb::Read) | None => Operation::Read,
    }
}

/// Counts behind our locks are whole after every step, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
