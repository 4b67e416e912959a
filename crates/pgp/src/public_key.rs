//! Public keys of version 4: what they are, their fingerprints, and which of them can sign or be encrypted to here.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::packet::mpi;
use crate::{Error, Result};

const RSA: u8 = 1;
const RSA_ENCRYPT_ONLY: u8 = 2;
const RSA_SIGN_ONLY: u8 = 3;
const ECDH: u8 = 18;
const ECDSA: u8 = 19;
const EDDSA: u8 = 22;

const OID_ED25519: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01];
const OID_CURVE25519: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01];
const OID_P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];
const OID_P521: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x23];

/// Before a native point of Curve25519.
const NATIVE_POINT: u8 = 0x40;

/// A public key or subkey packet, taken apart. Borrowed: certificates are read once.
pub struct PublicKey<'a> {
    /// The packet's body: fingerprints and signatures cover it.
    pub body: &'a [u8],
    /// Unix seconds.
    pub created_s: u32,
    algorithm: u8,
    material: &'a [u8],
}

/// What can verify a signature.
pub enum VerifyingKey<'a> {
    Rsa { n: &'a [u8], e: &'a [u8] },
    Ed25519(&'a [u8]),
    Ecdsa { curve: Curve, point: &'a [u8] },
}

/// What can be encrypted to.
pub enum EncryptionKey {
    Rsa { key_id: [u8; 8], n: Vec<u8>, e: Vec<u8> },
    Ecdh(EcdhKey),
}

pub struct EcdhKey {
    pub key_id: [u8; 8],
    pub curve: Curve,
    /// As the agreement wants it: 32 native bytes, or an uncompressed point.
    pub point: Vec<u8>,
    /// Hash of the key derivation, cipher of the key wrapping (RFC 6637 section 9).
    pub kdf: [u8; 2],
    /// What is mixed into the derivation: curve, algorithm, parameters, fingerprint.
    pub parameters: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Curve {
    Curve25519,
    P256,
    P384,
    P521,
}

impl<'a> PublicKey<'a> {
    /// Errors: `Version`, `Malformed`.
    pub fn read(body: &'a [u8]) -> Result<Self> {
        let cut = Error::Malformed("a key packet is cut");
        let (version, rest) = body.split_first().ok_or(cut)?;
        if *version != 4 {
            return Err(Error::Version);
        }
        if body.len() > usize::from(u16::MAX) {
            return Err(Error::Malformed("a key packet is too long"));
        }
        let (created, rest) = rest.split_first_chunk::<4>().ok_or(cut)?;
        let (algorithm, material) = rest.split_first().ok_or(cut)?;
        Ok(Self { body, created_s: u32::from_be_bytes(*created), algorithm: *algorithm, material })
    }

    /// What signatures and the fingerprint hash of a key.
    pub fn hashed(&self) -> Vec<u8> {
        let length = u16::try_from(self.body.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[0x99], length.as_slice(), self.body].concat()
    }

    pub fn fingerprint(&self) -> [u8; 20] {
        let mut out = [0u8; 20];
        let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.hashed());
        out.iter_mut().zip(sum.as_ref()).for_each(|(to, from)| *to = *from);
        out
    }

    fn key_id(&self) -> [u8; 8] {
        self.fingerprint().last_chunk().copied().unwrap_or_default()
    }

    /// None when this build can't verify with it.
    pub fn verifying_key(&self) -> Option<VerifyingKey<'a>> {
        match self.algorithm {
            RSA | RSA_SIGN_ONLY => {
                let (n, e) = rsa_numbers(self.material)?;
                Some(VerifyingKey::Rsa { n, e })
            }
            EDDSA => {
                let (oid, point, _) = curve_and_point(self.material)?;
                native(point).filter(|_| oid == OID_ED25519).map(VerifyingKey::Ed25519)
            }
            ECDSA => {
                let (oid, point, _) = curve_and_point(self.material)?;
                let curve = curve_of(oid).filter(|c| *c != Curve::Curve25519)?;
                Some(VerifyingKey::Ecdsa { curve, point })
            }
            _ => None,
        }
    }

    /// None when it is of another kind.
    pub fn encryption_key(&self) -> Option<EncryptionKey> {
        match self.algorithm {
            RSA | RSA_ENCRYPT_ONLY => {
                let (n, e) = rsa_numbers(self.material)?;
                Some(EncryptionKey::Rsa { key_id: self.key_id(), n: n.to_vec(), e: e.to_vec() })
            }
            ECDH => self.ecdh().map(EncryptionKey::Ecdh),
            _ => None,
        }
    }

    fn ecdh(&self) -> Option<EcdhKey> {
        let (oid, point, rest) = curve_and_point(self.material)?;
        let curve = curve_of(oid)?;
        let point = if curve == Curve::Curve25519 { native(point)? } else { point };
        let [3, 1, hash, cipher] = *rest else { return None };
        let oid_length = u8::try_from(oid.len()).ok()?;
        let fingerprint = self.fingerprint();
        let parameters =
            [&[oid_length], oid, &[ECDH, 3, 1, hash, cipher], b"Anonymous Sender    ", fingerprint.as_slice()].concat();
        Some(EcdhKey { key_id: self.key_id(), curve, point: point.to_vec(), kdf: [hash, cipher], parameters })
    }
}

fn rsa_numbers(material: &[u8]) -> Option<(&[u8], &[u8])> {
    let (n, rest) = mpi(material)?;
    let (e, rest) = mpi(rest)?;
    rest.is_empty().then_some((n, e))
}

/// The curve's OID, the point, and what follows.
fn curve_and_point(material: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = material.split_first()?;
    let (oid, rest) = rest.split_at_checked(usize::from(*length))?;
    let (point, rest) = mpi(rest)?;
    Some((oid, point, rest))
}

fn native(point: &[u8]) -> Option<&[u8]> {
    let (prefix, point) = point.split_first()?;
    (*prefix == NATIVE_POINT && point.len() == 32).then_some(point)
}

fn curve_of(oid: &[u8]) -> Option<Curve> {
    match oid {
        OID_CURVE25519 => Some(Curve::Curve25519),
        OID_P256 => Some(Curve::P256),
        OID_P384 => Some(Curve::P384),
        OID_P521 => Some(Curve::P521),
        _ => None,
    }
}
