//! Replacing the unseal keys: a wish, enough of today's keys, then new ones; on demand only after their holders have shown
//! that they have them. Shared by `sys/rekey/` (no token, for listeners that open it) and `sys/rotate/root/`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_barrier::seal::{Given, Shares};
use strongroom_barrier::{Quorum, Replacement, SealConfig};
use strongroom_engine::{Afterwards, Error, Key, Result};
use strongroom_pgp::Recipient;
use strongroom_types::{Rng, SecretBytes, uuid_v4};

use super::{Printed, REPEATED, Which, check_nonce, may_cancel, refused, share};
use crate::Core;

/// What somebody wishes for.
pub struct Wish {
    pub config: SealConfig,
    /// None: shares are answered as they are. Else one for each share.
    pub recipients: Vec<Recipient>,
    /// Keep the encrypted shares in the store.
    pub backup: bool,
    /// Put the new keys in force only when enough of them were given back.
    pub verify: bool,
}

/// A replacement on its way.
pub struct Attempt {
    nonce: String,
    wish: Wish,
    shares: Shares,
    verifying: Option<Verifying>,
}

/// New keys that were handed out and wait to be given back.
struct Verifying {
    nonce: String,
    new: Arc<Replacement>,
    backup: Option<Backup>,
    shares: Shares,
}

/// What may be shown of a replacement.
#[derive(Default)]
pub struct Status {
    pub nonce: String,
    pub started: bool,
    pub config: Option<SealConfig>,
    pub given: u8,
    pub required: u8,
    pub fingerprints: Option<Vec<String>>,
    pub backup: bool,
    pub verify: bool,
    pub verification_nonce: String,
}

/// What may be shown of a verification.
pub struct VerifyStatus {
    /// Empty before the new keys are there.
    pub nonce: String,
    pub config: SealConfig,
    pub given: u8,
}

/// What a key that was accepted did.
pub enum Updated {
    Counted(Status),
    Complete(Complete),
}

/// The new keys, to be answered once.
pub struct Complete {
    pub status: Status,
    pub keys: Printed,
    pub afterwards: Afterwards,
}

/// What a key that was given back did.
pub enum Verified {
    Counted(VerifyStatus),
    Complete { nonce: String, afterwards: Afterwards },
}

/// Encrypted shares by the fingerprint of who can open them, kept until deleted.
#[derive(Serialize, Deserialize, Clone)]
pub struct Backup {
    pub nonce: String,
    /// Hex of the messages.
    pub keys: std::collections::BTreeMap<String, Vec<String>>,
}

pub fn backup_key() -> Key {
    Key::area("k").name("backup")
}

impl Attempt {
    fn status(&self, required: u8) -> Status {
        let fingerprints: Vec<_> = self.wish.recipients.iter().map(|r| r.fingerprint().to_owned()).collect();
        Status {
            nonce: self.nonce.clone(),
            started: true,
            config: Some(self.wish.config.clone()),
            given: self.shares.count(),
            required,
            fingerprints: (!fingerprints.is_empty()).then_some(fingerprints),
            backup: self.wish.backup,
            verify: self.wish.verify,
            verification_nonce: self.verifying.as_ref().map(|v| v.nonce.clone()).unwrap_or_default(),
        }
    }

    fn verify_status(&self) -> VerifyStatus {
        let verifying = self.verifying.as_ref();
        VerifyStatus {
            nonce: verifying.map(|v| v.nonce.clone()).unwrap_or_default(),
            config: self.wish.config.clone(),
            given: verifying.map_or(0, |v| v.shares.count()),
        }
    }

    fn backup(&self, keys: &Printed) -> Option<Backup> {
        let mut backup = Backup { nonce: self.nonce.clone(), keys: std::collections::BTreeMap::new() };
        for (recipient, message) in self.wish.recipients.iter().zip(&keys.hex) {
            backup.keys.entry(recipient.fingerprint().to_owned()).or_default().push(message.to_string());
        }
        self.wish.backup.then_some(backup)
    }
}

impl Verifying {
    /// The keys given back so far count no longer.
    fn start_again(&mut self, rng: &dyn Rng) {
        self.shares.clear();
        self.nonce = uuid_v4(rng);
    }
}

