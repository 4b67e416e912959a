//! One message to one key: a fresh session key for the recipient (PKESK version 3), then the text under it with a
//! modification check (SEIPD version 1). The form that GnuPG 2 and every smart card open.

use aws_lc_rs::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap as _};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use strongroom_types::Rng;
use zeroize::Zeroizing;

use crate::packet;
use crate::public_key::{Curve, EcdhKey, EncryptionKey};
use crate::{Error, Result, der};

const SESSION_KEY_PACKET: u8 = 1;
const LITERAL_PACKET: u8 = 11;
const SEALED_PACKET: u8 = 18;
/// Head of the packet that holds the modification check: tag 19, 20 bytes.
const CHECK_HEAD: [u8; 2] = [0xD3, 20];
const AES_256_ID: u8 = 9;
const BLOCK_BYTES: usize = 16;
const SESSION_KEY_BYTES: usize = 32;

pub fn message(key: &EncryptionKey, plain: &[u8], rng: &dyn Rng) -> Result<Vec<u8>> {
    let mut session_key = Zeroizing::new([0u8; SESSION_KEY_BYTES]);
    rng.fill(session_key.as_mut_slice());
    let mut out = Vec::new();
    packet::push(&mut out, SESSION_KEY_PACKET, &for_recipient(key, &session_key)?);
    packet::push(&mut out, SEALED_PACKET, &sealed(&session_key, plain, rng)?);
    Ok(out)
}

/// Errors: `NoEncryptionKey` for one that looks like a key and is none, such as a point that is not on its curve.
pub fn check(key: &EncryptionKey) -> Result<()> {
    for_recipient(key, &[0; SESSION_KEY_BYTES]).map(drop)
}

/// The session key as only the recipient can read it.
fn for_recipient(key: &EncryptionKey, session_key: &[u8; SESSION_KEY_BYTES]) -> Result<Vec<u8>> {
    let sum = session_key.iter().fold(0u16, |sum, b| sum.wrapping_add(u16::from(*b)));
    let encoded = Zeroizing::new([&[AES_256_ID], session_key.as_slice(), &sum.to_be_bytes()].concat());
    match key {
        EncryptionKey::Rsa { key_id, n, e } => {
            let mut body = head(key_id, 1);
            packet::push_mpi(&mut body, &rsa(n, e, &encoded)?);
            Ok(body)
        }
        EncryptionKey::Ecdh(key) => ecdh(key, &encoded),
    }
}

fn head(key_id: &[u8; 8], algorithm: u8) -> Vec<u8> {
    [&[3], key_id.as_slice(), &[algorithm]].concat()
}

fn rsa(n: &[u8], e: &[u8], encoded: &[u8]) -> Result<Vec<u8>> {
    let failed = |_| Error::Encryption;
    let key = PublicEncryptingKey::from_der(&der::rsa_public_key(n, e)).map_err(|_| Error::NoEncryptionKey)?;
    let key = Pkcs1PublicEncryptingKey::new(key).map_err(failed)?;
    let mut out = vec![0u8; key.ciphertext_size()];
    let length = key.encrypt(encoded, &mut out).map_err(failed)?.len();
    out.truncate(length);
    Ok(out)
}

/// RFC 6637: an ephemeral key agrees with the recipient's, and what comes of it wraps the session key.
fn ecdh(key: &EcdhKey, encoded: &[u8]) -> Result<Vec<u8>> {
    let algorithm = match key.curve {
        Curve::Curve25519 => &agreement::X25519,
        Curve::P256 => &agreement::ECDH_P256,
        Curve::P384 => &agreement::ECDH_P384,
        Curve::P521 => &agreement::ECDH_P521,
    };
    let ephemeral = EphemeralPrivateKey::generate(algorithm, &SystemRandom::new()).map_err(|_| Error::Encryption)?;
    let public = ephemeral.compute_public_key().map_err(|_| Error::Encryption)?;
    let peer = UnparsedPublicKey::new(algorithm, &key.point);
    let wrapped = agree_ephemeral(ephemeral, peer, Error::NoEncryptionKey, |shared| wrap(key, shared, encoded))?;
    let mut body = head(&key.key_id, 18);
    let prefix: &[u8] = if key.curve == Curve::Curve25519 { &[0x40] } else { &[] };
    packet::push_mpi(&mut body, &[prefix, public.as_ref()].concat());
    body.push(u8::try_from(wrapped.len()).map_err(|_| Error::Encryption)?);
    body.extend_from_slice(&wrapped);
    Ok(body)
}

fn wrap(key: &EcdhKey, shared: &[u8], encoded: &[u8]) -> Result<Vec<u8>> {
    let [hash, cipher] = key.kdf;
    let hash = match hash {
        8 => &digest::SHA256,
        9 => &digest::SHA384,
        10 => &digest::SHA512,
        _ => return Err(Error::NoEncryptionKey),
    };
    let (cipher, key_bytes) = match cipher {
        7 => (&key_wrap::AES_128, 16),
        9 => (&key_wrap::AES_256, 32),
        _ => return Err(Error::NoEncryptionKey),
    };
    let input = Zeroizing::new([&[0, 0, 0, 1], shared, key.parameters.as_slice()].concat());
    let derived = digest(hash, &input);
    let wrapping_key = derived.as_ref().get(..key_bytes).ok_or(Error::Encryption)?;
    let kek = AesKek::new(cipher, wrapping_key).map_err(|_| Error::Encryption)?;
    let padded = padded_to_eight(encoded);
    let mut out = vec![0u8; padded.len().saturating_add(8)];
    let length = kek.wrap(&padded, &mut out).map_err(|_| Error::Encryption)?.len();
    out.truncate(length);
    Ok(out)
}

/// PKCS#5: one to eight bytes, each saying how many.
fn padded_to_eight(encoded: &[u8]) -> Zeroizing<Vec<u8>> {
    let missing = 8usize.saturating_sub(encoded.len() % 8);
    let padding = vec![u8::try_from(missing).unwrap_or(8); missing];
    Zeroizing::new([encoded, padding.as_slice()].concat())
}

/// Random block, its last two bytes again, the text as a literal packet, SHA-1 over all of it: under AES-256-CFB.
fn sealed(session_key: &[u8; SESSION_KEY_BYTES], plain: &[u8], rng: &dyn Rng) -> Result<Vec<u8>> {
    let mut prefix = [0u8; BLOCK_BYTES];
    rng.fill(&mut prefix);
    let again = prefix.last_chunk::<2>().copied().unwrap_or_default();
    // Binary, no file name, no date.
    let literal = Zeroizing::new([&[b'b', 0, 0, 0, 0, 0], plain].concat());
    let mut packet = Zeroizing::new(Vec::with_capacity(literal.len().saturating_add(8)));
    packet::push(&mut packet, LITERAL_PACKET, &literal);
    let mut body = Zeroizing::new([prefix.as_slice(), &again, &packet, &CHECK_HEAD].concat());
    let check = digest(&SHA1_FOR_LEGACY_USE_ONLY, &body);
    let mut whole = Zeroizing::new([body.as_slice(), check.as_ref()].concat());
    body.clear();
    let key = UnboundCipherKey::new(&AES_256, session_key).and_then(EncryptingKey::cfb128).map_err(|_| Error::Encryption)?;
    let zero = EncryptionContext::Iv128(FixedLength::from([0u8; BLOCK_BYTES]));
    key.less_safe_encrypt(&mut whole, zero).map_err(|_| Error::Encryption)?;
    Ok([&[1], whole.as_slice()].concat())
}
