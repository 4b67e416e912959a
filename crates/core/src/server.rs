//! The server from the outside: sealed or not, it answers. Bare endpoints (health, seal status, unseal) are served in
//! every state; everything else goes through the pipeline of an unsealed core.

use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use strongroom_barrier::{Barrier, Config};
use strongroom_engine::{Builtin, Error, Result};
use strongroom_metrics::Report;
use strongroom_storage::Store;
use strongroom_types::{Clock, Rng, SecretString, Ttl};
use tokio::task::JoinHandle;

use crate::audit::{AuditDevice, AuditLog};
use crate::bare::metrics;
use crate::initial::{self, DevOptions, DevSecrets};
use crate::metrics::{Metrics, Refusal};
use crate::quota::{self, Admission};
use crate::rules::{Crossing, judge};
use crate::stage::admit::NotAdmitted;
use crate::wire::{Answer, ExtraHeaders, Handler, Method, Request};
use crate::{
    ClusterIdentity, Core, Derived, LockoutDefaults, Process, acl, bare, flat, flights, identity, keys, lockout, mount, pipeline,
    rules, snapshot, sys, task, token, version,
};

/// What the composition root puts together.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// Secrets engines and auth methods; the core adds its own.
    pub catalogue: Vec<Builtin>,
    pub audit: Vec<AuditDevice>,
    pub process: Arc<dyn Process>,
    pub settings: Settings,
}

/// What the configuration says. All values are settled; none is "unset".
#[derive(Clone, Debug)]
pub struct Settings {
    /// Lifetime of tokens that ask for none.
    pub default_lease_ttl: Ttl,
    /// Longest lifetime that any mount can give.
    pub max_lease_ttl: Ttl,
    /// Empty: made at initialisation.
    pub cluster_name: String,
    pub api_addr: String,
    /// The key-value version 2 mount that the flat contract serves, with trailing slash. Empty switches the contract off.
    pub flat_mount: String,
    /// As shown by seal-status, such as `embedded`.
    pub storage_type: String,
    /// Lockouts where a mount says nothing.
    pub lockout: LockoutDefaults,
    /// Opens a store that is older than its audit log: after a restore that an operator answers for.
    pub accepts_rollback: bool,
    /// Where audit devices that the API enables may have files. None: the API can enable none.
    pub audit_api_folder: Option<std::path::PathBuf>,
    /// What a thread for long computations (password hashes, RSA keys) does first: give way to the others. Default: nothing.
    pub on_slow_thread: fn(),
    pub telemetry: Telemetry,
}

/// What is told about the server, and how often it is counted.
#[derive(Clone, Copy, Debug)]
pub struct Telemetry {
    /// Whether the Prometheus form is served. Default: true.
    pub prometheus: bool,
    /// How often tokens are counted; None: never. Default: 10 minutes.
    pub usage_period: Option<Duration>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { prometheus: true, usage_period: Some(Duration::from_secs(600)) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let month = Ttl::from_s(768 * 3600);
        Self {
            default_lease_ttl: month,
            max_lease_ttl: month,
            cluster_name: String::new(),
            api_addr: String::new(),
            flat_mount: "secret/".into(),
            storage_type: "inmem".into(),
            lockout: LockoutDefaults::new(),
            accepts_rollback: false,
            on_slow_thread: || (),
            telemetry: Telemetry::default(),
            audit_api_folder: None,
        }
    }
}

/// The one server of a process.
pub struct Server {
    pub(crate) parts: Parts,
    pub(crate) barrier: Barrier,
    pub(crate) metrics: Arc<Metrics>,
    core: ArcSwapOption<Core>,
    tasks: std::sync::Mutex<Vec<JoinHandle<()>>>,
    /// One change between sealed and unsealed at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    own: Weak<Self>,
}

impl Server {
    /// Sealed; does no I/O.
    pub fn new(parts: Parts) -> Arc<Self> {
        let barrier = Barrier::new(parts.store.clone(), parts.rng.clone(), Config::default());
        let metrics = Arc::new(Metrics::new(parts.clock.now()));
        Arc::new_cyclic(|own| Self {
            metrics,
            parts,
            barrier,
            core: ArcSwapOption::empty(),
            tasks: std::sync::Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
            own: own.clone(),
        })
    }

    /// Puts somebody's figures on the metrics page, for as long as the server lives.
    pub fn add_metrics(&self, source: Arc<dyn Report>) {
        self.metrics.add_source(source);
    }

    /// The unsealed core; None while sealed.
    pub(crate) fn core(&self) -> Option<Arc<Core>> {
        self.core.load_full()
    }

