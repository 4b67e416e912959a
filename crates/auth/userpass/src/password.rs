//! Passwords and their hashes: Argon2id for every new password, bcrypt for imported hashes until their user logs in.

use std::hint::black_box;

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use strongroom_engine::{Error, Result};
use strongroom_types::{Rng, SecretString, eq_constant_time};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Longest password in bytes: what bcrypt takes, so that a password can be hashed either way.
const PASSWORD_BYTES_MAX: usize = 72;
/// Costliest bcrypt hash that may be imported: each step doubles the time of every failed login.
const BCRYPT_COST_MAX: u32 = 15;
const BCRYPT_COST_MIN: u32 = 4;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash that a user's record holds.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop, Clone)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    Argon2id(Argon2idHash),
    /// In its usual text form, `$2b$10$...`.
    Bcrypt(String),
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop, Clone)]
pub struct Argon2idHash {
    memory_kib: u32,
    passes: u32,
    /// Both in hex.
    salt: String,
    hash: String,
}

/// A password that may be set. Errors: `Invalid` naming the rule.
pub fn acceptable(password: SecretString) -> Result<SecretString> {
    if password.expose().len() > PASSWORD_BYTES_MAX {
        return Err(Error::InvalidListed("password length exceeds 72 bytes".into()));
    }
    Ok(password)
}

/// Errors: `Invalid` naming the rule.
pub fn imported(hash: &SecretString) -> Result<(Stored, u32)> {
    let malformed = || Error::invalid("password_hash is not a valid bcrypt hash");
    let parts: bcrypt::HashParts = hash.expose().parse().map_err(|_| malformed())?;
    let cost = parts.get_cost();
    if !(BCRYPT_COST_MIN..=BCRYPT_COST_MAX).contains(&cost) {
        return Err(Error::invalid(format!("password_hash must have a bcrypt cost of {BCRYPT_COST_MIN} to {BCRYPT_COST_MAX}")));
    }
    Ok((Stored::Bcrypt(hash.expose().to_owned()), cost))
}

pub type Salt = [u8; 16];

pub fn new_salt(rng: &dyn Rng) -> Salt {
    let mut salt = Salt::default();
    rng.fill(&mut salt);
    salt
}

/// Takes tens of milliseconds: for the pool only.
pub fn hash(password: &SecretString, salt: Salt) -> Result<Stored> {
    let raw = argon2id(password.expose(), &salt, MEMORY_KIB, PASSES)?;
    let (salt, hash) = (hex::encode(salt), hex::encode(*raw));
    Ok(Stored::Argon2id(Argon2idHash { memory_kib: MEMORY_KIB, passes: PASSES, salt, hash }))
}

fn argon2id(password: &str, salt: &[u8], memory_kib: u32, passes: u32) -> Result<zeroize::Zeroizing<[u8; 32]>> {
    #[cfg(test)]
    tests::count(Work::Argon2id);
    let failed = |e: argon2::Error| Error::Internal(format!("hashing a password: {e}"));
    let mut out = zeroize::Zeroizing::new([0u8; 32]);
    let params = Params::new(memory_kib, passes, LANES, Some(out.len())).map_err(failed)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.as_bytes(), salt, out.as_mut()).map_err(failed)?;
    Ok(out)
}

/// Whether this is the password. Takes tens of milliseconds and more: for the pool only. `costliest_import` is the highest
/// bcrypt cost that the mount ever imported.
/// SECURITY (CVE-2025-6011): a wrong password costs the same whatever hash the user has and whether there is one at all.
pub fn check(stored: Option<&Stored>, password: &SecretString, costliest_import: Option<u32>) -> Result<bool> {
    // No stored password is longer; what is too long is not hashed, or its length would be the caller's lever.
    let fits = password.expose().len() <= PASSWORD_BYTES_MAX;
    let text = if fits { password.expose() } else { "" };
    let matches = match stored {
        Some(Stored::Argon2id(kept)) => kept.matches(text)?,
        Some(Stored::Bcrypt(kept)) => bcrypt_matches(text, kept)?,
        None => false,
    };
    if matches && fits {
        return Ok(true);
    }
    for work in missing_work(stored, costliest_import) {
        work.perform(text)?;
    }
    Ok(false)
}

fn damaged() -> Error {
    Error::Internal("a stored password hash is damaged".into())
}

impl Argon2idHash {
    fn matches(&self, password: &str) -> Result<bool> {
        let decode = |text: &str| hex::decode(text).map_err(|_| damaged());
        let (salt, kept) = (decode(&self.salt)?, decode(&self.hash)?);
        let raw = argon2id(password, &salt, self.memory_kib, self.passes)?;
        Ok(eq_constant_time(raw.as_ref(), &kept))
    }
}

fn bcrypt_matches(password: &str, kept: &str) -> Result<bool> {
    #[cfg(test)]
    tests::count(Work::Bcrypt(cost_of(kept)));
    bcrypt::verify(password, kept).map_err(|_| damaged())
}

fn cost_of(kept: &str) -> u32 {
    kept.parse::<bcrypt::HashParts>().map_or(BCRYPT_COST_MIN, |parts| parts.get_cost())
}

/// One hash, for its time alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Work {
    Argon2id,
    Bcrypt(u32),
}

