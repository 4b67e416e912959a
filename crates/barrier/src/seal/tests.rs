use strongroom_types::SecretBytes;

use super::*;
use crate::shamir;
use crate::testing::TestRng;

fn config(shares: u8, threshold: u8) -> SealConfig {
    SealConfig::shamir(shares, threshold).unwrap()
}

#[test]
fn bad_shapes_have_the_texts_of_the_contract() {
    let check = |shares, threshold, text| {
        assert_eq!(SealConfig::shamir(shares, threshold).unwrap_err().to_string(), format!("invalid seal configuration: {text}"));
    };
    check(0, 0, "shares must be at least one");
    check(3, 0, "threshold must be at least one");
    check(3, 1, "threshold must be greater than one for multiple shares");
    check(2, 3, "threshold cannot be larger than shares");
    for (shares, threshold) in [(1, 1), (2, 2), (5, 3), (255, 255)] {
        config(shares, threshold);
    }
}

#[test]
fn shares_are_read_as_hex_or_base64() {
    let bytes: Vec<u8> = (0..33).collect();
    use base64::Engine as _;
    for text in [hex::encode(&bytes), hex::encode_upper(&bytes), base64::engine::general_purpose::STANDARD.encode(&bytes)] {
        assert_eq!(parse_share(&text).unwrap().expose(), bytes, "{text}");
    }
}

#[test]
fn what_is_no_share_has_the_text_of_the_contract() {
    let check = |text: &str, answer: &str| {
        let offered = parse_share(text).and_then(|s| Unsealing::default().offer(s, &config(5, 3), &TestRng::new(1)).map(drop));
        assert_eq!(offered.unwrap_err().to_string(), answer, "{text}");
    };
    let neither = "'key' must be a valid hex or base64 string";
    check("", "'key' must be specified in request body as JSON, or 'reset' set to true");
    check("zz", neither);
    check(&"\u{e9}".repeat(20), neither);
    check("0011", "invalid key: key is shorter than minimum 16 bytes");
    check(&"ab".repeat(15), "invalid key: key is shorter than minimum 16 bytes");
    check(&"ab".repeat(34), "invalid key: key is longer than maximum 33 bytes");
    check(&"ab".repeat(100_000), "invalid key: key is longer than maximum 33 bytes");
}

#[test]
fn progress_counts_different_shares_under_one_nonce_and_ends_with_the_key() {
    let rng = TestRng::new(2);
    let key = SecretBytes::new((0..32).collect());
    let shares = shamir::split(&key, 5, 3, &rng).unwrap();
    let config = config(5, 3);
    let mut unsealing = Unsealing::default();
    assert_eq!(unsealing.progress(), Progress::default());
    for (share, given) in [(4, 1), (4, 1), (0, 2), (4, 2), (0, 2)] {
        assert!(unsealing.offer(shares[share].duplicate(), &config, &rng).unwrap().is_none());
        assert_eq!(unsealing.progress().given, given);
    }
    let nonce = unsealing.progress().nonce;
    assert_eq!(nonce.len(), 36);
    let combined = unsealing.offer(shares[2].duplicate(), &config, &rng).unwrap().unwrap();
    assert!(combined.eq_constant_time(key.expose()));
    assert_eq!(unsealing.progress(), Progress::default());
    unsealing.offer(shares[1].duplicate(), &config, &rng).unwrap();
    assert_ne!(unsealing.progress().nonce, nonce);
    unsealing.reset();
    assert_eq!(unsealing.progress(), Progress::default());
}

#[test]
fn shares_that_do_not_fit_together_start_again() {
    let rng = TestRng::new(3);
    let config = config(3, 2);
    let check = |a: Vec<u8>, b: Vec<u8>, reason: &str| {
        let mut unsealing = Unsealing::default();
        assert!(unsealing.offer(SecretBytes::new(a), &config, &rng).unwrap().is_none());
        let refused = unsealing.offer(SecretBytes::new(b), &config, &rng).err().unwrap();
        assert_eq!(refused.to_string(), format!("invalid key: failed to compute combined key: {reason}"));
        assert_eq!(unsealing.progress(), Progress::default());
    };
    check(vec![1; 33], vec![2; 32], "all parts must be the same length");
    check(vec![1; 33], [vec![2; 32], vec![1]].concat(), "duplicate part detected");
}

#[test]
fn one_share_is_the_key_itself() {
    let rng = TestRng::new(4);
    let key = Unsealing::default().offer(SecretBytes::new(vec![7; 32]), &config(1, 1), &rng).unwrap().unwrap();
    assert!(key.eq_constant_time(&[7; 32]));
}

#[test]
fn configuration_is_stored_as_plain_json() {
    let json = serde_json::to_string(&config(5, 3)).unwrap();
    assert_eq!(json, r#"{"type":"shamir","shares":5,"threshold":3}"#);
    assert_eq!(serde_json::from_str::<SealConfig>(&json).unwrap(), config(5, 3));
}
