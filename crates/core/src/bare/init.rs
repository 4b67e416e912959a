//! `sys/init`: makes the keys of a new store. The only time the shares and the root token are seen.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{Error, Field, FieldSet, Input, JsonLimits, List, Number, Present, Result, Text, field};
use strongroom_types::Timestamp;

use super::{failure, json};
use crate::Server;
use crate::initial::Wish;
use crate::sys::keys::{recipients, seal_config};
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
    root_token_pgp_key: Present<Text>,
    stored_shares: Present<Number>,
    recovery_shares: Present<Number>,
    recovery_threshold: Present<Number>,
}

impl Input for Init {
    const FIELDS: &'static [Field] = &[
        field::<Number>("secret_shares", "Shares that the unseal key is split into, 1 to 255."),
        field::<Number>("secret_threshold", "Shares that unseal together."),
        field::<List>("pgp_keys", "OpenPGP public keys in base64, one for each share, to encrypt the shares to."),
        field::<Text>("root_token_pgp_key", "OpenPGP public key in base64, to encrypt the root token to."),
        field::<Number>("stored_shares", "Accepted: only seals with stored keys use it."),
        field::<Number>("recovery_shares", "Only for seals with recovery keys: must be zero."),
        field::<Number>("recovery_threshold", "Only for seals with recovery keys: must be zero."),
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
    let wish = input.wish(server.parts.clock.now())?;
    let (shares, threshold) = wish.shape;
    let made = server.initialise(wish).await.map_err(|e| match e {
        Error::Barrier(strongroom_barrier::Error::AlreadyInitialised) => Error::invalid("Vault is already initialized"),
        other => other,
    })?;
    tracing::info!(shares, threshold, "initialised");
    let shown = json!({ "keys": made.shares.hex(), "keys_base64": made.shares.base64(), "root_token": made.root_token.expose() });
    Ok(json(200, &shown))
}

impl Init {
    fn wish(self, now: Timestamp) -> Result<Wish> {
        let keys = self.pgp_keys.into_option().map(|list| list.0).unwrap_or_default();
        let config = seal_config(self.secret_shares, self.secret_threshold, keys.len())?;
        let is_set = |number: Present<Number>| number.into_option().is_some_and(|n| n.0 != 0);
        if is_set(self.recovery_shares) || is_set(self.recovery_threshold) {
            return Err(Error::invalid("parameters recovery_shares,recovery_threshold not applicable to seal type shamir"));
        }
        let root_key = self.root_token_pgp_key.into_option().map(|text| text.0).filter(|text| !text.is_empty());
        let root_recipient = recipients(root_key.as_slice(), now)?.pop();
        let recipients = recipients(&keys, now)?;
        Ok(Wish { shape: (config.shares, config.threshold), recipients, root_recipient, root_token: None })
    }
}
