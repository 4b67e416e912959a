//! Checkpoints: signed notes (C2SP tlog-checkpoint and signed-note) that say how large the log is and what its root is.
//! Only one spelling of a checkpoint is accepted, so any changed byte is noticed.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use strongroom_types::Timestamp;

use crate::epoch::EpochKey;
use crate::tree::{Hash, sha256};

/// Size and root of a log: what must never shrink or change. The core keeps the last one in the barrier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub size: u64,
    pub root: Hash,
}

/// What a checkpoint says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Name of the log, derived from its key.
    pub origin: String,
    pub head: Head,
    /// Number of the key that signed; each is appointed by a record of the log.
    pub epoch: u64,
    pub time: Timestamp,
    /// Hash of the note before this one; zeros for the first.
    pub prev: Hash,
    /// The store's revision when the checkpoint was made.
    pub store: u64,
    /// Number of the first record whose line the server keeps: what it deleted lies below, all else must be there.
    pub kept: u64,
}

impl Checkpoint {
    /// Lines of a signed note.
    pub const LINES: usize = 10;

    fn body(&self) -> String {
        format!(
            "{}\n{}\n{}\nepoch {}\ntime {}\nprev {}\nstore {}\nkept {}\n",
            self.origin,
            self.head.size,
            BASE64.encode(self.head.root),
            self.epoch,
            self.time.rfc3339(),
            BASE64.encode(self.prev),
            self.store,
            self.kept
        )
    }

    /// The signed note.
    pub(crate) fn sign(&self, key: &EpochKey) -> String {
        let body = self.body();
        let mut signature = key_hash(&self.origin, &key.public()).to_vec();
        signature.extend_from_slice(&key.sign(body.as_bytes()));
        format!("{body}\n— {} {}\n", self.origin, BASE64.encode(signature))
    }

    /// Reads a note. None when anything differs from the way it is written here.
    pub(crate) fn parse(note: &str) -> Option<(Self, NoteSignature)> {
        let (body, signature) = note.split_at_checked(note.find("\n\n")?.checked_add(1)?)?;
        let mut lines = body.lines();
        let checkpoint = Self {
            origin: lines.next()?.to_owned(),
            head: Head { size: lines.next()?.parse().ok()?, root: hash_from(lines.next()?)? },
            epoch: lines.next()?.strip_prefix("epoch ")?.parse().ok()?,
            time: Timestamp::parse_rfc3339(lines.next()?.strip_prefix("time ")?)?,
            prev: hash_from(lines.next()?.strip_prefix("prev ")?)?,
            store: lines.next()?.strip_prefix("store ")?.parse().ok()?,
            kept: lines.next()?.strip_prefix("kept ")?.parse().ok()?,
        };
        let signature = signature.strip_prefix("\n— ")?.strip_prefix(&checkpoint.origin)?.strip_prefix(' ')?;
        let bytes = BASE64.decode(signature.strip_suffix('\n')?).ok()?;
        let (key_hash, signature) = bytes.split_first_chunk::<4>()?;
        let signature = NoteSignature { key_hash: *key_hash, signature: signature.try_into().ok()? };
        (checkpoint.body() == body).then_some((checkpoint, signature))
    }

    /// Whether this key signed.
    pub(crate) fn is_signed_by(&self, signature: &NoteSignature, key: &Hash) -> bool {
        signature.key_hash == key_hash(&self.origin, key) && is_signature(key, self.body().as_bytes(), &signature.signature)
    }
}

pub(crate) struct NoteSignature {
    key_hash: [u8; 4],
    signature: [u8; 64],
}

/// What the next checkpoint's `prev` says.
pub(crate) fn note_hash(note: &str) -> Hash {
    sha256(&[note.as_bytes()])
}

pub(crate) fn is_signature(key: &Hash, message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

/// Source: C2SP signed-note, key hashes of Ed25519 keys.
fn key_hash(name: &str, key: &Hash) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n\x01", key]);
    hash.first_chunk().copied().unwrap_or_default()
}

pub(crate) fn hash_from(base64: &str) -> Option<Hash> {
    BASE64.decode(base64).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_of_a_note_is_noticed() {
        let key = EpochKey::for_test(7);
        let head = Head { size: 12_345, root: [9; 32] };
        let time = Timestamp::from_ns(1_764_014_482_681_569_031);
        let origin = "strongroom.audit/x".into();
        let checkpoint = Checkpoint { origin, head, epoch: 7, time, prev: [1; 32], store: 8, kept: 300 };
        let note = checkpoint.sign(&key);
        assert_eq!(note.lines().count(), Checkpoint::LINES);
        let check = |note: &str| {
            let (found, signature) = Checkpoint::parse(note)?;
            (found == checkpoint && found.is_signed_by(&signature, &key.public())).then_some(())
        };
        assert!(check(&note).is_some());
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let is_noticed = String::from_utf8(bytes).ok().and_then(|n| check(&n)).is_none();
                assert!(is_noticed, "byte {at} bit {bit}");
            }
        }
        let (found, signature) = Checkpoint::parse(&note).unwrap();
        assert!(!found.is_signed_by(&signature, &EpochKey::for_test(8).public()));
    }
}
