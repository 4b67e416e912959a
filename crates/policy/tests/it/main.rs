//! What a policy set permits, judged from outside: tables, known defects of this family of servers, answers recorded from
//! the reference, and a naive model.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod builtin;
mod capability;
mod constraint;
mod defects;
mod differential;
mod model;
mod overview;
mod recorded;
mod text;

use std::sync::Arc;

use strongroom_policy::{Acl, Decision, NoParameters, Operation, Parameters, Policy, Request};
use strongroom_types::PolicyName;

pub fn policy(name: &str, text: &str) -> Arc<Policy> {
    let name = PolicyName::parse(name).expect("name");
    Arc::new(Policy::parse(name, text).unwrap_or_else(|error| panic!("{error} in {text}")))
}

/// The policies p0, p1, ... without values for templates.
pub fn acl(texts: &[&str]) -> Acl {
    acl_with(texts, &|_| None)
}

pub fn acl_with(texts: &[&str], fill: &dyn Fn(&str) -> Option<String>) -> Acl {
    let policies: Vec<_> = texts.iter().enumerate().map(|(n, text)| policy(&format!("p{n}"), text)).collect();
    Acl::compile(&policies, fill)
}

pub fn request(path: &str, operation: Operation) -> Request<'_> {
    Request { path, operation, needs_sudo: false, parameters: &NoParameters, wrap_ttl_s: None }
}

pub fn decide(acl: &Acl, operation: Operation, path: &str) -> Decision {
    acl.decide(&request(path, operation))
}

pub fn allows(acl: &Acl, operation: Operation, path: &str) -> bool {
    decide(acl, operation, path).allowed
}

/// Fields with values as JSON text.
pub struct Fields<'a>(pub &'a [(&'a str, &'a str)]);

impl Parameters for Fields<'_> {
    fn each(&self, visit: &mut dyn FnMut(&str, &str) -> bool) {
        let _ = self.0.iter().all(|(name, json)| visit(name, json));
    }
}
