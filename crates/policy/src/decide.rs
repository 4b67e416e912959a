//! One request, one decision. The order of the checks is the reference's: deny and capability, sudo, wrapping,
//! parameters. Nothing here allocates unless the request is refused or its rule has parameter conditions.

use crate::acl::{Acl, Hit};
use crate::capability::{Capabilities, Operation};
use crate::constraint::Parameters;
use crate::reason::{Missing, Reason};

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Canonical, without leading slash. A list or scan may come with or without its trailing slash.
    pub path: &'a str,
    pub operation: Operation,
    /// The route is root-protected: sudo is needed besides the plain capability.
    pub needs_sudo: bool,
    /// Body and query fields. Must not be left out where there are any: conditions are held against them.
    pub parameters: &'a dyn Parameters,
    /// Seconds for which the response is to be wrapped; None when it is not.
    pub wrap_ttl_s: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "a decision that nobody looks at protects nothing"]
pub struct Decision {
    pub allowed: bool,
    pub reason: Reason,
}

impl Acl {
    /// Decides about one request. Whatever no rule grants is denied.
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        if self.is_root() {
            return Decision { allowed: true, reason: Reason::Root };
        }
        let Some(needed) = request.operation.needs() else {
            return Decision { allowed: true, reason: Reason::Help };
        };
        let reason = match self.rule_for(request.path, request.operation) {
            None => Reason::NoRule,
            Some((rule, merged)) if merged.capabilities.is_deny() => Reason::Denied(rule),
            Some((rule, merged)) => match check(request, needed, merged.capabilities, merged.constraints.as_deref()) {
                Ok(()) => Reason::Granted(rule),
                Err(missing) => Reason::Missing(rule, missing),
            },
        };
        Decision { allowed: matches!(reason, Reason::Granted(_)), reason }
    }

    fn rule_for(&self, path: &str, operation: Operation) -> Hit<'_> {
        if operation.is_on_folder() && !path.is_empty() && !path.ends_with('/') {
            return self.deciding(&format!("{path}/"), true);
        }
        self.deciding(path, operation.is_on_folder())
    }
}

fn check(
    request: &Request<'_>,
    needed: Capabilities,
    granted: Capabilities,
    constraints: Option<&crate::constraint::Constraints>,
) -> Result<(), Missing> {
    if !granted.contains(needed) {
        return Err(Missing::Capability(needed));
    }
    if request.needs_sudo && !granted.contains(Capabilities::SUDO) {
        return Err(Missing::Sudo);
    }
    let Some(constraints) = constraints else { return Ok(()) };
    constraints.check_wrapping(request.wrap_ttl_s)?;
    if request.operation.takes_parameters() { constraints.check_parameters(request.parameters) } else { Ok(()) }
}
