//! Inputs and answers of replacing the unseal keys, in the two forms of the contract: bare and in the envelope.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strongroom_barrier::SealConfig;
use strongroom_engine::{Error, Field, Flag, Input, List, Number, Output, Present, Result, Text, field};
use strongroom_types::Timestamp;

use super::{bare, recipients};
use crate::keys::rekey::{Complete, Status, VerifyStatus, Wish};

/// Which of the two forms is spoken: their texts and their members differ a little.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `sys/rekey/`.
    Rekey,
    /// `sys/rotate/root/`.
    Rotate,
}

impl Form {
    pub fn busy(self) -> &'static str {
        if self == Self::Rekey { "rekey already in progress" } else { "rotation already in progress" }
    }

    pub fn idle(self) -> &'static str {
        if self == Self::Rekey { "no barrier rekey in progress" } else { "no rotation in progress" }
    }

    pub fn without_verification(self) -> &'static str {
        if self == Self::Rekey { "no rekey configuration found" } else { "no rotation configuration found" }
    }

    pub fn output(self, value: &impl Serialize) -> Result<Output> {
        if self == Self::Rekey { bare(value) } else { Output::data(value) }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Start {
    secret_shares: Number,
    secret_threshold: Number,
    pgp_keys: Present<List>,
    backup: Flag,
    require_verification: Flag,
    stored_shares: Present<Number>,
}

impl Input for Start {
    const FIELDS: &'static [Field] = &[
        field::<Number>("secret_shares", "Shares that the new key is split into, 1 to 255.").clear(),
        field::<Number>("secret_threshold", "Shares that unseal together.").clear(),
        field::<List>("pgp_keys", "OpenPGP public keys in base64, one for each share, to encrypt the shares to."),
        field::<Flag>("backup", "Keep the encrypted shares in the store until they are deleted.").clear(),
        field::<Flag>("require_verification", "Put the new keys in force only when enough of them were given back.").clear(),
        field::<Number>("stored_shares", "Accepted: only seals with stored keys use it.").clear(),
    ];
}

impl Start {
    pub fn wish(self, now: Timestamp) -> Result<Wish> {
        let _ = self.stored_shares;
        let keys = self.pgp_keys.into_option().map(|list| list.0).unwrap_or_default();
        let config = seal_config(self.secret_shares, self.secret_threshold, keys.len())?;
        if self.backup.0 && keys.is_empty() {
            return Err(Error::invalid("cannot request a backup of the new keys without providing PGP keys for encryption"));
        }
        let recipients = recipients(&keys, now)?;
        Ok(Wish { config, recipients, backup: self.backup.0, verify: self.require_verification.0 })
    }
}

/// Errors: `Invalid` with the texts of the contract.
pub fn seal_config(shares: Number, threshold: Number, pgp_keys: usize) -> Result<SealConfig> {
    let refuse = |text: &str| Err(Error::invalid(format!("invalid seal configuration: {text}")));
    let (Ok(shares), Ok(threshold)) = (u8::try_from(shares.0.max(0)), u8::try_from(threshold.0.max(0))) else {
        return refuse("shares and threshold must be less than 256");
    };
    let config = SealConfig::shamir(shares, threshold).map_err(|e| Error::invalid(e.to_string()))?;
    if pgp_keys > 0 && pgp_keys != usize::from(shares) {
        return refuse("count mismatch between number of provided PGP keys and number of shares");
    }
    Ok(config)
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Share {
    pub nonce: Text,
    pub key: Text,
}

impl Input for Share {
    const FIELDS: &'static [Field] = &[
        field::<Text>("nonce", "The nonce of this operation, from its status.").clear(),
        field::<Text>("key", "One share, in hex or base64."),
    ];
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Cancel {
    nonce: Present<Text>,
}

impl Input for Cancel {
    const FIELDS: &'static [Field] =
        &[field::<Text>("nonce", "Needed once a share was given, unless the caller has sudo.").clear()];
}

impl Cancel {
    pub fn nonce(self) -> Option<String> {
        self.nonce.into_option().map(|text| text.0).filter(|text| !text.is_empty())
    }
}

pub fn status(form: Form, status: &Status) -> Result<Output> {
    let (n, t) = status.config.as_ref().map_or((0, 0), |c| (c.shares, c.threshold));
    let mut shown = json!({ "started": status.started, "n": n, "t": t, "required": status.required });
    if form == Form::Rekey || status.started {
        extend(
            &mut shown,
            json!({
                "nonce": status.nonce,
                "progress": status.given,
                "pgp_fingerprints": status.fingerprints,
                "backup": status.backup,
                "verification_required": status.verify,
            }),
        );
    }
    if form == Form::Rotate && status.started || !status.verification_nonce.is_empty() {
        extend(&mut shown, json!({ "verification_nonce": status.verification_nonce }));
    }
    form.output(&shown)
}

fn extend(shown: &mut Value, more: Value) {
    if let (Value::Object(shown), Value::Object(more)) = (shown, more) {
        shown.extend::<Map<String, Value>>(more);
    }
}

/// The only time that new keys are seen.
#[derive(Serialize)]
struct Done<'a> {
    nonce: &'a str,
    complete: bool,
    keys: Vec<&'a str>,
    keys_base64: Vec<&'a str>,
    pgp_fingerprints: Option<&'a [String]>,
    backup: bool,
    verification_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_nonce: Option<&'a str>,
}

pub fn complete(form: Form, complete: Complete) -> Result<Output> {
    let status = &complete.status;
    let nonce = status.verification_nonce.as_str();
    let done = Done {
        nonce: &status.nonce,
        complete: true,
        keys: complete.keys.hex(),
        keys_base64: complete.keys.base64(),
        pgp_fingerprints: status.fingerprints.as_deref(),
        backup: status.backup,
        verification_required: status.verify,
        verification_nonce: Some(nonce).filter(|nonce| form == Form::Rotate || !nonce.is_empty()),
    };
    Ok(Output { afterwards: Some(complete.afterwards), ..form.output(&done)? })
}

pub fn verify_status(form: Form, status: &VerifyStatus) -> Result<Output> {
    form.output(&json!({
        "nonce": status.nonce,
        "started": !status.nonce.is_empty(),
        "t": status.config.threshold,
        "n": status.config.shares,
        "progress": status.given,
    }))
}
