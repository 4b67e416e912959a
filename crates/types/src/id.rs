//! Identifiers: UUIDs and base-62 texts.

use crate::Rng;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A random UUID (version 4) in its usual form.
pub fn uuid_v4(rng: &dyn Rng) -> String {
    let mut b = [0u8; 16];
    rng.fill(&mut b);
    let n = (u128::from_be_bytes(b) & !(0xf000_u128 << 64) & !(0xc000_u128 << 48)) | (0x4000_u128 << 64) | (0x8000_u128 << 48);
    let mut text = String::with_capacity(36);
    for digit in (0..32u32).rev() {
        if matches!(digit, 23 | 19 | 15 | 11) {
            text.push('-');
        }
        let value = (n >> digit.saturating_mul(4)) & 0xf;
        text.push(char::from_digit(value as u32, 16).unwrap_or('0'));
    }
    text
}

/// `length` characters of the base-62 alphabet, each uniformly random (rejection sampling).
pub fn random_base62(rng: &dyn Rng, length: usize) -> String {
    let mut out = String::with_capacity(length);
    let mut pool = [0u8; 64];
    while out.len() < length {
        rng.fill(&mut pool);
        let fresh = pool.iter().filter(|b| **b < 248).map(|b| base62_digit(b % 62));
        out.extend(fresh.take(length.saturating_sub(out.len())));
    }
    out
}

/// The base-62 digit of a value below 62; larger values wrap.
fn base62_digit(value: u8) -> char {
    ALPHABET.get(usize::from(value % 62)).map_or('0', |b| char::from(*b))
}

/// Fixed-width base-62 of big-endian bytes, in chunks of eight bytes to eleven digits, so that it is cheap,
/// reversible and keeps the order of its input.
pub mod base62 {
    use super::{ALPHABET, base62_digit};

    /// Digits that `bytes` bytes take. `bytes` must be a multiple of eight.
    pub const fn width(bytes: usize) -> usize {
        (bytes / 8).saturating_mul(11)
    }

    /// Encodes a multiple of eight bytes; a shorter tail is left out.
    pub fn encode(bytes: &[u8], out: &mut String) {
        for chunk in bytes.as_chunks::<8>().0 {
            let mut n = u64::from_be_bytes(*chunk);
            let mut digits = ['0'; 11];
            for d in digits.iter_mut().rev() {
                *d = base62_digit((n % 62) as u8);
                n /= 62;
            }
            out.extend(digits);
        }
    }

    /// Decodes into exactly `out`. None when length, alphabet or range are wrong.
    pub fn decode(text: &str, out: &mut [u8]) -> Option<()> {
        let (chunks, rest) = text.as_bytes().as_chunks::<11>();
        if !rest.is_empty() || chunks.len().checked_mul(8)? != out.len() {
            return None;
        }
        for (chunk, place) in chunks.iter().zip(out.as_chunks_mut::<8>().0) {
            let mut n: u64 = 0;
            for c in chunk {
                n = n.checked_mul(62)?.checked_add(u64::from(value(*c)?))?;
            }
            *place = n.to_be_bytes();
        }
        Some(())
    }

    fn value(c: u8) -> Option<u8> {
        let v = match c {
            b'0'..=b'9' => c.checked_sub(b'0')?,
            b'A'..=b'Z' => c.checked_sub(b'A')?.checked_add(10)?,
            b'a'..=b'z' => c.checked_sub(b'a')?.checked_add(36)?,
            _ => return None,
        };
        debug_assert_eq!(ALPHABET.get(usize::from(v)), Some(&c));
        Some(v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Rng for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    #[test]
    fn a_uuid_says_that_it_is_random() {
        assert_eq!(uuid_v4(&Fixed(0)), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_v4(&Fixed(0xff)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid_v4(&Fixed(0x1a)), "1a1a1a1a-1a1a-4a1a-9a1a-1a1a1a1a1a1a");
    }

    #[test]
    fn base62_keeps_bytes_and_order() {
        let mut before = String::new();
        for n in [0u64, 1, 61, 62, 1 << 32, u64::MAX - 1, u64::MAX] {
            let mut text = String::new();
            base62::encode(&n.to_be_bytes(), &mut text);
            let mut back = [0u8; 8];
            base62::decode(&text, &mut back).unwrap();
            assert_eq!((u64::from_be_bytes(back), text.len()), (n, base62::width(8)));
            assert!(before < text);
            before = text;
        }
        for bad in ["", "0", "zzzzzzzzzzz", "0000000000-", "0000000000000000000000"] {
            assert!(base62::decode(bad, &mut [0u8; 8]).is_none(), "{bad}");
        }
    }
}
