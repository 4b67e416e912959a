//! What a plug-in registers: one line of the catalogue in the composition root.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_types::BoxFuture;

use crate::{Ctx, Error, Lease, RenewedLease, Result, Route, TokenTerms};

/// A mount's options, such as `version` of a key-value mount.
pub type Options = BTreeMap<String, String>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EngineKind {
    Secrets,
    Auth,
}

/// One entry of the catalogue.
#[derive(Clone, Copy)]
pub struct Builtin {
    /// The type name in `sys/mounts`.
    pub name: &'static str,
    pub kind: EngineKind,
    /// Makes the engine for a mount with these options. Errors: `Invalid` naming the option.
    pub make: fn(&Options) -> Result<Arc<dyn Engine>>,
    /// Page under `docs/plugins/`.
    pub docs: &'static str,
}

/// An instance of an engine. It holds no state that matters: that is in the store.
pub trait Engine: Send + Sync + 'static {
    fn routes(&self) -> Vec<Route>;

    /// Writes what a new mount starts with, in the transaction that enables it.
    fn enable<'a>(&'a self, _ctx: &'a mut Ctx) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Auth methods: the terms that hold now for a login that is renewed, from what `Login::renewal` kept. None when it is
    /// not renewed, because its role or user is gone.
    fn renew_login<'a>(
        &'a self,
        _ctx: &'a mut Ctx,
        _renewal: &'a serde_json::Value,
    ) -> BoxFuture<'a, Result<Option<TokenTerms>>> {
        Box::pin(async { Err(Error::UnsupportedOperation) })
    }

    /// Secrets engines: extends what a lease stands for. Errors: `UnsupportedOperation` when it can't be.
    fn renew_lease<'a>(&'a self, _ctx: &'a mut Ctx, _lease: &'a Lease) -> BoxFuture<'a, Result<RenewedLease>> {
        Box::pin(async { Err(Error::UnsupportedOperation) })
    }

    /// Secrets engines: ends what a lease stands for. May run more than once: what is gone already is no error. An error
    /// keeps the lease, and it is tried again later.
    fn revoke_lease<'a>(&'a self, _ctx: &'a mut Ctx, _lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// One bounded piece of background work in a transaction of its own, which the core commits: what is left for later when
    /// a request's own transaction cannot hold it, or what time brings. True when more waits now. Called every few seconds,
    /// on any node; what a crash or a lost race undoes is done again.
    fn tend<'a>(&'a self, _ctx: &'a mut Ctx) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async { Ok(false) })
    }

    /// Judges a change of options from `from` to `to`; the answer is a warning for the caller.
    /// Errors: `Invalid` when this engine cannot make that change.
    fn retune(&self, from: &Options, to: &Options) -> Result<Option<String>> {
        if from == to { Ok(None) } else { Err(Error::invalid("this engine's options cannot be changed")) }
    }

    /// What a request gets whose path no route serves.
    fn unrouted(&self, _verb: crate::Verb) -> Error {
        Error::UnsupportedPath
    }
}
