//! Why a decision came out as it did. Cheap to carry: rules by number, text only on demand. For operators and the audit
//! log; a caller who was refused is never told.

use std::borrow::Cow;

use crate::acl::Acl;
use crate::capability::Capabilities;

/// A merged rule of the `Acl` that made the decision; means nothing to another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RuleId(pub(crate) u32);

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A root token.
    Root,
    /// Help is open to every token.
    Help,
    Granted(RuleId),
    NoRule,
    /// The rule that decides says deny.
    Denied(RuleId),
    /// The rule that decides does not cover the request.
    Missing(RuleId, Missing),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Missing {
    Capability(Capabilities),
    Sudo,
    /// Zero is no bound.
    Wrapping {
        min_s: u64,
        max_s: u64,
    },
    /// A parameter that must be sent.
    Required {
        parameter: Box<str>,
    },
    /// A parameter that must not be sent, or not with that value.
    Parameter {
        refused: Box<str>,
    },
}

impl Reason {
    /// The reason in words, with the rule's pattern and the policies it comes from. Never a parameter's value.
    /// What is allowed is not worded anew: the rule itself says enough.
    pub fn explain<'a>(&self, acl: &'a Acl) -> Cow<'a, str> {
        match self {
            Self::Root => "a root token may do everything".into(),
            Self::Help => "help is open to every token".into(),
            Self::NoRule => "no rule matches the path".into(),
            Self::Granted(rule) => acl.describe(*rule).into(),
            Self::Denied(rule) => format!("denied by {}", acl.describe(*rule)).into(),
            Self::Missing(rule, missing) => format!("not granted by {}: {missing}", acl.describe(*rule)).into(),
        }
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Capability(wanted) => write!(f, "capability {} is missing", wanted.names().join(", ")),
            Self::Sudo => f.write_str("capability sudo is missing"),
            Self::Wrapping { min_s, max_s: 0 } => write!(f, "the response must be wrapped for {min_s} s or longer"),
            Self::Wrapping { min_s, max_s } => write!(f, "the response must be wrapped for {min_s} to {max_s} s"),
            Self::Required { parameter } => write!(f, "parameter `{parameter}` is required"),
            Self::Parameter { refused } => write!(f, "parameter `{refused}` is not allowed, or not with this value"),
        }
    }
}
