#![allow(clippy::arithmetic_side_effects)]

use std::collections::HashSet;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde::Deserialize;
use strongroom_types::SecretBytes;

use super::cipher::BLOCK_BITS;
use super::format::{self, HEADER_BYTES, Header, SALT_BYTES};
use super::*;
use crate::testing::{NOW, TestRng};

fn cipher(seed: u64) -> Cipher {
    let rng = TestRng::new(seed);
    Cipher::new(Keyring::generate(&rng, NOW), &rng).ok().unwrap()
}

fn open(cipher: &Cipher, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    cipher.open(Domain::Value, place.as_bytes(), sealed).ok().map(|plain| plain.expose().to_vec())
}

fn seal(cipher: &Cipher, place: &str, plain: &[u8]) -> Vec<u8> {
    cipher.seal(Domain::Value, place.as_bytes(), plain).ok().unwrap()
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    domain: u8,
    key: String,
    place: String,
    plain: String,
    sealed: String,
}

#[test]
fn format_agrees_with_an_independent_implementation() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../vectors/sealed.json")).unwrap();
    assert_eq!(vectors.cases.len(), 5);
    for case in vectors.cases {
        let domain = [Domain::Value, Domain::Message, Domain::Key][usize::from(case.domain) - 1];
        let (key, sealed) = (secret(&hex::decode(case.key).unwrap()), hex::decode(case.sealed).unwrap());
        let plain = hex::decode(case.plain).unwrap();
        let (header, body) = Header::decode(&sealed).ok().unwrap();
        let subkey = format::derive_subkey(&key, &header.subkey).ok().unwrap();
        let opened = format::open(&subkey, &header, domain, case.place.as_bytes(), body).ok();
        assert_eq!(opened.expect(&case.name).expose(), plain, "{}", case.name);
        let again = format::seal(&subkey, &header, domain, case.place.as_bytes(), &plain).ok();
        assert_eq!(again.expect(&case.name), sealed, "{}", case.name);
    }
}

#[test]
fn purpose_keys_agree_with_an_independent_implementation_and_survive_rotation() {
    let rng = TestRng::new(1);
    let mut blob = vec![1u8];
    blob.extend(0..32u8);
    blob.extend([0, 0, 0, 1, 0, 0, 0, 1]);
    blob.extend([0u8; 40]);
    let ring = Keyring::decode(&secret(&blob)).unwrap();
    let rotated = ring.rotated(&rng, NOW).unwrap();
    for ring in [ring, rotated] {
        let cipher = Cipher::new(ring, &rng).ok().unwrap();
        let key = cipher.derive("token mac").ok().unwrap();
        assert_eq!(hex::encode(key.expose()), "da6b9112d4c1f0c1bfeb273f6a5d5c30e1c2e5fe9ce2aba8d50e88078790a738");
        assert_ne!(cipher.derive("audit hmac").ok().unwrap().expose(), key.expose());
    }
}

#[test]
fn cve_2023_2197_s1_every_mutation_of_a_sealed_value_is_detected() {
    let cipher = cipher(2);
    let mut rng = StdRng::seed_from_u64(3);
    let originals: Vec<(String, Vec<u8>)> = (0..40)
        .map(|i| {
            let place = format!("d/{i}/key");
            let plain: Vec<u8> = (0..rng.random_range(0..300)).map(|_| rng.random()).collect();
            let sealed = seal(&cipher, &place, &plain);
            assert_eq!(open(&cipher, &place, &sealed), Some(plain));
            (place, sealed)
        })
        .collect();
    for round in 0..8_000 {
        let (place, sealed) = &originals[rng.random_range(0..originals.len())];
        let (_, other) = &originals[rng.random_range(0..originals.len())];
        let mutant = mutate(&mut rng, round % 5, sealed, other);
        if mutant != *sealed {
            assert_eq!(open(&cipher, place, &mutant), None, "round {round}");
        }
    }
}

fn mutate(rng: &mut StdRng, kind: usize, sealed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut mutant = sealed.to_vec();
    let at = rng.random_range(0..sealed.len());
    match kind {
        0 => mutant[at] ^= 1 << rng.random_range(0..8),
        1 => mutant.truncate(at),
        2 => mutant = other.to_vec(),
        3 => mutant = [&sealed[..at], &other[at.min(other.len())..]].concat(),
        _ => mutant.insert(at, rng.random()),
    }
    mutant
}

#[test]
fn every_single_bit_matters() {
    let cipher = cipher(4);
    let sealed = seal(&cipher, "k", b"value");
    for bit in 0..sealed.len() * 8 {
        let mut mutant = sealed.clone();
        mutant[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&cipher, "k", &mutant), None, "bit {bit}");
    }
}

#[test]
fn place_and_domain_are_bound() {
    let cipher = cipher(5);
    let sealed = seal(&cipher, "a/b", b"v");
    for place in ["a/c", "a/b/", "a", "", "A/b"] {
        assert_eq!(open(&cipher, place, &sealed), None, "{place}");
    }
    assert!(cipher.open(Domain::Message, b"a/b", &sealed).is_err());
    assert!(cipher.open(Domain::Key, b"a/b", &sealed).is_err());
}

#[test]
fn rotation_keeps_old_values_readable_and_seals_under_the_new_term() {
    let rng = TestRng::new(6);
    let first = cipher(6);
    let old = seal(&first, "k", b"old");
    let second = first.succeed(first.ring().rotated(&rng, NOW).unwrap(), &rng).ok().unwrap();
    let new = seal(&second, "k", b"new");
    assert_eq!(open(&second, "k", &old), Some(b"old".to_vec()));
    assert_eq!(open(&second, "k", &new), Some(b"new".to_vec()));
    assert_eq!(open(&first, "k", &new), None);
    assert!(matches!(first.open(Domain::Value, b"k", &new), Err(Unopened::UnknownTerm)));
    assert_eq!((new[4], second.encryptions()), (2, 1));
}

