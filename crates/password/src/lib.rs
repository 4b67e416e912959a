//! Rules for generated passwords, and passwords by these rules. Every character is drawn without bias from the random source
//! that is handed in; a policy that was read can always be met. Must never put a password into an error or a log.

mod draw;
mod generate;
mod parse;

pub use parse::ParseError;

/// What passwords by one policy look like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PasswordPolicy {
    /// In characters.
    length: usize,
    rules: Vec<Charset>,
    /// The characters of all rules, sorted, each once.
    alphabet: Vec<char>,
}

/// At least so many characters out of a set.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Charset {
    /// Sorted, each once, never empty.
    characters: Vec<char>,
    at_least: usize,
}

/// Shortest and longest password, in characters.
pub const LENGTH_MIN: usize = 4;
pub const LENGTH_MAX: usize = 100;

impl PasswordPolicy {
    /// What counts where no policy is named: 20 letters, digits and dashes, with one of each kind.
    pub fn standard() -> Self {
        let set = |characters: std::ops::RangeInclusive<char>| Charset { characters: characters.collect(), at_least: 1 };
        Self::of(20, vec![set('a'..='z'), set('A'..='Z'), set('0'..='9'), set('-'..='-')])
    }

    fn of(length: usize, rules: Vec<Charset>) -> Self {
        let mut alphabet: Vec<char> = rules.iter().flat_map(|rule| rule.characters.iter().copied()).collect();
        alphabet.sort_unstable();
        alphabet.dedup();
        Self { length, rules, alphabet }
    }
}

impl Charset {
    fn is_met_by(&self, password: &[char]) -> bool {
        password.iter().filter(|c| self.characters.binary_search(c).is_ok()).count() >= self.at_least
    }
}
