//! `sys/init`: makes the keys of a new store. The only time the shares and the root token are seen.

use std::sync::Arc;

use base64::Engine as _;
use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{Error, Field, FieldSet, Input, JsonLimits, List, Number, Present, Result, field};

use super::{failure, json};
use crate::Server;
use crate::wire::{Answer, Request};

pub async fn read(server: &Arc<Server>) -> Answer {
    match server.barrier.is_initialised().await {
        Ok(initialised) => json(200, &json!({ "initialized": initialised })),
        Err(e) => failure(&e.into()),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Init {
    secret_shares: Number,
    secret_threshold: Number,
    pgp_keys: Present<List>,
    root_token_pgp_key: Present<strongroom_engine::Text>,
    stored_shares: Present<Number>,
    recovery_shares: Present<Number>,
    recovery_threshold: Present<Number>,
}

impl Input for Init {
    const FIELDS: &'static [Field] = &[
        field::<Number>("secret_shares", "Shares that the unseal key is split into, 1 to 255."),
        field::<Number>("secret_threshold", "Shares that unseal together."),
        field::<List>("pgp_keys", "Not supported: must be empty."),
        field::<strongroom_engine::Text>("root_token_pgp_key", "Not supported: must be empty."),
        field::<Number>("stored_shares", "Accepted: only seals with stored keys use it."),
        field::<Number>("recovery_shares", "Accepted: only seals with recovery keys use it."),
        field::<Number>("recovery_threshold", "Accepted: only seals with recovery keys use it."),
    ];
}

pub async fn write(server: &Arc<Server>, request: &Request) -> Answer {
    match initialise(server, request).await {
        Ok(answer) => answer,
        Err(e) => failure(&e),
    }
}

async fn initialise(server: &Arc<Server>, request: &Request) -> Result<Answer> {
    if server.barrier.is_initialised().await? {
        return Err(Error::invalid("Vault is already initialized"));
    }
    let (input, _) = FieldSet::from_json(request.body.clone(), JsonLimits::default())?.parse::<Init>()?;
    let is_given = |list: &Present<List>| matches!(list, Present::Is(l) if !l.0.is_empty());
    if is_given(&input.pgp_keys) || matches!(&input.root_token_pgp_key, Present::Is(t) if !t.0.is_empty()) {
        return Err(Error::invalid("pgp_keys and root_token_pgp_key are not supported"));
    }
    let count = |n: Number, name: &str| u8::try_from(n.0).map_err(|_| Error::invalid(format!("{name} must be 1 to 255")));
    let shape = (count(input.secret_shares, "secret_shares")?, count(input.secret_threshold, "secret_threshold")?);
    let made = server.initialise(shape, None).await.map_err(|e| match e {
        Error::Barrier(strongroom_barrier::Error::InvalidShape(text)) => Error::invalid(text),
        Error::Barrier(strongroom_barrier::Error::AlreadyInitialised) => Error::invalid("Vault is already initialized"),
        other => other,
    })?;
    let shares = &made.output.shares;
    let in_hex: Vec<String> = shares.iter().map(|s| hex::encode(s.expose())).collect();
    let in_base64: Vec<String> = shares.iter().map(|s| base64::engine::general_purpose::STANDARD.encode(s.expose())).collect();
    tracing::info!(shares = shape.0, threshold = shape.1, "initialised");
    Ok(json(200, &json!({ "keys": in_hex, "keys_base64": in_base64, "root_token": made.root_token.expose() })))
}
