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
    #[error("name is longer than {0} bytes")]
    Long(usize),
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

/// A name that people and identity providers write in their own case: shown as written, found in any case.
/// SECURITY: two spellings that differ in case or in blanks around them are one name, and what prints as nothing is no
/// part of any (security.md A.8).
macro_rules! folded_name {
    ($(#[$doc:meta])* $name:ident, $bytes_max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name {
            shown: String,
            folded: String,
        }

        impl $name {
            /// Trims, and folds to lower case for comparison. Errors: `Empty`, `Long`, `Control`.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let shown = text.trim();
                if shown.is_empty() {
                    return Err(NameError::Empty);
                }
                let folded = shown.to_lowercase();
                if shown.len() > $bytes_max || folded.len() > $bytes_max {
                    return Err(NameError::Long($bytes_max));
                }
                if shown.chars().any(|c| c.is_control() || is_invisible(c)) {
                    return Err(NameError::Control);
                }
                Ok(Self { shown: shown.to_owned(), folded })
            }

            /// As written, without blanks around it.
            pub fn shown(&self) -> &str {
                &self.shown
            }

            /// What it is stored and found by.
            pub fn folded(&self) -> &str {
                &self.folded
            }
        }
    };
}

folded_name!(
    /// The name of an entity: 1 to 512 bytes.
    EntityName,
    512
);
folded_name!(
    /// The name of a group of entities: 1 to 512 bytes.
    GroupName,
    512
);
folded_name!(
    /// The name by which an auth method knows somebody, or a group of its own: 1 to 1024 bytes.
    AliasName,
    1024
);

/// Characters that print as nothing and so make two names look alike.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_blanks_do_not_tell_names_apart() {
        let name = AliasName::parse("  Alice@Corp.test ").unwrap();
        assert_eq!((name.shown(), name.folded()), ("Alice@Corp.test", "alice@corp.test"));
        assert_eq!(name.folded(), AliasName::parse("ALICE@corp.TEST").unwrap().folded());
    }

    #[test]
    fn what_prints_as_nothing_is_no_part_of_a_name() {
        for text in
            ["ro\u{200b}ot", "root\u{0}", "ro\u{feff}ot", "ro\u{2066}ot", "ro\u{3164}ot", "a\u{fe0f}", "a\nb", "\u{e0041}a"]
        {
            assert_eq!(EntityName::parse(text), Err(NameError::Control), "{text:?}");
            assert_eq!(PolicyName::parse(text), Err(NameError::Control), "{text:?}");
        }
        assert_eq!(GroupName::parse(" \t "), Err(NameError::Empty));
        assert_eq!(GroupName::parse(&"x".repeat(513)), Err(NameError::Long(512)));
    }
}
