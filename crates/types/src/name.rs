//! Names that users give to things: one type per kind, one constructor, one spelling.

/// A policy's name: lower case, trimmed, 1 to 128 bytes, no control or invisible characters, no slashes at the ends.
/// SECURITY: policies are stored, looked up and judged by this form only (security.md A.8).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PolicyName(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("name is empty")]
    Empty,
    #[error("name is longer than 128 bytes")]
    TooLong,
    #[error("name contains a control or invisible character")]
    Control,
    #[error("name must not contain a dot segment")]
    DotSegment,
}

impl PolicyName {
    /// Folds to lower case and trims. Errors: see `NameError`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let folded = text.trim().to_lowercase();
        if folded.is_empty() {
            return Err(NameError::Empty);
        }
        if folded.len() > 128 {
            return Err(NameError::TooLong);
        }
        if folded.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err(NameError::Control);
        }
        if folded.split('/').any(|s| s == "." || s == "..") {
            return Err(NameError::DotSegment);
        }
        Ok(Self(folded))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PolicyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that print as nothing and so make two names look alike.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}
