//! Rate limits: stage zero. A request is counted by its path and its client's address before its body is looked at, so that
//! neither its format nor whether it is well-formed changes what it costs (CVE-2026-115359 of security.md A). Only a login on a
//! mount with a limit by role is read for its role first. Without a rule a request costs one comparison. Each node counts for itself.

mod limiter;
mod login;
mod rule;
mod shed;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use strongroom_barrier::View;
use strongroom_engine::{Error, Result};
use strongroom_metrics::{Counter, Page};
use strongroom_types::CanonicalPath;

pub use rule::{Config, Rule, Rules, config_key, place_key, rule_key, rules_area};
pub use shed::{Refused, Source};

use crate::Core;
use crate::wire::{Answer, ExtraHeaders, Request};
use limiter::{Limiter, Verdict, source_of};
use rule::Live;
use shed::Shed;

/// Most rules of a server.
pub const RULES_MAX: usize = 4_096;
/// Rules with a figure of their own on the metrics page.
const TOLD_MAX: usize = 100;
const NS_PER_S: u64 = 1_000_000_000;

/// The rules as of some change.
struct Loaded {
    epoch: u64,
    rules: Rules,
}

pub struct Quotas {
    view: View,
    loaded: ArcSwap<Loaded>,
    epoch: AtomicU64,
    loading: tokio::sync::Mutex<()>,
    /// Made with the first rule.
    limiter: OnceLock<Limiter>,
    shed: Shed,
    /// By name of the rule, so that a reload forgets no count.
    violations: Mutex<BTreeMap<String, Arc<Counter>>>,
}

/// What becomes of a request.
pub enum Admission {
    /// It goes on; its answer gets these headers.
    Admitted(ExtraHeaders),
    Refused(Answer),
}

impl Quotas {
    pub fn new(view: View) -> Self {
        Self {
            view,
            loaded: ArcSwap::from_pointee(Loaded { epoch: 0, rules: Rules::default() }),
            epoch: AtomicU64::new(1),
            loading: tokio::sync::Mutex::new(()),
            limiter: OnceLock::new(),
            shed: Shed::default(),
            violations: Mutex::default(),
        }
    }

    /// Some rule or setting changed. Called in commit order, before the change is acknowledged.
    pub fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts a request. Errors: the rules could not be read; nobody is let in then.
    pub async fn admit(&self, core: &Core, request: &Request) -> Result<Admission> {
        let loaded = self.current().await?;
        if loaded.rules.is_empty() {
            return Ok(Admission::Admitted(Vec::new()));
        }
        // What is no path at all falls under the rule for everything.
        let path = CanonicalPath::parse(&request.path).ok();
        let path = path.as_ref().map_or("", CanonicalPath::as_str);
        let asked = match loaded.rules.counts_roles(path) {
            true => Box::pin(login::asked(core, path, request)).await?,
            false => None,
        };
        let Some(rule) = loaded.rules.of(path, asked.as_ref()) else { return Ok(Admission::Admitted(Vec::new())) };
        let address = request.peer.address.map(|a| a.ip());
        let verdict = self.limiter.get_or_init(Limiter::new).count(rule.id, rule.pace, address, core.clock.now().ns());
        let told = if loaded.rules.config.has_headers { headers(rule, verdict) } else { Vec::new() };
        if verdict.is_admitted {
            return Ok(Admission::Admitted(told));
        }
        self.note(rule, address);
        Ok(Admission::Refused(refusal(path, verdict, told)))
    }

    fn note(&self, rule: &Live, address: Option<IpAddr>) {
        rule.violations.one();
        let source = address.map_or(Source::Socket, |a| Source::Address(source_of(a)));
        self.shed.add(source, Refused { count: 1, rule: rule.name.clone() });
    }

    /// What was refused since the last call.
    pub fn take_shed(&self) -> impl Iterator<Item = (Source, Refused)> {
        self.shed.take().into_iter()
    }

    /// Gives back what could not be recorded.
    pub fn put_back(&self, source: Source, refused: Refused) {
        self.shed.add(source, refused);
    }

    /// How many rules there are.
    pub async fn count(&self) -> Result<usize> {
        Ok(self.current().await?.rules.len())
    }

    pub fn report(&self, page: &mut Page) {
        let violations = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, n) in violations.iter().take(TOLD_MAX) {
            page.counter("vault.quota.rate_limit.violation", "Requests over a rate limit.", &[("name", name)], n.value());
        }
    }

    async fn current(&self) -> Result<arc_swap::Guard<Arc<Loaded>>> {
        let loaded = self.loaded.load();
        if loaded.epoch == self.epoch.load(Ordering::Acquire) {
            return Ok(loaded);
        }
        let _one_at_a_time = self.loading.lock().await;
        let epoch = self.epoch.load(Ordering::Acquire);
        if self.loaded.load().epoch != epoch {
            let rules = self.load().await?;
            self.loaded.store(Arc::new(Loaded { epoch, rules }));
        }
        Ok(self.loaded.load())
    }

    async fn load(&self) -> Result<Rules> {
        let config = match self.view.get(config_key().as_bytes()).await? {
            Some(found) => serde_json::from_slice(found.value()).map_err(|_| damaged("the settings of rate limits"))?,
            None => Config::default(),
        };
        let mut rules = Rules::new(config);
        let mut names = Vec::new();
        let area = rules_area();
        let mut after: Option<bytes::Bytes> = None;
        loop {
            let page = self.view.scan(area.as_bytes(), after.as_deref(), 500).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, found) in page {
                let rule = found.ok().and_then(|f| serde_json::from_slice::<Rule>(f.value()).ok());
                let Some(rule) = rule else {
                    // One damaged rule must not lock everybody out.
                    tracing::error!(key = %key.escape_ascii(), "a rate limit is not applied: its record is damaged");
                    continue;
                };
                rules.add(&rule, self.violations_of(&rule.name));
                names.push(rule.name);
            }
        }
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| names.contains(name));
        Ok(rules)
    }

    fn violations_of(&self, name: &str) -> Arc<Counter> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default().clone()
    }
}

fn damaged(what: &str) -> Error {
    Error::Internal(format!("{what} are malformed"))
}

fn headers(rule: &Live, verdict: Verdict) -> ExtraHeaders {
    let reset_s = verdict.reset_ns.div_ceil(NS_PER_S);
    let named = [("X-Ratelimit-Limit", rule.limit), ("X-Ratelimit-Remaining", verdict.remaining), ("X-Ratelimit-Reset", reset_s)];
    named.map(|(name, n)| (name.into(), n.to_string())).to_vec()
}

fn refusal(path: &str, verdict: Verdict, told: ExtraHeaders) -> Answer {
    let text = match path {
        "" => "rate limit quota exceeded".to_owned(),
        path => format!("request path {path:?}: rate limit quota exceeded"),
    };
    let retry_s = verdict.retry_ns.div_ceil(NS_PER_S).max(1);
    let retry_after_s = Some(u32::try_from(retry_s).unwrap_or(u32::MAX));
    Answer { retry_after_s, extra: told, ..Answer::errors(429, &[&text]) }
}
