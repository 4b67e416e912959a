//! One sealed value: a header that says which key, then ciphertext and tag. The header and the place are associated
//! data, so nothing can be swapped, spliced or moved between terms. Must never give out plaintext that failed to verify.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{self, HKDF_SHA256};
use strongroom_types::{Rng, SecretBytes};
use zeroize::{Zeroize as _, Zeroizing};

use super::KEY_BYTES;

pub(crate) const VERSION: u8 = 1;
pub(crate) const HEADER_BYTES: usize = 29;
pub(crate) const TAG_BYTES: usize = 16;
pub(crate) const SALT_BYTES: usize = 16;

/// What a sealed value is for. Part of the associated data, so that a batch token never passes for a stored value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    /// An entry of the store; the place is its key.
    Value = 1,
    /// A message that leaves the server; the place is its purpose.
    Message = 2,
    /// A key wrapped by another; the place is its key in the store.
    Key = 3,
}

/// Which sub-key and which nonce within it. `term` is zero for wrapped keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Header {
    pub subkey: SubKeyId,
    /// The nonce: counts encryptions under the sub-key.
    pub counter: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SubKeyId {
    pub term: u32,
    pub salt: [u8; SALT_BYTES],
    pub block: u32,
}

/// A value could not be sealed or opened. One for every reason.
pub(crate) struct Broken;

impl Header {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0u8; HEADER_BYTES];
        let (version, rest) = out.split_at_mut(1);
        version.copy_from_slice(&[VERSION]);
        let (term, rest) = rest.split_at_mut(4);
        term.copy_from_slice(&self.subkey.term.to_be_bytes());
        let (salt, rest) = rest.split_at_mut(SALT_BYTES);
        salt.copy_from_slice(&self.subkey.salt);
        let (block, counter) = rest.split_at_mut(4);
        block.copy_from_slice(&self.subkey.block.to_be_bytes());
        counter.copy_from_slice(&self.counter.to_be_bytes());
        out
    }

    /// The header and what follows it.
    pub fn decode(sealed: &[u8]) -> Result<(Self, &[u8]), Broken> {
        let (version, rest) = sealed.split_first().ok_or(Broken)?;
        let (term, rest) = rest.split_first_chunk().ok_or(Broken)?;
        let (salt, rest) = rest.split_first_chunk().ok_or(Broken)?;
        let (block, rest) = rest.split_first_chunk().ok_or(Broken)?;
        let (counter, body) = rest.split_first_chunk().ok_or(Broken)?;
        if *version != VERSION || body.len() < TAG_BYTES {
            return Err(Broken);
        }
        let subkey = SubKeyId { term: u32::from_be_bytes(*term), salt: *salt, block: u32::from_be_bytes(*block) };
        Ok((Self { subkey, counter: u32::from_be_bytes(*counter) }, body))
    }

    fn nonce(&self) -> Nonce {
        let mut nonce = [0u8; 12];
        if let Some(low) = nonce.last_chunk_mut::<4>() {
            *low = self.counter.to_be_bytes();
        }
        Nonce::assume_unique_for_key(nonce)
    }

    fn aad(&self, domain: Domain, place: &[u8]) -> Aad<Vec<u8>> {
        let mut aad = Vec::with_capacity(HEADER_BYTES.saturating_add(1).saturating_add(place.len()));
        aad.extend_from_slice(&self.encode());
        aad.push(domain as u8);
        aad.extend_from_slice(place);
        Aad::from(aad)
    }
}

/// HKDF-SHA256 of the term's key with the salt and the block.
pub(crate) fn derive_subkey(key: &SecretBytes, id: &SubKeyId) -> Result<LessSafeKey, Broken> {
    let mut salt = [0u8; 20];
    let (first, block) = salt.split_at_mut(SALT_BYTES);
    first.copy_from_slice(&id.salt);
    block.copy_from_slice(&id.block.to_be_bytes());
    let mut bytes = Zeroizing::new([0u8; KEY_BYTES]);
    expand(key, &salt, b"strongroom sealed value v1", bytes.as_mut_slice())?;
    UnboundKey::new(&AES_256_GCM, bytes.as_slice()).map(LessSafeKey::new).map_err(|_| Broken)
}

/// HKDF-SHA256 into the whole of `out`.
pub(crate) fn expand(key: &SecretBytes, salt: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), Broken> {
    let prk = hkdf::Salt::new(HKDF_SHA256, salt).extract(key.expose());
    prk.expand(&[info], Length(out.len())).and_then(|okm| okm.fill(out)).map_err(|_| Broken)
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Seals under an already derived sub-key. The caller guarantees that the header's counter is new for it.
pub(crate) fn seal(key: &LessSafeKey, header: &Header, domain: Domain, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Broken> {
    let mut out = Vec::with_capacity(HEADER_BYTES.saturating_add(plain.len()).saturating_add(TAG_BYTES));
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(plain);
    let (_, body) = out.split_at_mut_checked(HEADER_BYTES).ok_or(Broken)?;
    let sealed = key.seal_in_place_separate_tag(header.nonce(), header.aad(domain, place), body);
    match sealed {
        Ok(tag) => out.extend_from_slice(tag.as_ref()),
        Err(_) => {
            out.zeroize();
            return Err(Broken);
        }
    }
    Ok(out)
}

/// Opens what `Header::decode` took apart.
pub(crate) fn open(key: &LessSafeKey, header: &Header, domain: Domain, place: &[u8], body: &[u8]) -> Result<SecretBytes, Broken> {
    let (ciphertext, tag) = body.split_last_chunk::<TAG_BYTES>().ok_or(Broken)?;
    let mut plain = vec![0u8; ciphertext.len()];
    let opened = key.open_separate_gather(header.nonce(), header.aad(domain, place), ciphertext, tag, &mut plain);
    if opened.is_err() {
        // SECURITY: what failed to verify goes nowhere.
        plain.zeroize();
        return Err(Broken);
    }
    Ok(SecretBytes::new(plain))
}

/// Wraps a key for storage at `place`. A fresh salt each time makes a sub-key that encrypts just this once.
pub(crate) fn wrap(key: &SecretBytes, place: &[u8], plain: &SecretBytes, rng: &dyn Rng) -> Result<Vec<u8>, Broken> {
    let mut salt = [0u8; SALT_BYTES];
    rng.fill(&mut salt);
    let header = Header { subkey: SubKeyId { term: 0, salt, block: 0 }, counter: 0 };
    seal(&derive_subkey(key, &header.subkey)?, &header, Domain::Key, place, plain.expose())
}

/// Undoes `wrap`.
pub(crate) fn unwrap(key: &SecretBytes, place: &[u8], sealed: &[u8]) -> Result<SecretBytes, Broken> {
    let (header, body) = Header::decode(sealed)?;
    open(&derive_subkey(key, &header.subkey)?, &header, Domain::Key, place, body)
}
