//! A root token for whoever brings enough unseal keys. It leaves the server under a one-time password that only the starter
//! saw, or encrypted to an OpenPGP key, so that no single share holder gets it. Shared by `sys/generate-root/` (no token,
//! for listeners that open it) and `sys/generate-root-token/`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use strongroom_barrier::seal::{Given, Shares};
use strongroom_engine::{Afterwards, Ctx, Error, NewToken, Result};
use strongroom_pgp::Recipient;
use strongroom_types::{SecretString, random_base62, uuid_v4};
use zeroize::Zeroizing;

use super::{REPEATED, check_nonce, may_cancel, refused, share};
use crate::{Core, acl, token};

/// Length of such a token, and so of its one-time password: `s.` and 24 base-62 characters, as clients expect.
pub const TOKEN_LENGTH: usize = 26;
const TOKEN_PREFIX: &str = "s.";

/// How the token is hidden on its way.
pub enum Cover {
    Otp(SecretString),
    Pgp(Box<Recipient>),
}

pub struct Attempt {
    nonce: String,
    cover: Cover,
    shares: Shares,
}

/// What may be shown.
#[derive(Default)]
pub struct Status {
    pub nonce: String,
    pub started: bool,
    pub given: u8,
    pub required: u8,
    pub fingerprint: String,
}

/// What a key that was accepted did.
pub enum Updated {
    Counted(Status),
    Complete { status: Status, encoded: Zeroizing<String>, afterwards: Afterwards },
}

impl Attempt {
    fn status(&self, required: u8) -> Status {
        let fingerprint = match &self.cover {
            Cover::Otp(_) => String::new(),
            Cover::Pgp(recipient) => recipient.fingerprint().to_owned(),
        };
        Status { nonce: self.nonce.clone(), started: true, given: self.shares.count(), required, fingerprint }
    }
}

async fn required(core: &Core) -> Result<u8> {
    Ok(core.barrier.seal_config().await?.map_or(0, |config| config.threshold))
}

pub async fn status(core: &Core) -> Result<Status> {
    let required = required(core).await?;
    let attempt = core.keys.root.lock().await;
    Ok(attempt.as_ref().map_or_else(|| Status { required, ..Status::default() }, |a| a.status(required)))
}

/// A one-time password that fits.
pub fn new_otp(core: &Core) -> SecretString {
    SecretString::new(random_base62(core.rng.as_ref(), TOKEN_LENGTH))
}

pub async fn start(core: &Core, cover: Cover) -> Result<Status> {
    if matches!(&cover, Cover::Otp(otp) if otp.expose().len() != TOKEN_LENGTH) {
        return Err(Error::invalid("OTP string has incorrect length"));
    }
    let required = required(core).await?;
    let mut attempt = core.keys.root.lock().await;
    if attempt.is_some() {
        return Err(Error::invalid("root generation already in progress"));
    }
    tracing::info!("the generation of a root token was started");
    let nonce = uuid_v4(core.rng.as_ref());
    Ok(attempt.insert(Attempt { nonce, cover, shares: Shares::default() }).status(required))
}

/// Cancelling what is not there is no error.
pub async fn cancel(core: &Core, nonce: Option<&str>, has_sudo: bool) -> Result<()> {
    let mut attempt = core.keys.root.lock().await;
    if let Some(found) = &*attempt {
        may_cancel(nonce, &found.nonce, has_sudo, found.shares.count())?;
        tracing::info!("the generation of a root token was cancelled");
        *attempt = None;
    }
    Ok(())
}

/// Takes a key; with the last one needed, writes the token into the transaction.
pub async fn update(core: &Arc<Core>, ctx: &mut Ctx, nonce: &str, key: &str) -> Result<Updated> {
    let given = share(key)?;
    let config = core.barrier.seal_config().await?.ok_or_else(|| Error::Internal("no seal configuration".into()))?;
    let mut slot = core.keys.root.lock().await;
    let attempt = slot.as_mut().ok_or_else(|| Error::invalid("no root generation in progress"))?;
    check_nonce(nonce, &attempt.nonce)?;
    let key = match attempt.shares.offer(given, &config).map_err(refused)? {
        Given::Repeated => return Err(Error::invalid(REPEATED)),
        Given::Counted => return Ok(Updated::Counted(attempt.status(config.threshold))),
        Given::Complete(key) => key,
    };
    if let Err(wrong) = core.barrier.prove(key).await {
        return Err(match refused(wrong) {
            Error::Invalid(text) => Error::invalid(format!("root generation aborted: unable to authenticate: {text}")),
            other => other,
        });
    }
    let status = Status { given: config.threshold, ..attempt.status(config.threshold) };
    let (text, family) = new_root_token(core, ctx).await?;
    let encoded = covered(core, &attempt.cover, &text)?;
    *slot = None;
    tracing::warn!(accessor = family, "a root token was generated");
    Ok(Updated::Complete { status, encoded, afterwards: end_if_unrecorded(core, family) })
}

/// The token's text and its family.
async fn new_root_token(core: &Core, ctx: &mut Ctx) -> Result<(SecretString, String)> {
    let length = TOKEN_LENGTH.saturating_sub(TOKEN_PREFIX.len());
    let text = SecretString::new(format!("{TOKEN_PREFIX}{}", random_base62(core.rng.as_ref(), length)));
    let new = NewToken {
        is_root: true,
        policies: vec![acl::ROOT.to_owned()],
        display_name: "root".into(),
        path: "auth/token/root".into(),
        custom_id: Some(text.duplicate()),
        ..NewToken::default()
    };
    let limits = core.limits_of(&ctx.mount);
    let made = token::issue(&mut ctx.txn, &core.barrier, &core.tokens.keys, core.rng.as_ref(), ctx.now, new, limits).await?;
    Ok((text, made.view.accessor))
}

fn covered(core: &Core, cover: &Cover, text: &SecretString) -> Result<Zeroizing<String>> {
    match cover {
        Cover::Otp(otp) => {
            let pairs = text.expose().bytes().zip(otp.expose().bytes());
            let mixed = Zeroizing::new(pairs.map(|(t, o)| t ^ o).collect::<Vec<_>>());
            Ok(Zeroizing::new(STANDARD_NO_PAD.encode(&*mixed)))
        }
        Cover::Pgp(recipient) => {
            let message = recipient.encrypt(text.expose().as_bytes(), core.rng.as_ref());
            message.map(|m| Zeroizing::new(STANDARD.encode(m))).map_err(|e| Error::Internal(format!("encrypting a token: {e}")))
        }
    }
}

fn end_if_unrecorded(core: &Arc<Core>, family: String) -> Afterwards {
    let core = Arc::clone(core);
    Afterwards::new(move |is_recorded| {
        Box::pin(async move {
            if is_recorded {
                return;
            }
            if let Err(e) = token::revoke(&core, &family).await {
                tracing::error!(accessor = family, "a root token that nobody received could not be revoked: {e}");
            }
        })
    })
}
