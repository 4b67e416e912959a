//! Keys of checkpoints. Each lives in memory for one epoch and is appointed by a line of the log itself: the first of a
//! run by the log key (`restart`), every later one by its predecessor (`rotate`), which is then gone. Whoever breaks in
//! later can't sign for earlier epochs. The log key is used at open only and must not be kept.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use strongroom_types::{Rng, SecretBytes, Timestamp};
use zeroize::Zeroize as _;

use crate::json::Object;
use crate::line;
use crate::note::{hash_from, is_signature};
use crate::time_text::push_quoted_time;
use crate::tree::{Hash, sha256};
use crate::{AuditError, Limits};

/// Separates signatures on lines from those on checkpoints.
const DOMAIN: &[u8] = b"strongroom audit appointment 1\n";
const SIGNATURE_KEY: &[u8] = b",\"signature\":\"";

/// A signing key. aws-lc wipes the private part when it frees it.
pub(crate) struct EpochKey {
    pub(crate) number: u64,
    pub(crate) since: Timestamp,
    /// Sequence number of the record that appoints it.
    pub(crate) appointed_at: u64,
    pair: Ed25519KeyPair,
}

impl EpochKey {
    /// Epoch 0 is the log key itself.
    pub(crate) fn from_seed(seed: &SecretBytes, number: u64, since: Timestamp, appointed_at: u64) -> Result<Self, AuditError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| AuditError::BadKey)?;
        Ok(Self { number, since, appointed_at, pair })
    }

    pub(crate) fn generate(rng: &dyn Rng, number: u64, since: Timestamp, appointed_at: u64) -> Result<Self, AuditError> {
        let mut seed = [0u8; 32];
        rng.fill(&mut seed);
        let key = Self::from_seed(&SecretBytes::new(seed.to_vec()), number, since, appointed_at);
        seed.zeroize();
        key
    }

    /// Whether the epoch has lasted long enough. One without records goes on: there is nothing to protect.
    pub(crate) fn is_over(&self, size: u64, now: Timestamp, limits: &Limits) -> bool {
        let records = size.saturating_sub(self.appointed_at).saturating_sub(1);
        records > 0 && (now.seconds_since(self.since) >= limits.epoch_s || records >= limits.epoch_records)
    }

    pub(crate) fn public(&self) -> Hash {
        self.pair.public_key().as_ref().try_into().unwrap_or_default()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    #[cfg(test)]
    pub(crate) fn for_test(n: u8) -> Self {
        Self::from_seed(&SecretBytes::new(vec![n; 32]), u64::from(n), Timestamp::default(), 0).unwrap()
    }
}

/// The public half of a log key: what a verifier trusts. Errors: `BadKey` when the seed has not 32 bytes.
pub fn log_public_key(seed: &SecretBytes) -> Result<Hash, AuditError> {
    EpochKey::from_seed(seed, 0, Timestamp::default(), 0).map(|key| key.public())
}

/// The name of a log in its checkpoints.
pub fn log_origin(public_key: &Hash) -> String {
    let hash = hex::encode(sha256(&[public_key]));
    format!("strongroom.audit/{}", hash.get(..16).unwrap_or_default())
}

/// Why a key is appointed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// The log was opened, by the log key.
    Restart { dropped_bytes: u64 },
    /// The epoch ended, by the key before.
    Rotate,
}

/// A line that appoints a key, and with it signs the whole tree before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Appointment {
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    pub(crate) cause: Cause,
    pub(crate) origin: String,
    pub(crate) epoch: u64,
    pub(crate) key: Hash,
    /// Root of the tree of all lines before this one.
    pub(crate) root: Hash,
}

impl Appointment {
    /// The signed line, without newline.
    pub(crate) fn line(&self, signer: &EpochKey) -> Vec<u8> {
        let mut out = self.unsigned();
        let signature = BASE64.encode(signer.sign(&[DOMAIN, &out].concat()));
        out.extend_from_slice(SIGNATURE_KEY);
        out.extend_from_slice(signature.as_bytes());
        out.extend_from_slice(b"\"}");
        out
    }

    /// The object without its signature and end.
    fn unsigned(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        let mut object = Object::open(&mut out);
        object.number("seq", self.seq);
        push_quoted_time(object.key("time"), self.time);
        object.text("type", if self.cause == Cause::Rotate { "rotate" } else { "restart" });
        object.text("origin", &self.origin);
        object.number("epoch", self.epoch);
        object.text("key", &BASE64.encode(self.key));
        object.text("root", &BASE64.encode(self.root));
        if let Cause::Restart { dropped_bytes } = self.cause {
            object.number("dropped_bytes", dropped_bytes);
        }
        out
    }

    /// Reads such a line. None when anything differs from the way it is written here.
    pub(crate) fn parse(line: &[u8]) -> Option<SignedAppointment> {
        let prefix = line::parse(line)?;
        let fields: Fields<'_> = serde_json::from_slice(line).ok()?;
        let cause = match (prefix.kind, fields.dropped_bytes) {
            (line::RESTART, Some(dropped_bytes)) => Cause::Restart { dropped_bytes },
            (line::ROTATE, None) => Cause::Rotate,
            _ => return None,
        };
        let (seq, time) = (prefix.seq, prefix.time);
        let (key, root) = (hash_from(fields.key)?, hash_from(fields.root)?);
        let appointment = Self { seq, time, cause, origin: fields.origin.to_owned(), epoch: fields.epoch, key, root };
        let unsigned = appointment.unsigned();
        let rest = line.strip_prefix(unsigned.as_slice())?.strip_prefix(SIGNATURE_KEY)?.strip_suffix(b"\"}")?;
        let signature = BASE64.decode(rest).ok()?;
        Some(SignedAppointment { appointment, signature })
    }
}

/// An appointment as it was found.
pub(crate) struct SignedAppointment {
    pub(crate) appointment: Appointment,
    signature: Vec<u8>,
}

impl SignedAppointment {
    pub(crate) fn is_signed_by(&self, key: &Hash) -> bool {
        is_signature(key, &[DOMAIN, &self.appointment.unsigned()].concat(), &self.signature)
    }
}

#[derive(serde::Deserialize)]
struct Fields<'a> {
    origin: &'a str,
    epoch: u64,
    key: &'a str,
    root: &'a str,
    dropped_bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_of_an_appointment_is_noticed() {
        let signer = EpochKey::for_test(1);
        for cause in [Cause::Rotate, Cause::Restart { dropped_bytes: 17 }] {
            let time = Timestamp::from_ns(1_764_014_482_681_569_031);
            let (origin, key, root) = ("strongroom.audit/0".to_owned(), [3; 32], [4; 32]);
            let appointment = Appointment { seq: 70, time, cause, origin, epoch: 2, key, root };
            let line = appointment.line(&signer);
            let is_good = |line: &[u8]| {
                let found = Appointment::parse(line);
                found.is_some_and(|f| f.appointment == appointment && f.is_signed_by(&signer.public()))
            };
            assert!(is_good(&line));
            for at in 0..line.len() * 8 {
                let mut changed = line.clone();
                changed[at / 8] ^= 1 << (at % 8);
                assert!(!is_good(&changed), "bit {at}");
            }
        }
    }
}
