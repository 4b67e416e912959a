#![allow(clippy::arithmetic_side_effects)]

use std::collections::HashSet;

use proptest::prelude::*;
use serde::Deserialize;
use strongroom_types::SecretBytes;

use super::{combine, gf256, split};
use crate::testing::TestRng;

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}

#[test]
fn field_agrees_with_known_products() {
    // FIPS 197, section 4.2, and the inverse of 0x53.
    for (a, b, product) in [(0x57, 0x83, 0xc1), (0x57, 0x13, 0xfe), (0x53, 0xca, 0x01), (0, 0xff, 0), (1, 0xff, 0xff)] {
        assert_eq!(gf256::mul(a, b), product);
        assert_eq!(gf256::mul(b, a), product);
    }
}

/// What depends on a secret takes no branch and looks nothing up, so neither time nor cache tells of it.
#[test]
fn cve_2023_25000_the_arithmetic_has_no_branch_and_no_table() {
    let code: String = include_str!("gf256.rs").lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    assert!(code.contains("fn mul") && code.contains("fn invert"));
    for forbidden in ["if ", "match ", "while ", "&&", "||", "[", "get(", "? ", "const ", "static "] {
        assert!(!code.contains(forbidden), "`{forbidden}`");
    }
}

#[test]
fn every_element_but_zero_has_its_inverse() {
    assert_eq!(gf256::invert(0), 0);
    let inverses: HashSet<u8> =
        (1..=255).inspect(|a| assert_eq!(gf256::mul(*a, gf256::invert(*a)), 1)).map(gf256::invert).collect();
    assert_eq!(inverses.len(), 255);
}

#[derive(Deserialize)]
struct Vectors {
    sets: Vec<Set>,
}

#[derive(Deserialize)]
struct Set {
    threshold: usize,
    secret: String,
    shares: Vec<String>,
}

#[test]
fn shares_of_the_reference_combine_in_every_subset_and_order() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../vectors/shamir.json")).unwrap();
    assert!(vectors.sets.len() >= 3);
    for set in vectors.sets {
        let shares: Vec<Vec<u8>> = set.shares.iter().map(|s| hex::decode(s).unwrap()).collect();
        for subset in subsets(shares.len(), set.threshold) {
            for order in [subset.clone(), subset.iter().rev().copied().collect()] {
                let parts: Vec<_> = order.iter().map(|i| secret(&shares[*i])).collect();
                assert_eq!(hex::encode(combine(&parts).unwrap().expose()), set.secret, "{order:?}");
            }
        }
    }
}

fn subsets(n: usize, k: usize) -> Vec<Vec<usize>> {
    (0..1u32 << n).filter(|m| m.count_ones() as usize == k).map(|m| (0..n).filter(|i| m >> i & 1 == 1).collect()).collect()
}

#[test]
fn bad_shapes_and_shares_are_refused() {
    let rng = TestRng::new(1);
    for (bytes, shares, threshold) in [(&b""[..], 3, 2), (b"k", 3, 1), (b"k", 3, 0), (b"k", 2, 3), (b"k", 0, 0)] {
        assert!(split(&secret(bytes), shares, threshold, &rng).is_err(), "{shares}/{threshold}");
    }
    let check = |shares: &[&[u8]], text: &str| {
        let shares: Vec<_> = shares.iter().map(|s| secret(s)).collect();
        assert_eq!(combine(&shares).unwrap_err().to_string(), text);
    };
    check(&[], "less than two parts cannot be used to reconstruct the secret");
    check(&[&[1, 1]], "less than two parts cannot be used to reconstruct the secret");
    check(&[&[1], &[2]], "parts must be at least two bytes");
    check(&[&[1, 1], &[2, 2, 2]], "all parts must be the same length");
    check(&[&[1, 1], &[2, 1]], "duplicate part detected");
    check(&[&[1, 0], &[2, 1]], "duplicate part detected");
}

#[test]
fn one_share_less_says_nothing() {
    // With two fixed shares of three, every secret byte is equally possible: over all third shares each appears once.
    let mut seen = HashSet::new();
    for y in 0..=255u8 {
        seen.insert(combine(&[secret(&[7, 1]), secret(&[9, 2]), secret(&[y, 3])]).unwrap().expose()[0]);
    }
    assert_eq!(seen.len(), 256);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_threshold_of_shares_gives_the_secret_back(
        bytes in proptest::collection::vec(any::<u8>(), 1..64),
        (shares, threshold) in (2u8..=12).prop_flat_map(|n| (Just(n), 2..=n)),
        seed in any::<u64>(),
    ) {
        let rng = TestRng::new(seed);
        let mut parts = split(&secret(&bytes), shares, threshold, &rng).unwrap();
        let mut order = seed;
        while parts.len() > usize::from(threshold) {
            order = order.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            parts.remove((order % parts.len() as u64) as usize);
        }
        let combined = combine(&parts).unwrap();
        prop_assert_eq!(combined.expose(), &bytes[..]);
        parts.pop();
        if bytes.len() > 15 && parts.len() > 1 {
            let combined = combine(&parts).unwrap();
            prop_assert_ne!(combined.expose(), &bytes[..]);
        }
    }
}

#[test]
fn the_largest_split_works() {
    let parts = split(&secret(b"ab"), 255, 255, &TestRng::new(1)).unwrap();
    assert_eq!(combine(&parts).unwrap().expose(), b"ab");
}
