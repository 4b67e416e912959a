//! Packets of a certificate: the frame around everything in OpenPGP. Reads lengths of both formats, never beyond the input.

use crate::{Error, Result};

pub const SECRET_KEY: u8 = 5;
pub const SIGNATURE: u8 = 2;
pub const PUBLIC_KEY: u8 = 6;
pub const USER_ID: u8 = 13;
pub const PUBLIC_SUBKEY: u8 = 14;

/// One packet: its tag and its body.
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    pub tag: u8,
    pub body: &'a [u8],
}

/// All packets of the input. Errors: `Malformed` for anything that is not framed.
pub fn all(mut bytes: &[u8]) -> Result<Vec<Packet<'_>>> {
    let mut packets = Vec::new();
    while let Some((head, rest)) = bytes.split_first() {
        let (packet, rest) = if head & 0xC0 == 0xC0 {
            new_format(head & 0x3F, rest)
        } else if head & 0x80 == 0x80 {
            old_format(*head, rest)
        } else {
            None
        }
        .ok_or(Error::Malformed("a packet is cut or has no frame"))?;
        packets.push(packet);
        bytes = rest;
    }
    Ok(packets)
}

/// None also for partial lengths, which no certificate has.
fn new_format(tag: u8, bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let (length, rest) = new_length(bytes)?;
    take(tag, length, rest)
}

/// A length as packets of the new format and signature subpackets have it.
pub fn new_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match *first {
        short @ 0..192 => Some((usize::from(short), rest)),
        high @ 192..224 => {
            let (low, rest) = rest.split_first()?;
            let length = usize::from(high).checked_sub(192)?.checked_mul(256)?.checked_add(usize::from(*low))?;
            Some((length.checked_add(192)?, rest))
        }
        255 => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            Some((usize::try_from(u32::from_be_bytes(*length)).ok()?, rest))
        }
        _ => None,
    }
}

fn old_format(head: u8, bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let (length, rest) = match head & 3 {
        0 => bytes.split_first().map(|(n, rest)| (usize::from(*n), rest))?,
        1 => bytes.split_first_chunk::<2>().map(|(n, rest)| (usize::from(u16::from_be_bytes(*n)), rest))?,
        2 => {
            let (n, rest) = bytes.split_first_chunk::<4>()?;
            (usize::try_from(u32::from_be_bytes(*n)).ok()?, rest)
        }
        _ => return None,
    };
    take((head >> 2) & 0x0F, length, rest)
}

fn take(tag: u8, length: usize, bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let (body, rest) = bytes.split_at_checked(length)?;
    Some((Packet { tag, body }, rest))
}

/// A multiprecision integer: bit count, then the bytes.
pub fn mpi(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (bits, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*bits)).div_ceil(8))
}

/// Writes a number as a multiprecision integer, without leading zeros.
pub fn push_mpi(out: &mut Vec<u8>, number: &[u8]) {
    let zeros = number.iter().take_while(|b| **b == 0).count();
    let number = number.get(zeros..).unwrap_or_default();
    let unused = number.first().map_or(0, |b| usize::try_from(b.leading_zeros()).unwrap_or(0));
    let bits = number.len().saturating_mul(8).saturating_sub(unused);
    out.extend_from_slice(&u16::try_from(bits).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(number);
}

/// Writes a packet in the new format.
pub fn push(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(0xC0 | tag);
    match u8::try_from(body.len()) {
        Ok(short @ 0..192) => out.push(short),
        _ => {
            out.push(255);
            out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    out.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_both_formats_are_read_and_cut_ones_refused() {
        let mut bytes = vec![0x98, 2, 1, 2, 0x99, 0, 1, 3, 0xC6, 1, 4];
        push(&mut bytes, 13, &[7; 191]);
        push(&mut bytes, 13, &[8; 192]);
        let found: Vec<_> = all(&bytes).unwrap().iter().map(|p| (p.tag, p.body.len())).collect();
        assert_eq!(found, [(6, 2), (6, 1), (6, 1), (13, 191), (13, 192)]);
        for cut in [1, 2, 3, 5, 9, bytes.len() - 1] {
            assert!(all(&bytes[..cut]).is_err(), "{cut}");
        }
        for odd in [&[0x00, 1, 2][..], &[0xC6, 0xE1, 2], &[0x9B, 1]] {
            assert!(all(odd).is_err());
        }
    }

    #[test]
    fn long_lengths_have_two_bytes_or_five() {
        assert_eq!(new_length(&[192, 0]).unwrap().0, 192);
        assert_eq!(new_length(&[223, 255]).unwrap().0, 8383);
        assert_eq!(new_length(&[255, 0, 1, 0, 0]).unwrap().0, 65536);
    }

    #[test]
    fn integers_lose_their_leading_zeros_and_count_their_bits() {
        let mut out = Vec::new();
        push_mpi(&mut out, &[0, 0, 1, 255]);
        assert_eq!(out, [0, 9, 1, 255]);
        assert_eq!(mpi(&out).unwrap(), (&[1, 255][..], &[][..]));
        assert!(mpi(&[0, 9, 1]).is_none());
    }
}
