//! A bench to run an engine on, for tests: routes, inputs and transactions as in the server, without its pipeline.

use std::sync::Arc;

use strongroom_barrier::{Barrier, Intent, View};
use strongroom_types::{Rng, Timestamp, Ttl};

use super::CountingRng;
use crate::{
    Caller, Ctx, Engine, Error, FieldSet, JsonLimits, Lifetimes, MountFacts, Operation, Options, Output, Peek, Result, Route,
    TokenTerms, Verb,
};

/// Runs an engine's routes without the pipeline: nobody is judged, nothing is recorded. Each request is one transaction.
pub struct Bench {
    pub engine: Arc<dyn Engine>,
    pub view: View,
    pub mount: Arc<MountFacts>,
    pub caller: Option<Arc<Caller>>,
    pub now: Timestamp,
    pub lifetimes: Lifetimes,
    /// Address of the client.
    pub remote: Option<std::net::IpAddr>,
    pub rng: Arc<dyn Rng>,
}

impl Bench {
    /// A mount at `test/`, not enabled yet.
    pub fn new(engine: Arc<dyn Engine>, view: View, rng: Arc<dyn Rng>) -> Self {
        let mount = MountFacts {
            path: "test/".into(),
            engine: "test",
            accessor: "test_1".into(),
            storage_id: "1".into(),
            options: Options::new(),
            default_ttl: Ttl::ZERO,
            max_ttl: Ttl::ZERO,
            token_type: crate::TokenType::DefaultService,
        };
        let month = Ttl::from_s(768 * 3600);
        Self {
            engine,
            view,
            mount: Arc::new(mount),
            caller: None,
            now: Timestamp::from_s(1_800_000_000),
            lifetimes: Lifetimes { default_ttl: month, max_ttl: month },
            remote: None,
            rng,
        }
    }

    /// A mount over a fresh barrier, which `make` makes: it is initialised and unsealed here. Errors: the store's.
    pub async fn open(engine: Arc<dyn Engine>, make: impl FnOnce(Arc<dyn Rng>) -> Barrier) -> Result<Self> {
        let rng: Arc<dyn Rng> = Arc::new(CountingRng::default());
        let barrier = make(Arc::clone(&rng));
        let made = barrier.initialise(1, 1, Timestamp::from_s(1), |_| Ok(())).await?;
        let share = made.shares.first().ok_or_else(|| Error::Internal("no share was made".into()))?;
        let hex: String = share.expose().iter().map(|b| format!("{b:02x}")).collect();
        barrier.unseal_share(&hex).await?;
        Ok(Self::new(engine, barrier.view(), rng))
    }

    pub async fn enable(&self) -> Result<()> {
        let mut ctx = self.ctx(Operation::Update, "");
        self.engine.enable(&mut ctx).await?;
        ctx.txn.commit().await?;
        Ok(())
    }

    /// One piece of background work.
    pub async fn tend(&self) -> Result<bool> {
        let mut ctx = self.ctx(Operation::Update, "");
        let more = self.engine.tend(&mut ctx).await?;
        ctx.txn.commit().await?;
        Ok(more)
    }

    /// The terms of a login that is renewed.
    pub async fn renew(&self, renewal: &serde_json::Value) -> Result<Option<TokenTerms>> {
        self.engine.renew_login(&mut self.ctx(Operation::Update, ""), renewal).await
    }

    /// One request: path below the mount with an optional query, and a JSON body (may be empty).
    pub async fn ask(&self, verb: Verb, target: &str, body: &str) -> Result<Output> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let routes = self.engine.routes();
        let (index, parameters) = Route::find(&routes, Some(verb), path).map_err(|e| match e {
            Error::UnsupportedPath => self.engine.unrouted(verb),
            other => other,
        })?;
        let mut fields = match query {
            "" => FieldSet::from_json(bytes::Bytes::copy_from_slice(body.as_bytes()), JsonLimits::default())?,
            query => FieldSet::from_query(query),
        };
        fields.set_path(parameters);
        let Some(route) = routes.get(index) else { return Err(Error::UnsupportedPath) };
        let peek = Peek::committed(self.view.clone(), Arc::clone(&self.mount));
        let mut ctx = self.ctx(route.operation(&peek, path).await?, path);
        let output = route.run(&mut ctx, &fields).await?;
        ctx.txn.commit().await?;
        Ok(output)
    }

    /// Ends a lease as the core would.
    pub async fn revoke_lease(&self, lease: &crate::Lease) -> Result<()> {
        let mut ctx = self.ctx(Operation::Update, "");
        self.engine.revoke_lease(&mut ctx, lease).await?;
        ctx.txn.commit().await?;
        Ok(())
    }

    fn ctx(&self, operation: Operation, path: &str) -> Ctx {
        Ctx {
            txn: self.view.txn(Intent::Write),
            mount: Arc::clone(&self.mount),
            operation,
            path: path.to_owned(),
            caller: self.caller.clone(),
            now: self.now,
            lifetimes: self.lifetimes,
            rng: Arc::clone(&self.rng),
            remote: self.remote,
            pool: crate::SlowPool::new(1, || ()),
            has_sudo: false,
            system: None,
        }
    }
}