/// The configuration in force.
async fn in_force(core: &Core) -> Result<SealConfig> {
    core.barrier.seal_config().await?.ok_or_else(|| Error::Internal("an unsealed store has no seal configuration".into()))
}

pub async fn status(core: &Core) -> Result<Status> {
    let required = in_force(core).await?.threshold;
    let attempt = core.keys.rekey.lock().await;
    Ok(attempt.as_ref().map_or_else(|| Status { required, ..Status::default() }, |a| a.status(required)))
}

/// `busy` is the text when one is on its way.
pub async fn start(core: &Core, wish: Wish, busy: &str) -> Result<Status> {
    let required = in_force(core).await?.threshold;
    let mut attempt = core.keys.rekey.lock().await;
    if attempt.is_some() {
        return Err(Error::invalid(busy));
    }
    let nonce = uuid_v4(core.rng.as_ref());
    let (shares, threshold) = (wish.config.shares, wish.config.threshold);
    tracing::info!(shares, threshold, "a replacement of the unseal keys was started");
    Ok(attempt.insert(Attempt { nonce, wish, shares: Shares::default(), verifying: None }).status(required))
}

/// Cancelling what is not there is no error.
pub async fn cancel(core: &Core, nonce: Option<&str>, has_sudo: bool) -> Result<()> {
    let mut attempt = core.keys.rekey.lock().await;
    if let Some(found) = &*attempt {
        let given = found.shares.count().max(u8::from(found.verifying.is_some()));
        may_cancel(nonce, &found.nonce, has_sudo, given)?;
        tracing::info!("the replacement of the unseal keys was cancelled");
        *attempt = None;
    }
    Ok(())
}

/// Takes one of today's keys. `idle` is the text when nothing is on its way.
pub async fn update(core: &Arc<Core>, nonce: &str, key: &str, idle: &str) -> Result<Updated> {
    let given = share(key)?;
    let config = in_force(core).await?;
    let mut slot = core.keys.rekey.lock().await;
    let attempt = slot.as_mut().ok_or_else(|| Error::invalid(idle))?;
    if attempt.verifying.is_some() {
        return Err(Error::invalid("the new keys are there already; verification must be performed"));
    }
    check_nonce(nonce, &attempt.nonce)?;
    let key = match attempt.shares.offer(given, &config).map_err(refused)? {
        Given::Repeated => return Err(Error::invalid(REPEATED)),
        Given::Counted => return Ok(Updated::Counted(attempt.status(config.threshold))),
        Given::Complete(key) => key,
    };
    let quorum = core.barrier.prove(key).await.map_err(refused)?;
    if attempt.wish.verify {
        return hand_out(core, attempt, quorum, config.threshold).map(Updated::Complete);
    }
    let complete = put_in_force(core, attempt, quorum, config.threshold).await?;
    *slot = None;
    Ok(Updated::Complete(complete))
}

/// New keys that are not in force before they were given back.
fn hand_out(core: &Arc<Core>, attempt: &mut Attempt, quorum: Quorum, required: u8) -> Result<Complete> {
    let new = Arc::new(core.barrier.prepare_replacement(quorum, attempt.wish.config.clone()).map_err(refused)?);
    let keys = Printed::new(new.shares(), &attempt.wish.recipients, core.rng.as_ref())?;
    let backup = attempt.backup(&keys);
    let nonce = uuid_v4(core.rng.as_ref());
    attempt.verifying = Some(Verifying { nonce, new, backup, shares: Shares::default() });
    let core = Arc::clone(core);
    let afterwards = Afterwards::new(move |is_recorded| {
        Box::pin(async move {
            if !is_recorded {
                *core.keys.rekey.lock().await = None;
            }
        })
    });
    Ok(Complete { status: attempt.status(required), keys, afterwards })
}

async fn put_in_force(core: &Arc<Core>, attempt: &mut Attempt, quorum: Quorum, required: u8) -> Result<Complete> {
    let new = Arc::new(core.barrier.prepare_replacement(quorum, attempt.wish.config.clone()).map_err(refused)?);
    // Before anything is written: what can't be printed must not be in force.
    let keys = Printed::new(new.shares(), &attempt.wish.recipients, core.rng.as_ref())?;
    let backup = attempt.backup(&keys);
    let afterwards = replace(core, new, backup).await?;
    Ok(Complete { status: attempt.status(required), keys, afterwards })
}