impl Work {
    fn perform(self, password: &str) -> Result<()> {
        match self {
            Self::Argon2id => drop(black_box(argon2id(password, &[0; 16], MEMORY_KIB, PASSES)?)),
            Self::Bcrypt(cost) => {
                #[cfg(test)]
                tests::count(self);
                let _ = black_box(bcrypt::hash_with_salt(password, cost, [0; 16]).map_err(|_| damaged())?);
            }
        }
        Ok(())
    }
}

/// What a failed check adds, so that all of them cost one Argon2id hash and, where hashes were imported, one bcrypt hash of
/// the highest cost. A bcrypt hash of cost c takes 2^c rounds: c, then c, c+1, ... up to below the highest make the same sum.
fn missing_work(stored: Option<&Stored>, costliest_import: Option<u32>) -> Vec<Work> {
    match (stored, costliest_import) {
        (Some(Stored::Argon2id(_)), highest) => highest.map(Work::Bcrypt).into_iter().collect(),
        (Some(Stored::Bcrypt(kept)), highest) => {
            let own = cost_of(kept);
            let rest = (own..highest.unwrap_or(own)).map(Work::Bcrypt);
            std::iter::once(Work::Argon2id).chain(rest).collect()
        }
        (None, highest) => std::iter::once(Work::Argon2id).chain(highest.map(Work::Bcrypt)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bcrypt_of(password: &str, cost: u32) -> Stored {
        Stored::Bcrypt(bcrypt::hash_with_salt(password, cost, [7; 16]).unwrap().to_string())
    }

    thread_local! {
        /// Hashes made on this test's thread.
        static DONE: std::cell::RefCell<Vec<Work>> = const { std::cell::RefCell::new(Vec::new()) };
    }

    pub fn count(work: Work) {
        DONE.with_borrow_mut(|done| done.push(work));
    }

    /// Argon2id hashes and bcrypt rounds that a check makes.
    fn work_of(stored: Option<&Stored>, password: &str, costliest_import: Option<u32>) -> (usize, u64) {
        DONE.take();
        let _ = check(stored, &SecretString::from(password), costliest_import).unwrap();
        let done = DONE.take();
        let rounds = |work: &Work| if let Work::Bcrypt(cost) = work { 1_u64 << cost } else { 0 };
        (done.iter().filter(|work| **work == Work::Argon2id).count(), done.iter().map(rounds).fold(0, u64::saturating_add))
    }

    /// CVE-2025-6011, by counting the hashes that are made instead of by a clock.
    #[test]
    fn cve_2025_6011_a_failure_costs_the_same_for_every_kind_of_user() {
        let argon2 = hash(&SecretString::from("x"), [1; 16]).unwrap();
        let too_long = "x".repeat(73);
        for password in ["wrong", "", &too_long] {
            for stored in [Some(&argon2), None] {
                assert_eq!(work_of(stored, password, None), (1, 0));
                assert_eq!(work_of(stored, password, Some(7)), (1, 1 << 7));
            }
            for own in BCRYPT_COST_MIN..=6 {
                for highest in own..=8 {
                    assert_eq!(
                        work_of(Some(&bcrypt_of("x", own)), password, Some(highest)),
                        (1, 1 << highest),
                        "{own} of {highest}"
                    );
                }
            }
        }
    }

    #[test]
    fn only_the_right_password_matches() {
        let password = SecretString::from("right");
        for stored in [hash(&password, [3; 16]).unwrap(), bcrypt_of("right", 4)] {
            assert!(check(Some(&stored), &password, Some(4)).unwrap());
            for wrong in ["Right", "right ", "", "righ", "right\u{0}"] {
                assert!(!check(Some(&stored), &SecretString::from(wrong), Some(4)).unwrap(), "{wrong:?}");
            }
        }
        assert!(!check(None, &password, None).unwrap());
    }

    /// bcrypt alone would cut at 72 bytes.
    #[test]
    fn longer_passwords_are_refused_and_never_match() {
        let (full, longer) = ("a".repeat(72), "a".repeat(73));
        assert!(acceptable(SecretString::new(full.clone())).is_ok());
        assert!(acceptable(SecretString::new(longer.clone())).is_err());
        for stored in [hash(&SecretString::new(full.clone()), [3; 16]).unwrap(), bcrypt_of(&full, 4)] {
            assert!(check(Some(&stored), &SecretString::new(full.clone()), Some(4)).unwrap());
            assert!(!check(Some(&stored), &SecretString::new(longer.clone()), Some(4)).unwrap());
        }
        // What is too long is replaced by an empty text for the time it takes; that must not match either.
        let empty = bcrypt_of("", 4);
        assert!(!check(Some(&empty), &SecretString::new(longer), Some(4)).unwrap());
    }

    #[test]
    fn imports_must_be_bcrypt_of_a_bearable_cost() {
        for (text, fits) in [
            ("$2b$10$abcdefghijklmnopqrstuu3KWNuWLhBnmgYfnzONPueahDuedC/lu", true),
            ("$2b$04$abcdefghijklmnopqrstuu3KWNuWLhBnmgYfnzONPueahDuedC/lu", true),
            ("$2b$16$abcdefghijklmnopqrstuu3KWNuWLhBnmgYfnzONPueahDuedC/lu", false),
            ("$2b$03$abcdefghijklmnopqrstuu3KWNuWLhBnmgYfnzONPueahDuedC/lu", false),
            ("$2b$10$abcdefghijklmnopqrstuu3KWNuWLhBnmgYfnzONPueahDuedC/l", false),
            ("not-bcrypt", false),
        ] {
            assert_eq!(imported(&SecretString::from(text)).is_ok(), fits, "{text}");
        }
    }
}
