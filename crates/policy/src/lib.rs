//! Policies: parse, compile, decide, explain. Pure and synchronous: no I/O, no clock, no randomness, no namespace or
//! mount. A policy set compiles once into an [`Acl`]; a decision is a walk along the path. What cannot be understood,
//! filled in or compared denies. It must never act on another spelling of a path than the one it judged: callers hand
//! in canonical paths only (security.md A.8).

mod acl;
mod builtin;
mod capability;
mod constraint;
mod decide;
mod error;
mod overview;
mod parse;
mod pattern;
mod reason;
mod template;
mod tree;
mod value;

#[cfg(test)]
mod tests;

pub use acl::Acl;
pub use builtin::{DEFAULT_POLICY, RESPONSE_WRAPPING_POLICY};
pub use capability::{Capabilities, Operation};
pub use constraint::{NoParameters, Parameters};
pub use decide::{Decision, Request};
pub use error::{ParseError, RuleError};
pub use parse::Policy;
pub use pattern::{PLUS_COUNT_MAX, fold};
pub use reason::{Missing, Reason, RuleId};