    /// Initialises and unseals a throw-away server with one share.
    pub async fn dev_initialise(&self, options: DevOptions) -> Result<DevSecrets> {
        let wish = initial::Wish { shape: (1, 1), root_token: options.root_token, ..initial::Wish::default() };
        let made = self.initialise(wish).await?;
        let share = made.shares.hex.first().ok_or_else(|| Error::Internal("no share was made".into()))?;
        let unseal_key = SecretString::new(share.to_string());
        self.barrier.unseal_share(unseal_key.expose()).await?;
        self.open().await?;
        let core = self.core().ok_or(Error::Barrier(strongroom_barrier::Error::Sealed))?;
        task::enable_dev_mount(&core).await?;
        Ok(DevSecrets { unseal_key, root_token: made.root_token })
    }

    pub(crate) async fn initialise(&self, wish: initial::Wish) -> Result<initial::Initialised> {
        let name = &self.parts.settings.cluster_name;
        initial::initialise(&self.barrier, self.parts.rng.as_ref(), self.parts.clock.now(), wish, name).await
    }

    /// Makes the core of an unsealed barrier. What a crash left half done is finished before the first request.
    pub(crate) async fn open(&self) -> Result<()> {
        let _turn = self.turn.lock().await;
        if self.barrier.is_sealed() || self.core().is_some() {
            return Ok(());
        }
        match self.make_core().await {
            Ok(core) => {
                let tasks = task::start(&core);
                self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(tasks);
                self.core.store(Some(core));
                tracing::info!("unsealed");
                Ok(())
            }
            Err(e) => {
                // A server that cannot record must not stay open.
                self.barrier.seal();
                tracing::error!("unsealing failed: {e}");
                Err(e)
            }
        }
    }

    async fn make_core(&self) -> Result<Arc<Core>> {
        let view = self.barrier.view();
        let names =
            view.get(initial::IDENTITY_KEY).await?.ok_or_else(|| Error::Internal("the store has no cluster record".into()))?;
        let names: ClusterIdentity =
            serde_json::from_slice(names.value()).map_err(|_| Error::Internal("the cluster record is malformed".into()))?;
        let keys = token::TokenKey::new(self.barrier.derive(token::KEY_PURPOSE)?.expose());
        let audit = AuditLog::open(&self.parts, &self.barrier, &view, self.metrics.clone()).await?;
        let mut catalogue = vec![sys::SYSTEM, token::engine::TOKEN, identity::IDENTITY];
        catalogue.extend(self.parts.catalogue.iter().copied());
        let mounts = Arc::new(mount::Mounts::new(view.clone(), catalogue, self.metrics.clone()));
        let identities = Arc::new(identity::Identities::new(view.clone(), mounts.clone()));
        let policies = Arc::new(acl::Policies::new(view.clone(), identities.clone()));
        let core = Arc::new(Core {
            settings: self.parts.settings.clone(),
            server: self.own.clone(),
            metrics: self.metrics.clone(),
            clock: self.parts.clock.clone(),
            rng: self.parts.rng.clone(),
            barrier: self.barrier.clone(),
            audit,
            mounts,
            identities,
            tokens: Arc::new(token::Tokens::new(keys, self.barrier.clone(), view.clone())),
            policies,
            lockouts: lockout::Lockouts::new(self.barrier.derive(lockout::KEY_PURPOSE)?.expose()),
            leases: crate::lease::Leases::default(),
            quotas: quota::Quotas::new(view.clone()),
            pool: strongroom_engine::SlowPool::for_this_machine(self.parts.settings.on_slow_thread),
            rules: rules::Rules::new(view.clone()),
            flights: flights::Flights::default(),
            process: self.parts.process.clone(),
            keys: keys::Keys::default(),
            identity: names,
            seal_requested: std::sync::atomic::AtomicBool::new(false),
            view,
        });
        core.view.on_change(Arc::new(Derived(Arc::downgrade(&core))));
        token::finish_unfinished(&core).await?;
        initial::add_identity_mount(&core).await?;
        core.mounts.current().await?;
        core.rules.current().await?;
        version::note(&core).await?;
        core.quotas.count().await?;
        self.barrier.settle_restored().await?;
        Ok(core)
    }

    /// Seals: no request is answered from here on, keys and caches are wiped.
    pub(crate) async fn seal(&self) -> Result<()> {
        let _turn = self.turn.lock().await;
        self.close_core().await;
        self.barrier.seal();
        tracing::info!("sealed");
        Ok(())
    }

    /// The caller holds the turn. No request begins from here on; the audit log has its last checkpoint.
    pub(crate) async fn close_core(&self) {
        let core = self.core.swap(None);
        self.stop_tasks();
        if let Some(core) = core {
            core.keys.settle(&self.barrier, keys::Which::All).await;
            task::record_shed(&core).await;
            core.audit.close(self.parts.clock.now()).await;
        }
    }

