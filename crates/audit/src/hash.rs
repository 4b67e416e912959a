//! The keyed hash that stands for a value in the log: `hmac-sha256:` and hex, as the reference prints it. Whoever knows
//! a value can find it in the log (`sys/audit-hash`); whoever has only the log learns nothing about it.

use aws_lc_rs::hmac;
use strongroom_types::SecretBytes;

const PREFIX: &[u8] = b"hmac-sha256:";

/// One device's key, scheduled once.
#[derive(Clone)]
pub struct HashKey(hmac::Key);

impl HashKey {
    /// Any length; 32 random bytes in production.
    pub fn new(key: &SecretBytes) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// What `sys/audit-hash` answers for this value.
    pub fn hash(&self, value: &str) -> String {
        let mut out = Vec::with_capacity(76);
        self.push(&mut out, value.as_bytes());
        String::from_utf8(out).unwrap_or_default()
    }

    pub(crate) fn push(&self, out: &mut Vec<u8>, value: &[u8]) {
        push_tag(out, &hmac::sign(&self.0, value));
    }

    /// As a quoted JSON string.
    pub(crate) fn push_quoted(&self, out: &mut Vec<u8>, value: &[u8]) {
        out.push(b'"');
        self.push(out, value);
        out.push(b'"');
    }

    /// For values that come in pieces.
    pub(crate) fn context(&self) -> hmac::Context {
        hmac::Context::with_key(&self.0)
    }
}

pub(crate) fn push_tag(out: &mut Vec<u8>, tag: &hmac::Tag) {
    out.extend_from_slice(PREFIX);
    let mut digits = [0u8; 64];
    if hex::encode_to_slice(tag.as_ref(), &mut digits).is_ok() {
        out.extend_from_slice(&digits);
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: RFC 4231, test case 2.
    #[test]
    fn hash_is_hmac_sha256_of_the_value() {
        let key = HashKey::new(&SecretBytes::new(b"Jefe".to_vec()));
        let expected = "hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(key.hash("what do ya want for nothing?"), expected);
        assert_eq!(format!("{key:?}"), "HashKey(..)");
    }
}
