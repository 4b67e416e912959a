//! Stage 4: may this caller do this here. Deny by default; whatever cannot be evaluated denies. What is missing is
//! answered only now, to those who may know.

use std::sync::Arc;

use strongroom_audit::Kept;
use strongroom_barrier::{Intent, Txn};
use strongroom_engine::{Attributes, Caller, Error, FieldSet, Operation, Peek, Result, Route, Verb};
use strongroom_policy::{Acl, Decision, Parameters};

use super::route::Target;
use super::{Identified, Known, Refused, Routed};
use crate::Core;
use crate::token::LiveToken;

/// A request that policy permits. Only `judge` makes it.
pub struct Permitted {
    pub(super) routed: Routed,
    pub(super) token: Option<Arc<LiveToken>>,
    pub(super) judgement: Judgement,
}

/// The decision on one operation, with its reason.
pub struct Judgement {
    pub operation: Operation,
    pub has_sudo: bool,
    acl: Option<Arc<Acl>>,
    decision: Option<Decision>,
    /// The look that found nothing, for the first try to start from: the store need not be asked again. A look that found
    /// something is thrown away, or the wait for the audit log would become part of the conflict window.
    pub(super) absent: Option<Box<Txn>>,
    /// What the records of this judgement say alike.
    pub(super) recorded: Kept,
}

impl Judgement {
    pub fn is_allowed(&self) -> bool {
        self.decision.as_ref().is_none_or(|d| d.allowed)
    }

    /// Which rule led to it, for the audit log.
    pub fn reason(&self) -> std::borrow::Cow<'_, str> {
        match (&self.acl, &self.decision) {
            (Some(acl), Some(decision)) => decision.reason.explain(acl),
            _ => "no token needed".into(),
        }
    }
}

pub async fn judge(core: &Core, identified: Identified) -> std::result::Result<Permitted, Refused> {
    let Identified { routed, token } = identified;
    let judged = decide(core, &routed, token.as_ref()).await;
    let mount = routed.target.mount().cloned();
    let refuse = |error, admitted, token, decision| {
        Err(Refused { error, known: Box::new(Known { admitted: Some(admitted), token, mount, decision, route: None }) })
    };
    match judged {
        Err(error) => refuse(error, routed.admitted, token, None),
        Ok(judgement) if !judgement.is_allowed() => refuse(Error::Denied, routed.admitted, token, Some(judgement)),
        Ok(judgement) => match routed.target {
            Target::Missing { error, .. } => refuse(error, routed.admitted, token, Some(judgement)),
            target => Ok(Permitted { routed: Routed { admitted: routed.admitted, target }, token, judgement }),
        },
    }
}

impl Permitted {
    /// What the log is told when the request is over.
    pub fn into_known(self) -> Known {
        let mount = self.routed.target.mount().cloned();
        let route = self.routed.target.index();
        Known { admitted: Some(self.routed.admitted), token: self.token, mount, route, decision: Some(self.judgement) }
    }
}

/// Judges again when create or update changed since.
pub async fn judge_again(core: &Core, permitted: Permitted) -> std::result::Result<Permitted, Refused> {
    judge(core, Identified { routed: permitted.routed, token: permitted.token }).await
}

async fn decide(core: &Core, routed: &Routed, token: Option<&Arc<LiveToken>>) -> Result<Judgement> {
    let attributes = routed.target.attributes();
    let (operation, absent) = operation(core, routed).await?;
    let path = routed.admitted.path.as_str();
    let open = attributes.no_token || attributes.any_token || routed.admitted.help;
    let acl = match token.filter(|_| !open || attributes.asks_sudo) {
        Some(token) => Some(token.acl(&core.policies).await?),
        None => None,
    };
    let Some(mut judge) = acl.as_ref().filter(|_| !open).cloned() else {
        let has_sudo = acl.is_some_and(|acl| has_sudo(&acl, attributes, path));
        return Ok(Judgement { operation, has_sudo, acl: None, decision: None, absent, recorded: Kept::default() });
    };
    let mut found = one_spelling(&judge, routed, operation, path);
    if found.decision.allowed
        && let (Target::Route { rest, .. }, Some(route)) = (&routed.target, routed.target.route())
        && let Some(folded) = folded_path(route, path, rest)
    {
        // SECURITY (CVE-2026-89322): what the handler acts on is judged too, against the rules with their paths folded alike.
        let acl = judge.folded();
        let canonical = one_spelling(&acl, routed, operation, &folded);
        found.has_sudo &= canonical.has_sudo;
        if !canonical.decision.allowed {
            (judge, found.decision) = (acl, canonical.decision);
        }
    }
    Ok(Judgement {
        operation,
        has_sudo: found.has_sudo,
        acl: Some(judge),
        decision: Some(found.decision),
        absent,
        recorded: Kept::default(),
    })
}

