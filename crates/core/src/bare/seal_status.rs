//! `sys/seal-status` and `sys/unseal`: how far an unsealing has come, and the next share.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_barrier::State;
use strongroom_engine::{Error, Field, FieldSet, Flag, Input, JsonLimits, Result, Text, field};

use super::{COMPATIBLE_VERSION, STRONGROOM_VERSION, failure, json};
use crate::Server;
use crate::wire::{Answer, Request};

pub async fn answer(server: &Arc<Server>) -> Answer {
    match status(server).await {
        Ok(status) => json(200, &status),
        Err(e) => failure(&e),
    }
}

async fn status(server: &Arc<Server>) -> Result<Value> {
    let state = server.barrier.state().await?;
    let (config, given, nonce) = match &state {
        State::Uninitialised => (None, 0, ""),
        State::Sealed { config, progress } => (Some(config), progress.given, progress.nonce.as_str()),
        State::Unsealed { config } => (Some(config), 0, ""),
    };
    let core = server.core();
    let mut shown = json!({
        "type": config.map_or("shamir", |c| c.kind.as_str()),
        "initialized": config.is_some(),
        "sealed": core.is_none(),
        "t": config.map_or(0, |c| c.threshold),
        "n": config.map_or(0, |c| c.shares),
        "progress": given,
        "nonce": nonce,
        "version": COMPATIBLE_VERSION,
        "strongroom_version": STRONGROOM_VERSION,
        "build_date": "2026-11-24T00:00:00Z",
        "commit_date": "2026-11-24T00:00:00Z",
        "migration": false,
        "recovery_seal": false,
        "storage_type": server.parts.settings.storage_type,
    });
    if let (Some(core), Some(shown)) = (core, shown.as_object_mut()) {
        shown.insert("cluster_name".into(), json!(core.identity.cluster_name));
        shown.insert("cluster_id".into(), json!(core.identity.cluster_id));
    }
    Ok(shown)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Unseal {
    key: Text,
    reset: Flag,
    migrate: Flag,
}

impl Input for Unseal {
    const FIELDS: &'static [Field] = &[
        field::<Text>("key", "One share, in hex or base64."),
        field::<Flag>("reset", "Forgets the shares given so far."),
        field::<Flag>("migrate", "Not supported: must be false."),
    ];
}

pub async fn unseal(server: &Arc<Server>, request: &Request) -> Answer {
    match offer(server, request).await {
        Ok(()) => answer(server).await,
        // Who holds enough shares may know why the server stays shut.
        Err(Error::Internal(reason)) => Answer::errors(500, &[&reason]),
        Err(e) => failure(&e),
    }
}

async fn offer(server: &Arc<Server>, request: &Request) -> Result<()> {
    let (input, _) = FieldSet::from_json(request.body.clone(), JsonLimits::default())?.parse::<Unseal>()?;
    let key = zeroize::Zeroizing::new(input.key.0);
    if input.migrate.0 {
        return Err(Error::invalid("migrate is not supported: there is one kind of seal"));
    }
    if input.reset.0 {
        if !server.barrier.is_sealed() {
            return Err(Error::invalid("vault is unsealed"));
        }
        server.barrier.reset_unsealing();
        return Ok(());
    }
    if key.is_empty() {
        return Err(Error::invalid("'key' must be specified in request body as JSON, or 'reset' set to true"));
    }
    use strongroom_barrier::Error as Refusal;
    server.barrier.unseal_share(&key).await.map_err(|e| match e {
        Refusal::InvalidShare(_) | Refusal::InvalidShares(_) | Refusal::InvalidKey => Error::invalid(e.to_string()),
        Refusal::NotInitialised => Error::invalid("Vault is not initialized"),
        other => other.into(),
    })?;
    server.open().await
}
