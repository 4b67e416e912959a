//! Passwords by a policy: uniform among all that meet the rules, unless those are so rare that none turned up.

use strongroom_types::{Rng, SecretString};
use zeroize::Zeroizing;

use crate::PasswordPolicy;
use crate::draw::Draw;

/// Passwords drawn before the rules are met by construction. Usual policies need fewer than ten.
const TRIES_MAX: usize = 1_000;

impl PasswordPolicy {
    /// A fresh password. Takes bounded time and never fails.
    pub fn generate(&self, rng: &dyn Rng) -> SecretString {
        let mut draw = Draw::new(rng);
        let mut password = Zeroizing::new(vec!['\0'; self.length]);
        for _ in 0..TRIES_MAX {
            password.iter_mut().for_each(|place| *place = draw.one_of(&self.alphabet));
            if self.rules.iter().all(|rule| rule.is_met_by(&password)) {
                return text(&password);
            }
        }
        self.construct(&mut draw, &mut password);
        text(&password)
    }

    /// What each rule asks for, the rest from the whole alphabet, all in random order.
    fn construct(&self, draw: &mut Draw<'_>, password: &mut [char]) {
        let owed = self.rules.iter().flat_map(|rule| std::iter::repeat_n(&rule.characters, rule.at_least));
        for (place, characters) in password.iter_mut().zip(owed.chain(std::iter::repeat(&self.alphabet))) {
            *place = draw.one_of(characters);
        }
        for end in (1..password.len()).rev() {
            password.swap(end, draw.below(end.saturating_add(1)));
        }
    }
}

fn text(password: &[char]) -> SecretString {
    // Room for the longest characters, so that no part of it is left behind by growing.
    let mut text = String::with_capacity(password.len().saturating_mul(4));
    text.extend(password);
    SecretString::new(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};

    use strongroom_types::Rng;

    use crate::PasswordPolicy;
    use crate::draw::Draw;

    /// SplitMix64: enough for statistics, the same in every run.
    struct Seeded(AtomicU64);

    impl Rng for Seeded {
        fn fill(&self, out: &mut [u8]) {
            for chunk in out.chunks_mut(8) {
                let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^= z >> 31;
                chunk.copy_from_slice(&z.to_be_bytes()[..chunk.len()]);
            }
        }
    }

    fn seeded() -> Seeded {
        Seeded(AtomicU64::new(7))
    }

    /// Pearson's chi-squared against equal shares; `limit` is the 99.99 % quantile for the number of cells.
    fn check_uniform<T: Ord>(drawn: impl Iterator<Item = T>, cells: usize, limit: f64) {
        let mut counts = BTreeMap::<T, u32>::new();
        for value in drawn {
            let count = counts.entry(value).or_default();
            *count = count.saturating_add(1);
        }
        assert_eq!(counts.len(), cells);
        let total: u32 = counts.values().sum();
        let expected = f64::from(total) / cells as f64;
        let chi: f64 = counts.values().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
        assert!(chi < limit, "chi-squared {chi} of {cells} cells");
    }

    #[test]
    fn numbers_have_no_bias() {
        let rng = seeded();
        let mut draw = Draw::new(&rng);
        check_uniform((0..100_000).map(|_| draw.below(10)), 10, 33.7);
        check_uniform((0..100_000).map(|_| draw.below(97)), 97, 155.0);
        assert_eq!((draw.below(0), draw.below(1)), (0, 0));
    }

    /// What falls into the last, incomplete round of 32 bits is thrown away.
    #[test]
    fn the_incomplete_round_is_left_out() {
        struct Words(std::sync::Mutex<Vec<u32>>);
        impl Rng for Words {
            fn fill(&self, out: &mut [u8]) {
                for word in out.chunks_mut(4) {
                    word.copy_from_slice(&self.0.lock().unwrap().pop().unwrap_or_default().to_be_bytes());
                }
            }
        }
        // 2^32 = 3 * 1,431,655,765 + 1: only the very last number is beyond.
        let words = Words(std::sync::Mutex::new(vec![u32::MAX - 1, u32::MAX]));
        assert_eq!(Draw::new(&words).below(3), 2);
        let words = Words(std::sync::Mutex::new(vec![0, u32::MAX]));
        assert_eq!(Draw::new(&words).below(4), 3);
    }

    #[test]
    fn passwords_are_uniform_among_all_that_meet_the_rules() {
        let rule = |set: &str, n: u32| format!("rule \"charset\" {{\n charset = \"{set}\"\n min-chars = {n}\n}}\n");
        let policy = PasswordPolicy::parse(&format!("length = 4\n{}{}", rule("ab", 1), rule("1", 1))).unwrap();
        let rng = seeded();
        // 3^4 words, less 2^4 without a digit and the one without a letter.
        check_uniform((0..64_000).map(|_| policy.generate(&rng).expose().to_owned()), 64, 115.0);
    }

    #[test]
    fn rules_that_are_hardly_ever_met_by_chance_are_met() {
        let sets = ["z", "y", "x", "w"];
        let rules: String =
            sets.iter().map(|s| format!("rule \"charset\" {{\n charset = \"{s}\"\n min-chars = 25\n}}\n")).collect();
        let policy = PasswordPolicy::parse(&format!("length = 100\n{rules}")).unwrap();
        let rng = seeded();
        let mut first = Vec::new();
        for _ in 0..50 {
            let password = policy.generate(&rng);
            for set in sets {
                assert_eq!(password.expose().matches(set).count(), 25);
            }
            first.extend(password.expose().chars().next());
        }
        assert!(sets.iter().all(|s| first.iter().any(|c| s.starts_with(*c))), "the order is random");
    }

    #[test]
    fn a_thousand_passwords_meet_the_standard_policy_and_differ() {
        let (policy, rng) = (PasswordPolicy::standard(), seeded());
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            let password = policy.generate(&rng);
            let chars: Vec<char> = password.expose().chars().collect();
            assert!(chars.len() == 20 && policy.rules.iter().all(|rule| rule.is_met_by(&chars)));
            assert!(seen.insert(password.expose().to_owned()));
        }
    }
}
