//! Why a policy text was refused. Texts are the wire contract's, as they stand after `failed to parse policy: `.
//! SECURITY: nothing that was written beside a path appears in them: it may be a secret in the wrong place, and the text
//! goes into the audit log.

use strongroom_types::DurationError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error(transparent)]
    Syntax(#[from] strongroom_hcl::ParseError),
    #[error("invalid key on line {line}")]
    UnknownKey { key: String, line: u32 },
    #[error("path {path:?}: {problem}")]
    Rule { path: String, problem: RuleError },
}

/// What is wrong with one rule. Some texts name the path again: that is what clients see from the reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("path {path:?}: invalid capability; it is one of create, read, update, patch, delete, list, scan, sudo, deny")]
    Capability { path: String, name: String },
    #[error("path {path:?}: invalid policy; it is one of read, write, sudo, deny")]
    Level { path: String, level: String },
    #[error("path {path:?}: invalid use of wildcards ('+*' is forbidden)")]
    PlusStar { path: String },
    #[error("more than 32 `+` segments")]
    TooManyPlus,
    #[error("longer than 16384 bytes")]
    TooLong,
    #[error("failed to validate policy templating: unbalanced templating characters")]
    Unbalanced,
    #[error("{key} must be {expected}")]
    Type { key: &'static str, expected: &'static str },
    #[error("a parameter of {key} is given twice")]
    ParameterTwice { key: &'static str, name: String },
    #[error("error parsing {key}: {}", duration_text(.source))]
    Duration { key: &'static str, source: DurationError },
    #[error("max_wrapping_ttl cannot be less than min_wrapping_ttl")]
    WrappingBounds,
    #[error("invalid key on line {line}")]
    UnknownKey { key: String, line: u32 },
}

fn duration_text(error: &DurationError) -> &'static str {
    match error {
        DurationError::Malformed(_) => "time: invalid duration",
        DurationError::Negative => "duration must not be negative",
    }
}
