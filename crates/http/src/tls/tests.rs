use strongroom_types::SecretBytes;

use super::{Tls, TlsError};
use crate::config::TlsConfig;

struct Pair {
    chain: Vec<u8>,
    key: Vec<u8>,
}

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Pair { chain: made.cert.pem().into_bytes(), key: made.signing_key.serialize_pem().into_bytes() }
}

fn check(chain: &[u8], key: &[u8], expected: Option<fn(&TlsError) -> bool>) {
    let outcome = Tls::new(TlsConfig::new(chain.to_vec(), SecretBytes::new(key.to_vec())));
    match (outcome, expected) {
        (Ok(_), None) => {}
        (Err(error), Some(is_expected)) => assert!(is_expected(&error), "{error:?}"),
        (outcome, _) => panic!("{outcome:?}"),
    }
}

#[test]
fn only_a_certificate_with_its_own_key_is_taken() {
    let (one, two) = (pair(), pair());
    check(&one.chain, &one.key, None);
    check(&one.chain, &two.key, Some(|error| matches!(error, TlsError::Pair(_))));
    check(b"", &one.key, Some(|error| matches!(error, TlsError::Chain)));
    check(&one.key, &one.key, Some(|error| matches!(error, TlsError::Chain)));
    check(&one.chain, &one.chain, Some(|error| matches!(error, TlsError::Key)));
    check(&one.chain, b"nonsense", Some(|error| matches!(error, TlsError::Key)));
}

#[test]
fn a_bad_reload_keeps_the_old_certificate() {
    let (one, two) = (pair(), pair());
    let tls = Tls::new(TlsConfig::new(one.chain, SecretBytes::new(one.key))).unwrap();
    let before = tls.certificate.0.load_full();
    assert!(tls.reload(&two.chain, &SecretBytes::new(b"nonsense".to_vec())).is_err());
    assert_eq!(tls.certificate.0.load_full().cert, before.cert);
    tls.reload(&two.chain, &SecretBytes::new(two.key)).unwrap();
    assert_ne!(tls.certificate.0.load_full().cert, before.cert);
}

#[test]
fn the_key_is_in_no_debug_text() {
    let one = pair();
    let key_text = String::from_utf8(one.key.clone()).unwrap();
    let middle = key_text.lines().nth(1).unwrap().to_owned();
    let config = TlsConfig::new(one.chain, SecretBytes::new(one.key));
    assert!(!format!("{config:?}").contains(&middle));
    assert!(!format!("{:?}", Tls::new(config).unwrap()).contains(&middle));
}