    fn stop_tasks(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        tasks.iter().for_each(JoinHandle::abort);
    }

    /// Ends the server: the last checkpoint is made, the keys are wiped.
    pub async fn stop(&self) {
        if let Err(e) = self.seal().await {
            tracing::error!("stopping: {e}");
        }
    }

    /// Starts new audit files, as after a log rotation. While sealed there is nothing to do.
    pub async fn reopen_audit(&self) {
        if let Some(core) = self.core() {
            core.audit.rotate(self.parts.clock.now()).await;
        }
    }

    /// Rate limits count every request before all else; the page that sent it is told even so what it may see.
    async fn answer(self: Arc<Self>, request: Request) -> Answer {
        // What is rare and large is boxed here and below: each request pays for the size of its future.
        let Some(core) = self.core() else { return Box::pin(self.serve(request)).await };
        let limited = limited(&core, &request).await;
        let crossing = judge(&core, &request.headers, request.method).await;
        let (mut answer, extra) = match (limited, crossing) {
            (Admission::Refused(answer), crossing) => (answer, crossing.map(Crossing::into_extra).unwrap_or_default()),
            (Admission::Admitted(limit), Ok(Crossing::Served(extra))) => (self.serve(request).await, [extra, limit].concat()),
            (Admission::Admitted(limit), Ok(Crossing::Ended(reason, extra))) => {
                (Box::pin(pipeline::turn_away(&core, &request.headers.raw, reason)).await, [extra, limit].concat())
            }
            (Admission::Admitted(limit), Err(e)) => {
                (Box::pin(pipeline::turn_away(&core, &request.headers.raw, NotAdmitted::Error(e))).await, limit)
            }
        };
        answer.extra.extend(extra);
        answer
    }

    async fn serve(self: Arc<Self>, request: Request) -> Answer {
        if let Some(answer) = bare::answer(&self, &request).await {
            return answer;
        }
        match self.core() {
            Some(core) => {
                let mut answer = serve(&core, request).await;
                if let Some(checked) = answer.restore.take() {
                    drop(core);
                    return Box::pin(self.restore(*checked, answer)).await;
                }
                if core.seal_requested.load(std::sync::atomic::Ordering::Acquire) {
                    Box::pin(self.stop()).await;
                }
                answer
            }
            None => {
                // No audit key exists while sealed: the server log takes it, without anything that the client sent.
                tracing::info!(method = ?request.method, peer = ?request.peer.address, "request refused while sealed");
                self.metrics.refused(Refusal::Sealed);
                Answer { retry_after_s: Some(5), ..Answer::errors(503, &["Vault is sealed"]) }
            }
        }
    }
}

/// Errors are no way in.
async fn limited(core: &Core, request: &Request) -> Admission {
    match core.quotas.admit(core, request).await {
        Ok(admission) => {
            if matches!(admission, Admission::Refused(_)) {
                core.metrics.refused(Refusal::RateLimit);
            }
            admission
        }
        // Sealed at this very moment: the usual refusal tells it.
        Err(Error::Barrier(strongroom_barrier::Error::Sealed)) => Admission::Admitted(Vec::new()),
        Err(e) => {
            tracing::error!("rate limits could not be read: {e}");
            let text = "rate limits could not be read";
            Admission::Refused(Answer { retry_after_s: Some(1), ..Answer::errors(503, &[text]) })
        }
    }
}

/// The flat contract's requests become ordinary ones first.
async fn serve(core: &Arc<Core>, request: Request) -> Answer {
    if !flat::is_flat(&request) {
        return pipeline::handle(core, request).await;
    }
    match Box::pin(flat::handle(core, request)).await {
        Ok(answer) => answer,
        Err(request) => Box::pin(pipeline::handle(core, request)).await,
    }
}

impl Handler for Server {
    /// The caller runs this to its end, also when its client has hung up: half a change is none.
    async fn handle(&self, request: Request) -> Answer {
        match self.own.upgrade() {
            // Boxed here, where it is made: what wraps this future moves a pointer and not kilobytes.
            Some(own) => Box::pin(own.answer(request)).await,
            None => Answer::errors(503, &["server is stopping"]),
        }
    }

    fn takes_upload(&self, method: Method, path: &str) -> bool {
        snapshot::takes_upload(method, path)
    }

    /// While sealed the stored ones can't be read: only the built-in ones are sent.
    async fn page_headers(&self) -> ExtraHeaders {
        match self.core() {
            Some(core) => {
                if let Err(e) = core.view.catch_up().await {
                    tracing::warn!("page headers may be old: {e}");
                }
                core.rules.known().await.page.extra()
            }
            None => rules::PageHeaders::default().extra(),
        }
    }

    async fn metrics(&self) -> Answer {
        metrics::answer(self, "format=prometheus").await
    }
}
