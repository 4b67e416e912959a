//! Certificates that were tampered with: a subkey that the owner did not sign must never be encrypted to.

use proptest::prelude::*;
use strongroom_pgp::Recipient;

use crate::gpg::Gpg;
use crate::now;

const FIXTURE: &str = include_str!("curve25519.b64");

fn fixture() -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(FIXTURE.trim()).unwrap()
}

#[test]
fn a_cut_certificate_is_refused_at_every_length_or_whole() {
    let bytes = fixture();
    assert!(Recipient::from_bytes(&bytes, now()).is_ok());
    for length in 0..bytes.len() {
        assert!(Recipient::from_bytes(&bytes[..length], now()).is_err(), "{length} bytes");
    }
}

#[test]
fn every_flipped_bit_of_a_signed_part_is_noticed() {
    let bytes = fixture();
    let fingerprint = Recipient::from_bytes(&bytes, now()).unwrap().fingerprint().to_owned();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        // What still reads is the same key: only the unsigned parts of a signature may differ.
        if let Ok(read) = Recipient::from_bytes(&changed, now()) {
            assert_eq!(read.fingerprint(), fingerprint, "byte {position}");
        }
    }
}

/// The attack: the victim's primary key and user id, followed by the attacker's subkey with the attacker's binding.
#[test]
fn a_foreign_subkey_under_a_genuine_fingerprint_is_refused() {
    let gpg = Gpg::new();
    gpg.make("victim", "ed25519", "none");
    gpg.make("attacker", "ed25519", "cv25519");
    let (victim, attacker) = (gpg.export("victim"), gpg.export("attacker"));
    // The attacker's packets after primary key, user id and self-signature.
    let rest = packets(&attacker).into_iter().skip(3).flatten().copied().collect::<Vec<_>>();
    let forged = [victim, rest].concat();
    assert_eq!(Recipient::from_bytes(&forged, now()).unwrap_err(), strongroom_pgp::Error::NoEncryptionKey);
    assert!(Recipient::from_bytes(&attacker, now()).is_ok());
}

/// Packets of the old format with one- or two-byte lengths, as GnuPG writes them.
fn packets(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (head, body) = match bytes[0] & 3 {
            0 => (2, usize::from(bytes[1])),
            _ => (3, usize::from(u16::from_be_bytes([bytes[1], bytes[2]]))),
        };
        let (packet, rest) = bytes.split_at(head + body);
        out.push(packet);
        bytes = rest;
    }
    out
}

proptest! {
    #[test]
    fn no_input_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Recipient::from_bytes(&bytes, now());
    }

    #[test]
    fn no_change_of_a_certificate_makes_it_panic(position in 0usize..500, byte in any::<u8>(), more in any::<u8>()) {
        let mut bytes = fixture();
        let length = bytes.len();
        bytes[position % length] = byte;
        bytes[(position * 7) % length] = more;
        let _ = Recipient::from_bytes(&bytes, now());
    }
}