/// The one place where keys are replaced. An error means that the old ones are in force, or will be again.
async fn replace(core: &Arc<Core>, new: Arc<Replacement>, backup: Option<Backup>) -> Result<Afterwards> {
    core.keys.settle(&core.barrier, Which::All).await;
    if !core.keys.is_settled() {
        return Err(Error::Unavailable("the outcome of the last replacement is not settled yet, try again".into()));
    }
    let backup = backup.map(|b| serde_json::to_vec(&b)).transpose();
    let backup = backup.map_err(|e| Error::Internal(format!("encoding a backup: {e}")))?;
    let also = backup.map(|bytes| (backup_key().into_bytes(), bytes)).into_iter().collect();
    core.keys.watch(&new);
    match core.barrier.replace(&new, also).await {
        Ok(()) => {}
        Err(strongroom_barrier::Error::Conflict) => {
            core.keys.unwatch(&new);
            return Err(Error::invalid("the keys were replaced or rotated meanwhile: give the keys again"));
        }
        Err(unknown) => {
            core.keys.lost(&new);
            core.keys.settle(&core.barrier, Which::All).await;
            return Err(unknown.into());
        }
    }
    tracing::warn!(shares = new.config().shares, threshold = new.config().threshold, "the unseal keys were replaced");
    let core = Arc::clone(core);
    Ok(Afterwards::new(move |is_recorded| {
        Box::pin(async move {
            if is_recorded {
                core.keys.arrived(&new, core.clock.now());
            } else {
                core.keys.lost(&new);
                core.keys.settle(&core.barrier, Which::All).await;
            }
        })
    }))
}

pub async fn verify_status(core: &Core, idle: &str) -> Result<VerifyStatus> {
    let slot = core.keys.rekey.lock().await;
    slot.as_ref().filter(|a| a.wish.verify).map(Attempt::verify_status).ok_or_else(|| Error::invalid(idle))
}

/// Takes one of the new keys back; with enough of them, they are in force.
pub async fn verify(core: &Arc<Core>, nonce: &str, key: &str, idle: &str) -> Result<Verified> {
    let given = share(key)?;
    let mut slot = core.keys.rekey.lock().await;
    let attempt = slot.as_mut().ok_or_else(|| Error::invalid(idle))?;
    let verifying = attempt.verifying.as_mut().ok_or_else(|| Error::invalid("no verification in progress"))?;
    check_nonce(nonce, &verifying.nonce)?;
    match verify_one(core, verifying, given)? {
        Given::Repeated => Err(Error::invalid(REPEATED)),
        Given::Counted => Ok(Verified::Counted(attempt.verify_status())),
        Given::Complete(_) => {
            let (nonce, new, backup) = (verifying.nonce.clone(), Arc::clone(&verifying.new), verifying.backup.clone());
            let replaced = replace(core, new, backup).await;
            // Also after an error: the proof of the old keys is used up, and a new attempt makes another.
            *slot = None;
            Ok(Verified::Complete { nonce, afterwards: replaced? })
        }
    }
}

/// Wrong keys start the verification again; the old ones stay in force.
fn verify_one(core: &Core, verifying: &mut Verifying, given: SecretBytes) -> Result<Given> {
    let config = verifying.new.config().clone();
    match verifying.shares.offer(given, &config) {
        Ok(Given::Complete(key)) if verifying.new.is_opened_by(&key) => Ok(Given::Complete(key)),
        Ok(Given::Complete(_)) | Err(strongroom_barrier::Error::InvalidShares(_)) => {
            verifying.start_again(core.rng.as_ref());
            Err(Error::invalid("rekey verification failed; incorrect key shares supplied"))
        }
        other => other.map_err(refused),
    }
}

/// Starts the verification again, with a new nonce.
pub async fn verify_again(core: &Core, nonce: Option<&str>, has_sudo: bool, idle: &str) -> Result<VerifyStatus> {
    let mut slot = core.keys.rekey.lock().await;
    let attempt = slot.as_mut().filter(|a| a.wish.verify).ok_or_else(|| Error::invalid(idle))?;
    if let Some(verifying) = &mut attempt.verifying {
        may_cancel(nonce, &verifying.nonce, has_sudo, verifying.shares.count())?;
        verifying.start_again(core.rng.as_ref());
    }
    Ok(attempt.verify_status())
}
