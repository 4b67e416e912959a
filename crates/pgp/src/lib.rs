//! OpenPGP as far as key ceremonies need it: a small secret is encrypted to somebody's public key, and GnuPG opens it. Reads
//! version 4 certificates (RFC 4880, RFC 6637), writes one message. Every primitive comes from the one crypto library;
//! decisions and limits: docs/decisions/0011-openpgp.md. Must never encrypt to a key that its owner did not sign into the
//! certificate: the fingerprint that people compare covers the primary key alone.

mod certificate;
mod der;
mod encrypt;
mod packet;
mod public_key;
mod signature;

use base64::Engine as _;
use strongroom_types::{Rng, Timestamp};

use crate::public_key::EncryptionKey;

/// Longest certificate that is read, in bytes: some carry photographs and hundreds of signatures.
const CERTIFICATE_BYTES_MAX: usize = 256 * 1024;

/// Why a key can't be used. Never quotes the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the key is not base64")]
    NotBase64,
    #[error("keybase names are not looked up, since the server opens no connection of its own: give the public key itself")]
    Keybase,
    #[error("the key is longer than 256 KiB")]
    TooLong,
    #[error("not an OpenPGP public key: {0}")]
    Malformed(&'static str),
    #[error("this is a private key: give the public key")]
    Private,
    #[error("the key has been revoked")]
    Revoked,
    #[error("the key has expired")]
    Expired,
    #[error("only version 4 keys are supported")]
    Version,
    #[error(
        "the key has no part that can be encrypted to: an RSA (2048 bits or more), Curve25519 or NIST ECDH key is needed, \
         meant for encryption, not expired, and signed by the primary key with SHA-2"
    )]
    NoEncryptionKey,
    /// A cryptographic operation that can't fail did.
    #[error("encrypting failed")]
    Encryption,
}

pub type Result<T> = std::result::Result<T, Error>;

/// Somebody to encrypt to.
pub struct Recipient {
    fingerprint: String,
    key: EncryptionKey,
}

/// Keys are public; their material is only long.
impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipient").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Recipient {
    /// Reads a binary certificate in base64 (white space is passed over), as `gpg --export | base64` prints it.
    pub fn read(text: &str, now: Timestamp) -> Result<Self> {
        if text.starts_with("keybase:") {
            return Err(Error::Keybase);
        }
        let compact: String = text.split_ascii_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(compact).map_err(|_| Error::NotBase64)?;
        Self::from_bytes(&bytes, now)
    }

    /// Reads a binary certificate.
    pub fn from_bytes(bytes: &[u8], now: Timestamp) -> Result<Self> {
        if bytes.len() > CERTIFICATE_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let now_s = u32::try_from(now.unix_s()).unwrap_or(u32::MAX);
        let (primary, key) = certificate::encryption_key(bytes, now_s)?;
        // What can't be encrypted to is told now, and not when shares are there.
        encrypt::check(&key)?;
        Ok(Self { fingerprint: hex::encode(primary), key })
    }

    /// Of the primary key, 40 lower-case hex digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// One binary message (PKESK version 3, SEIPD version 1) that only the key's owner opens.
    pub fn encrypt(&self, plain: &[u8], rng: &dyn Rng) -> Result<Vec<u8>> {
        encrypt::message(&self.key, plain, rng)
    }
}
