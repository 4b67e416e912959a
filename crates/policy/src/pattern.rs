//! Path patterns and their order. A pattern is text with `+` for whole segments and perhaps a last `*`; everything else,
//! such as `a+b` or a `*` in the middle, is ordinary text.

use std::cmp::Reverse;

use crate::error::RuleError;

/// Most `+` segments in one pattern: bounds the recursion of a walk.
pub const PLUS_COUNT_MAX: usize = 32;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pattern {
    /// Without the last star.
    text: String,
    is_glob: bool,
    plus_count: usize,
    first_plus: Option<usize>,
}

/// A run of ordinary text, or one whole segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Plus,
}

impl Pattern {
    /// Reads a path without leading slash. Errors: `PlusStar`, `TooManyPlus`, `TooLong`.
    pub(crate) fn parse(path: &str) -> Result<Self, RuleError> {
        if path.contains("+*") {
            return Err(RuleError::PlusStar { path: path.to_owned() });
        }
        if path.len() > strongroom_types::PATH_BYTES_MAX {
            return Err(RuleError::TooLong);
        }
        let (text, is_glob) = path.strip_suffix('*').map_or((path, false), |text| (text, true));
        let plus = pluses(text);
        let plus_count = plus.clone().count();
        if plus_count > PLUS_COUNT_MAX {
            return Err(RuleError::TooManyPlus);
        }
        let first_plus = plus.clone().next();
        Ok(Self { text: text.to_owned(), is_glob, plus_count, first_plus })
    }

    /// With every letter folded: see `fold`.
    pub(crate) fn folded(&self) -> Self {
        let text = fold(&self.text);
        let first_plus = pluses(&text).next();
        Self { text, first_plus, ..*self }
    }

    /// Matches every path.
    pub(crate) fn all() -> Self {
        Self { text: String::new(), is_glob: true, plus_count: 0, first_plus: None }
    }

    pub(crate) fn is_glob(&self) -> bool {
        self.is_glob
    }

    pub(crate) fn has_plus(&self) -> bool {
        self.plus_count > 0
    }

    /// The text without the last star.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The pieces in order. Text may be empty; a `+` always stands between slashes or at an end.
    pub(crate) fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let mut from: usize = 0;
        for at in pluses(&self.text) {
            pieces.push(Piece::Text(self.text.get(from..at).unwrap_or_default()));
            pieces.push(Piece::Plus);
            from = at.saturating_add(1);
        }
        pieces.push(Piece::Text(self.text.get(from..).unwrap_or_default()));
        pieces
    }

    /// Sorts patterns with wildcards, the one to prefer last: a later first wildcard, then no star, then fewer `+`,
    /// then longer, then larger text. The order does not depend on the path, so it is computed once.
    pub(crate) fn precedence(&self) -> impl Ord + use<> {
        let first_wildcard = self.first_plus.unwrap_or(self.text.len());
        (first_wildcard, !self.is_glob, Reverse(self.plus_count), self.text.len(), self.text.clone())
    }

    /// True when two patterns without star differ in a trailing slash at most, and so name one folder.
    pub(crate) fn is_same_folder(&self, other: &Self) -> bool {
        let trimmed = |pattern: &Self| pattern.text.strip_suffix('/').unwrap_or(&pattern.text).len();
        !self.is_glob && !other.is_glob && self.text.get(..trimmed(self)) == other.text.get(..trimmed(other))
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.text, if self.is_glob { "*" } else { "" })
    }
}

/// Letter by letter in lower case, whatever stands around it. SECURITY: unlike `str::to_lowercase`, so that the beginning of
/// a text folds to the beginning of the folded text: lower case has two forms of sigma, which count as one.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// Where `+` stands as a whole segment.
fn pluses(text: &str) -> impl Iterator<Item = usize> + Clone {
    let mut next: usize = 0;
    text.split('/').filter_map(move |segment| {
        let at = next;
        next = next.saturating_add(segment.len()).saturating_add(1);
        (segment == "+").then_some(at)
    })
}
