//! A whole certificate: which of its keys to encrypt to. Only what the primary key signed counts; a revocation that is there
//! counts unsigned too, since the safe answer to doubt is not to encrypt.

use crate::packet::{self, Packet};
use crate::public_key::{EncryptionKey, PublicKey};
use crate::signature::{self, Signature};
use crate::{Error, Result};

/// The primary key's fingerprint, and the newest key that can be encrypted to.
pub fn encryption_key(bytes: &[u8], now_s: u32) -> Result<([u8; 20], EncryptionKey)> {
    let packets = packet::all(bytes)?;
    let (first, rest) = packets.split_first().ok_or(Error::Malformed("it is empty"))?;
    match first.tag {
        packet::PUBLIC_KEY => {}
        packet::SECRET_KEY => return Err(Error::Private),
        _ => return Err(Error::Malformed("it does not begin with a public key")),
    }
    let primary = PublicKey::read(first.body)?;
    let parts = parts(rest)?;
    let candidates = Candidates { primary: &primary, now_s, parts: &parts };
    let own = candidates.of_primary()?;
    let subkey = candidates.of_subkeys();
    let key = subkey.or(own).ok_or(Error::NoEncryptionKey)?;
    Ok((primary.fingerprint(), key))
}

/// A packet that signatures follow: a user id, a subkey, or the primary key itself (None).
struct Part<'a> {
    head: Option<Packet<'a>>,
    signatures: Vec<Signature<'a>>,
}

/// Errors: `Malformed` for a second certificate in the same input.
fn parts<'a>(packets: &[Packet<'a>]) -> Result<Vec<Part<'a>>> {
    let mut parts = vec![Part { head: None, signatures: Vec::new() }];
    for packet in packets {
        match packet.tag {
            packet::SIGNATURE => {
                let signature = Signature::read(packet.body);
                if let Some(part) = parts.last_mut() {
                    part.signatures.extend(signature);
                }
            }
            packet::PUBLIC_KEY => return Err(Error::Malformed("it holds several keys: give each on its own")),
            _ => parts.push(Part { head: Some(*packet), signatures: Vec::new() }),
        }
    }
    Ok(parts)
}

struct Candidates<'c, 'a> {
    primary: &'c PublicKey<'a>,
    now_s: u32,
    parts: &'c [Part<'a>],
}

impl Candidates<'_, '_> {
    /// The primary key when it is meant for encryption. Errors: `Revoked`, `Expired`: then its subkeys are no use either.
    fn of_primary(&self) -> Result<Option<EncryptionKey>> {
        let direct = self.parts.iter().filter(|p| p.head.is_none()).flat_map(|p| &p.signatures);
        if direct.clone().any(|s| s.kind == signature::KEY_REVOCATION) {
            return Err(Error::Revoked);
        }
        let direct = direct.filter(|s| s.kind == signature::DIRECT_KEY && self.is_own(s, &[]));
        let newest = direct.chain(self.certifications()).max_by_key(|s| s.created_s);
        let Some(newest) = newest else { return Ok(None) };
        if self.has_expired(self.primary, newest) {
            return Err(Error::Expired);
        }
        Ok(self.primary.encryption_key().filter(|_| newest.may_encrypt == Some(true)))
    }

    /// The owner's signatures over their user ids.
    fn certifications(&self) -> impl Iterator<Item = &Signature<'_>> {
        let user_ids = self.parts.iter().filter_map(|p| Some((p.head.filter(|h| h.tag == packet::USER_ID)?, &p.signatures)));
        user_ids.flat_map(move |(user_id, signatures)| {
            let length = u32::try_from(user_id.body.len()).unwrap_or(u32::MAX).to_be_bytes();
            let hashed = [&[0xB4], length.as_slice(), user_id.body].concat();
            signatures.iter().filter(move |s| s.is_certification() && self.is_own(s, &hashed))
        })
    }

    /// The subkey whose binding is newest.
    fn of_subkeys(&self) -> Option<EncryptionKey> {
        let usable = self.parts.iter().filter_map(|part| {
            let head = part.head.filter(|h| h.tag == packet::PUBLIC_SUBKEY)?;
            let subkey = PublicKey::read(head.body).ok()?;
            if part.signatures.iter().any(|s| s.kind == signature::SUBKEY_REVOCATION) {
                return None;
            }
            let hashed = subkey.hashed();
            let bindings = part.signatures.iter().filter(|s| s.kind == signature::SUBKEY_BINDING && self.is_own(s, &hashed));
            let newest = bindings.max_by_key(|s| s.created_s)?;
            let is_usable = newest.may_encrypt == Some(true) && !self.has_expired(&subkey, newest);
            subkey.encryption_key().filter(|_| is_usable).map(|key| (newest.created_s, key))
        });
        usable.max_by_key(|(created_s, _)| *created_s).map(|(_, key)| key)
    }

    /// Whether the primary key signed itself together with `also`.
    fn is_own(&self, signature: &Signature<'_>, also: &[u8]) -> bool {
        let signed = [self.primary.hashed().as_slice(), also].concat();
        self.primary.verifying_key().is_some_and(|key| signature.is_by(&key, &signed))
    }

    fn has_expired(&self, key: &PublicKey<'_>, signature: &Signature<'_>) -> bool {
        signature.lifetime_s != 0 && key.created_s.saturating_add(signature.lifetime_s) <= self.now_s
    }
}
