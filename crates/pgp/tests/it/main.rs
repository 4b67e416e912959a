//! Against the real GnuPG: what we encrypt, it decrypts; what it revokes, lets expire or signs badly, we refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod gpg;
mod hostile;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use strongroom_pgp::{Error, Recipient};
use strongroom_types::{Rng, Timestamp};

use crate::gpg::Gpg;

pub struct Random;

impl Rng for Random {
    fn fill(&self, out: &mut [u8]) {
        SystemRandom::new().fill(out).unwrap();
    }
}

/// By the machine's clock, as the keys of the tests are made.
#[expect(clippy::disallowed_methods, reason = "GnuPG reads the machine's clock")]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_ns(u64::try_from(since.as_nanos()).unwrap())
}

fn opens(gpg: &Gpg, name: &str) {
    let exported = gpg.export(name);
    let text = base64::engine::general_purpose::STANDARD.encode(&exported);
    let recipient = Recipient::read(&text, now()).unwrap();
    assert_eq!(recipient.fingerprint(), gpg.fingerprint(name));
    for plain in [&b""[..], b"s", &[0x0D, 0x0A, 0xFF, 0], &[b'x'; 5000]] {
        let message = recipient.encrypt(plain, &Random).unwrap();
        assert_eq!(gpg.decrypt(&message), plain, "{name}: {} bytes", plain.len());
    }
    let one = recipient.encrypt(b"same", &Random).unwrap();
    assert_ne!(one, recipient.encrypt(b"same", &Random).unwrap(), "every message has a session key of its own");
    let mut changed = one.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(gpg.try_decrypt(&changed), None, "a changed message is noticed");
}

#[test]
fn gnupg_opens_messages_to_rsa_2048() {
    let gpg = Gpg::new();
    gpg.make("rsa2048", "rsa2048", "default");
    opens(&gpg, "rsa2048");
}

#[test]
fn gnupg_opens_messages_to_rsa_4096() {
    let gpg = Gpg::new();
    gpg.make("rsa4096", "rsa4096", "default");
    opens(&gpg, "rsa4096");
}

#[test]
fn gnupg_opens_messages_to_curve_25519() {
    let gpg = Gpg::new();
    gpg.make("curve", "ed25519", "cv25519");
    opens(&gpg, "curve");
}

#[test]
fn gnupg_opens_messages_to_nist_curves() {
    let gpg = Gpg::new();
    for curve in ["nistp256", "nistp521"] {
        gpg.make(curve, curve, curve);
        opens(&gpg, curve);
    }
}

/// GnuPG asks for AES-192 key wrapping with this curve, which the crypto library does not have.
#[test]
fn a_key_that_wants_what_is_missing_is_refused_when_it_is_read() {
    let gpg = Gpg::new();
    gpg.make("nistp384", "nistp384", "nistp384");
    assert_eq!(Recipient::from_bytes(&gpg.export("nistp384"), now()).unwrap_err(), Error::NoEncryptionKey);
}

#[test]
fn the_newest_encryption_subkey_counts() {
    let gpg = Gpg::new();
    gpg.make("several", "rsa2048", "default");
    gpg.add_subkey("several", "cv25519", "encr", "never");
    opens(&gpg, "several");
}

#[test]
fn a_key_that_only_signs_is_refused() {
    let gpg = Gpg::new();
    gpg.make("signs", "rsa2048", "none");
    assert_eq!(Recipient::from_bytes(&gpg.export("signs"), now()).unwrap_err(), Error::NoEncryptionKey);
}

#[test]
fn a_private_key_is_refused_by_name() {
    let gpg = Gpg::new();
    gpg.make("private", "ed25519", "cv25519");
    assert_eq!(Recipient::from_bytes(&gpg.export_private("private"), now()).unwrap_err(), Error::Private);
}

#[test]
fn revoked_and_expired_keys_are_refused() {
    let gpg = Gpg::new();
    gpg.make("expires", "ed25519", "none");
    gpg.add_subkey("expires", "cv25519", "encr", "1d");
    let exported = gpg.export("expires");
    assert!(Recipient::from_bytes(&exported, now()).is_ok());
    let later = Timestamp::from_ns(now().ns() + 2 * 86_400 * 1_000_000_000);
    assert_eq!(Recipient::from_bytes(&exported, later).unwrap_err(), Error::NoEncryptionKey);
    gpg.make("revoked", "ed25519", "cv25519");
    assert!(Recipient::from_bytes(&gpg.export("revoked"), now()).is_ok());
    gpg.revoke("revoked");
    assert_eq!(Recipient::from_bytes(&gpg.export("revoked"), now()).unwrap_err(), Error::Revoked);
}

#[test]
fn what_is_no_key_is_told_without_quoting_it() {
    let read = |text: &str| Recipient::read(text, now()).unwrap_err();
    assert_eq!(read("keybase:somebody"), Error::Keybase);
    assert!(read("keybase:somebody").to_string().contains("opens no connection"));
    assert_eq!(read("!!"), Error::NotBase64);
    assert_eq!(read(""), Error::Malformed("it is empty"));
    assert_eq!(read(&"A".repeat(400_000)), Error::TooLong);
}
