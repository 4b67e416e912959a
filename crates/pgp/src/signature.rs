//! Signatures inside a certificate: what the owner says about a key, and whether they said it. SHA-1 signatures count for
//! nothing, since collisions can be made.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self as sig, RsaPublicKeyComponents, UnparsedPublicKey};

use crate::packet::{mpi, new_length};
use crate::public_key::{Curve, VerifyingKey};

pub const DIRECT_KEY: u8 = 0x1F;
pub const SUBKEY_BINDING: u8 = 0x18;
pub const KEY_REVOCATION: u8 = 0x20;
pub const SUBKEY_REVOCATION: u8 = 0x28;

const SHA256: u8 = 8;
const SHA384: u8 = 9;
const SHA512: u8 = 10;

const SUBPACKET_CREATED: u8 = 2;
const SUBPACKET_KEY_LIFETIME: u8 = 9;
const SUBPACKET_KEY_FLAGS: u8 = 27;
const FLAGS_ENCRYPT: u8 = 0x04 | 0x08;

/// A version 4 signature, taken apart.
pub struct Signature<'a> {
    pub kind: u8,
    hash: u8,
    /// Version to end of the hashed part: signed along with the keys.
    hashed: &'a [u8],
    numbers: &'a [u8],
    /// Unix seconds; only when signed.
    pub created_s: u32,
    /// Seconds from the key's creation; zero is for ever.
    pub lifetime_s: u32,
    /// None when the signature does not say what the key is for.
    pub may_encrypt: Option<bool>,
}

impl<'a> Signature<'a> {
    /// None for other versions and for what is cut: such a signature says nothing.
    pub fn read(body: &'a [u8]) -> Option<Self> {
        let ([version, kind, _, hash], rest) = body.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (subpackets, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let hashed = body.get(..subpackets.len().checked_add(6)?)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (_, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (_, numbers) = rest.split_first_chunk::<2>()?;
        let mut signature = Self { kind: *kind, hash: *hash, hashed, numbers, created_s: 0, lifetime_s: 0, may_encrypt: None };
        signature.read_subpackets(subpackets)?;
        (*version == 4).then_some(signature)
    }

    /// Is it a certification of a user id by its owner?
    pub fn is_certification(&self) -> bool {
        (0x10..=0x13).contains(&self.kind)
    }

    fn read_subpackets(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let (length, rest) = new_length(bytes)?;
            let (subpacket, rest) = rest.split_at_checked(length)?;
            let (kind, value) = subpacket.split_first()?;
            let number = || value.first_chunk::<4>().map(|n| u32::from_be_bytes(*n));
            match kind & 0x7F {
                SUBPACKET_CREATED => self.created_s = number()?,
                SUBPACKET_KEY_LIFETIME => self.lifetime_s = number()?,
                SUBPACKET_KEY_FLAGS => self.may_encrypt = Some(value.first().is_some_and(|f| f & FLAGS_ENCRYPT != 0)),
                _ => {}
            }
            bytes = rest;
        }
        Some(())
    }

    /// Whether this key signed these bytes (keys and user id in their hashed forms) with this signature.
    pub fn is_by(&self, key: &VerifyingKey<'_>, signed: &[u8]) -> bool {
        let length = u32::try_from(self.hashed.len()).unwrap_or(u32::MAX).to_be_bytes();
        let message = [signed, self.hashed, &[4, 0xFF], &length].concat();
        match key {
            VerifyingKey::Rsa { n, e } => self.verify_rsa(n, e, &message),
            VerifyingKey::Ed25519(point) => self.verify_ed25519(point, &message),
            VerifyingKey::Ecdsa { curve, point } => self.verify_ecdsa(*curve, point, &message),
        }
        .is_some()
    }

    fn verify_rsa(&self, n: &[u8], e: &[u8], message: &[u8]) -> Option<()> {
        let (number, _) = mpi(self.numbers)?;
        let signature = left_padded(number, n.len())?;
        let parameters = match self.hash {
            SHA256 => &sig::RSA_PKCS1_2048_8192_SHA256,
            SHA384 => &sig::RSA_PKCS1_2048_8192_SHA384,
            SHA512 => &sig::RSA_PKCS1_2048_8192_SHA512,
            _ => return None,
        };
        RsaPublicKeyComponents { n, e }.verify(parameters, message, &signature).ok()
    }

    /// OpenPGP signs the hash of the message with Ed25519.
    fn verify_ed25519(&self, point: &[u8], message: &[u8]) -> Option<()> {
        let algorithm = match self.hash {
            SHA256 => &digest::SHA256,
            SHA384 => &digest::SHA384,
            SHA512 => &digest::SHA512,
            _ => return None,
        };
        let sum = digest::digest(algorithm, message);
        UnparsedPublicKey::new(&sig::ED25519, point).verify(sum.as_ref(), &self.two_numbers(32)?).ok()
    }

    fn verify_ecdsa(&self, curve: Curve, point: &[u8], message: &[u8]) -> Option<()> {
        let (algorithm, bytes) = match (curve, self.hash) {
            (Curve::P256, SHA256) => (&sig::ECDSA_P256_SHA256_FIXED, 32),
            (Curve::P384, SHA384) => (&sig::ECDSA_P384_SHA384_FIXED, 48),
            (Curve::P521, SHA512) => (&sig::ECDSA_P521_SHA512_FIXED, 66),
            _ => return None,
        };
        UnparsedPublicKey::new(algorithm, point).verify(message, &self.two_numbers(bytes)?).ok()
    }

    fn two_numbers(&self, bytes: usize) -> Option<Vec<u8>> {
        let (first, rest) = mpi(self.numbers)?;
        let (second, _) = mpi(rest)?;
        Some([left_padded(first, bytes)?, left_padded(second, bytes)?].concat())
    }
}

/// None when the number is longer.
fn left_padded(number: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let mut out = vec![0u8; bytes.checked_sub(number.len())?];
    out.extend_from_slice(number);
    Some(out)
}