/// The one form of a path whose name the route finds in any spelling, to be held against `Acl::folded`. None where a name has
/// one spelling only. `rest` is the part of the path below its mount.
pub fn folded_path(route: &Route, path: &str, rest: &str) -> Option<String> {
    let below = route.folded(rest)?;
    Some(strongroom_policy::fold(&format!("{}{below}", path.strip_suffix(rest)?)))
}

/// What policy says of one spelling of a path.
struct Spelling {
    decision: Decision,
    has_sudo: bool,
}

fn one_spelling(acl: &Acl, routed: &Routed, operation: Operation, path: &str) -> Spelling {
    let (attributes, admitted) = (routed.target.attributes(), &routed.admitted);
    let decision = acl.decide(&strongroom_policy::Request {
        path,
        operation: policy_operation(operation),
        needs_sudo: attributes.sudo,
        parameters: &Body(&admitted.fields),
        wrap_ttl_s: (!admitted.wrap_ttl.is_zero()).then_some(admitted.wrap_ttl.as_s()),
    });
    Spelling { decision, has_sudo: has_sudo(acl, attributes, path) }
}

/// Only where somebody asks for it.
fn has_sudo(acl: &Acl, attributes: Attributes, path: &str) -> bool {
    attributes.asks_sudo && acl.capabilities(path).iter().any(|c| matches!(*c, "sudo" | "root"))
}

/// Create or update is read here and checked again in the transaction that writes.
async fn operation(core: &Core, routed: &Routed) -> Result<(Operation, Option<Box<Txn>>)> {
    if let Target::Route { mount, rest, .. } = &routed.target
        && let Some(route) = routed.target.route().filter(|r| r.has_existence_check())
    {
        let peek = Peek::within(core.view.txn(Intent::Write), mount.facts.clone());
        let operation = route.operation(&peek, rest).await?;
        return Ok((operation, peek.into_txn().filter(|_| operation == Operation::Create).map(Box::new)));
    }
    let operation = match routed.admitted.verb {
        Some(Verb::Write) => Operation::Update,
        Some(Verb::Patch) => Operation::Patch,
        Some(Verb::Delete) => Operation::Delete,
        Some(Verb::List) => Operation::List,
        Some(Verb::Scan) => Operation::Scan,
        Some(Verb::Read) | None => Operation::Read,
    };
    Ok((operation, None))
}

fn policy_operation(operation: Operation) -> strongroom_policy::Operation {
    match operation {
        Operation::Create => strongroom_policy::Operation::Create,
        Operation::Read => strongroom_policy::Operation::Read,
        Operation::Update => strongroom_policy::Operation::Update,
        Operation::Patch => strongroom_policy::Operation::Patch,
        Operation::Delete => strongroom_policy::Operation::Delete,
        Operation::List => strongroom_policy::Operation::List,
        Operation::Scan => strongroom_policy::Operation::Scan,
    }
}

/// The fields that parameter constraints look at.
struct Body<'a>(&'a FieldSet);

impl Parameters for Body<'_> {
    fn each(&self, visit: &mut dyn FnMut(&str, &str) -> bool) {
        let _ = self.0.iter().all(|(name, json)| visit(name, json));
    }
}

/// The caller as handlers see it.
pub fn caller(token: Option<&Arc<LiveToken>>) -> Option<Arc<Caller>> {
    token.map(|t| t.caller.clone())
}