/// What decides key and nonce.
fn nonce_of(sealed: &[u8]) -> [u8; HEADER_BYTES] {
    *sealed.first_chunk().unwrap()
}

#[test]
fn cve_2023_4680_no_nonce_is_used_twice_within_and_across_unseals() {
    let rng = TestRng::new(7);
    let blob = Keyring::generate(&rng, NOW).encode();
    let mut seen = HashSet::new();
    let mut salts = HashSet::new();
    for _ in 0..4 {
        let cipher = Cipher::new(Keyring::decode(&blob).unwrap(), &rng).ok().unwrap();
        for _ in 0..25_000 {
            let nonce = nonce_of(&seal(&cipher, "k", b""));
            salts.insert(nonce[5..5 + SALT_BYTES].to_vec());
            assert!(seen.insert(nonce));
        }
    }
    assert_eq!((seen.len(), salts.len()), (100_000, 4));
}

#[test]
fn nonces_stay_unique_when_threads_seal_across_a_block_end() {
    let cipher = cipher(8);
    cipher.skip_to((1 << BLOCK_BITS) - 4_000);
    let nonces: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..2_000).map(|_| seal(&cipher, "k", b"v")).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    assert!(nonces.iter().all(|sealed| open(&cipher, "k", sealed).is_some()));
    let unique: HashSet<_> = nonces.iter().map(|sealed| nonce_of(sealed)).collect();
    assert_eq!(unique.len(), 8_000);
    let blocks: HashSet<_> = unique.iter().map(|n| n[21..25].to_vec()).collect();
    assert_eq!(blocks, HashSet::from([vec![0, 0, 0, 0], vec![0, 0, 0, 1]]));
}

#[test]
fn sealing_ends_before_a_block_number_repeats() {
    let cipher = cipher(9);
    cipher.skip_to(1 << (BLOCK_BITS + 32));
    assert!(cipher.seal(Domain::Value, b"k", b"v").is_err());
}

#[test]
fn a_strangers_values_do_not_fill_the_cache_of_sub_keys() {
    let cipher = cipher(10);
    let mut sealed = seal(&cipher, "k", b"v");
    let before = cipher.subkeys_len();
    for salt in 0..100u8 {
        sealed[5] = salt;
        let _ = open(&cipher, "k", &sealed);
    }
    assert_eq!(cipher.subkeys_len(), before);
}

#[test]
fn keyring_survives_its_encoding_and_refuses_any_other() {
    let rng = TestRng::new(11);
    let ring = Keyring::generate(&rng, NOW).rotated(&rng, NOW).unwrap();
    let blob = ring.encode();
    let again = Keyring::decode(&blob).unwrap();
    assert_eq!(again.encode().expose(), blob.expose());
    assert_eq!(again.active().map(|t| (t.id, t.installed_at)), Some((2, NOW)));
    let bytes = blob.expose();
    for length in 0..bytes.len() {
        assert!(Keyring::decode(&secret(&bytes[..length])).is_none(), "{length}");
    }
    for (at, value) in [(0, 2), (36, 1), (36, 3), (40, 2), (40, 0)] {
        let mut changed = bytes.to_vec();
        changed[at] = value;
        assert!(Keyring::decode(&secret(&changed)).is_none(), "{at}");
    }
    assert!(Keyring::decode(&secret(&[bytes, &[0]].concat())).is_none());
}

#[test]
fn wrapped_keys_open_with_their_key_at_their_place_only() {
    let rng = TestRng::new(12);
    let (key, other) = (random_key(&rng), random_key(&rng));
    let plain = secret(b"a key to keep");
    let wrapped = wrap(&key, b"core/x", &plain, &rng).ok().unwrap();
    assert_eq!(unwrap(&key, b"core/x", &wrapped).ok().unwrap().expose(), plain.expose());
    assert!(unwrap(&other, b"core/x", &wrapped).is_err());
    assert!(unwrap(&key, b"core/y", &wrapped).is_err());
    assert!(unwrap(&key, b"core/x", &[]).is_err());
    assert_ne!(wrap(&key, b"core/x", &plain, &rng).ok().unwrap(), wrapped);
}

/// Fails to compile as ambiguous when the type implements the trait.
macro_rules! assert_not_impl {
    ($type:ty: $($bound:path),+) => {{
        trait Ambiguous<A> { fn check() {} }
        impl<T: ?Sized> Ambiguous<()> for T {}
        $({
            struct Marker;
            impl<T: ?Sized + $bound> Ambiguous<Marker> for T {}
        })+
        let _ = <$type as Ambiguous<_>>::check;
    }};
}

#[test]
fn cve_2022_25244_s5_key_types_can_not_be_printed_copied_or_serialised() {
    assert_not_impl!(Keyring: std::fmt::Debug, Clone, serde::Serialize);
    assert_not_impl!(Term: std::fmt::Debug, Clone, serde::Serialize);
    assert_not_impl!(Cipher: std::fmt::Debug, Clone, serde::Serialize);
    assert_not_impl!(crate::session::Session: std::fmt::Debug, Clone, serde::Serialize);
    assert_not_impl!(crate::seal::ShamirSeal: std::fmt::Debug, Clone, serde::Serialize);
    assert_not_impl!(crate::InitOutput: std::fmt::Debug, Clone, serde::Serialize);
    assert_not_impl!(crate::Entry: Clone, serde::Serialize);
}
