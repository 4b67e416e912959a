//! The little DER that the crypto library wants around an RSA public key.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// SEQUENCE { OID rsaEncryption, NULL }.
const RSA_ENCRYPTION: &[u8] = &[0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00];

/// `SubjectPublicKeyInfo` of an RSA key.
pub fn rsa_public_key(n: &[u8], e: &[u8]) -> Vec<u8> {
    let key = element(SEQUENCE, &[unsigned(n), unsigned(e)].concat());
    let bits = element(BIT_STRING, &[&[0], key.as_slice()].concat());
    element(SEQUENCE, &[RSA_ENCRYPTION, bits.as_slice()].concat())
}

/// A non-negative INTEGER: no superfluous zeros, and one where the sign bit would be set.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|b| **b == 0).count();
    let number = number.get(zeros..).unwrap_or_default();
    let needs_zero = number.first().is_none_or(|b| b & 0x80 != 0);
    let padded = if needs_zero { [&[0], number].concat() } else { number.to_vec() };
    element(INTEGER, &padded)
}

fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    match length {
        [0, 0, 0, short @ 0..128] => out.push(short),
        [0, 0, 0, one] => out.extend([0x81, one]),
        [0, 0, high, low] => out.extend([0x82, high, low]),
        [a, b, c, d] => out.extend([0x84, a, b, c, d]),
    }
    out.extend_from_slice(body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_lengths_are_in_their_shortest_form() {
        assert_eq!(unsigned(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(element(4, &[0; 127])[..2], [4, 127]);
        assert_eq!(element(4, &[0; 128])[..3], [4, 0x81, 128]);
        assert_eq!(element(4, &[0; 256])[..4], [4, 0x82, 1, 0]);
    }
}
