//! Why a policy text was refused. Texts are the wire contract's, as they stand after `failed to parse policy: `.
//! Parameter values never appear in them.

use strongroom_types::DurationError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error(transparent)]
    Syntax(#[from] strongroom_hcl::ParseError),
    #[error("invalid key {key:?} on line {line}")]
    UnknownKey { key: String, line: u32 },
    #[error("path {path:?}: {problem}")]
    Rule { path: String, problem: RuleError },
}

/// What is wrong with one rule. Some texts name the path again: that is what clients see from the reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("path {path:?}: invalid capability {name:?}")]
    Capability { path: String, name: String },
    #[error("path {path:?}: invalid policy {level:?}")]
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
    #[error("parameter {name:?} of {key} is given twice")]
    ParameterTwice { key: &'static str, name: String },
    #[error("error parsing {key}: {source}")]
    Duration { key: &'static str, source: DurationError },
    #[error("max_wrapping_ttl cannot be less than min_wrapping_ttl")]
    WrappingBounds,
    #[error("invalid key {key:?} on line {line}")]
    UnknownKey { key: String, line: u32 },
}
