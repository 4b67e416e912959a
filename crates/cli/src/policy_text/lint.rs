//! Looks over a policy for what is allowed but hardly meant. Must never say that a policy is good for something: only the server
//! knows which paths there are.

use std::collections::BTreeSet;

use strongroom_hcl::{Block, Value};
use strongroom_policy::Policy;

/// One finding a line. Errors: the policy would be refused, and why.
pub(crate) fn lint(text: &str) -> Result<Vec<String>, String> {
    let name = strongroom_types::PolicyName::parse("lint").map_err(|_| "the name is not a name".to_owned())?;
    Policy::parse(name, text).map_err(|error| error.to_string())?;
    let body = strongroom_hcl::parse(text).map_err(|error| error.to_string())?;
    let rules = body.blocks("path", 1).map_err(|error| error.to_string())?;
    if rules.is_empty() {
        return Ok(vec!["it has no rules, so it grants nothing".to_owned()]);
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for rule in &rules {
        let path = rule.labels.first().copied().unwrap_or_default();
        let mut say = |what: &str| found.push(format!("line {}: path {path:?} {what}", rule.position.line));
        if !seen.insert(path) {
            say("is here twice: the capabilities of both count");
        }
        about_path(path, &mut say);
        about_capabilities(rule, &mut say);
    }
    Ok(found)
}

fn about_path(path: &str, say: &mut impl FnMut(&str)) {
    if path.starts_with('/') || path.starts_with("v1/") {
        say("matches nothing: paths begin with the mount, without / and v1/");
    }
    if path == "*" {
        say("matches every path of the server");
    }
    if path.strip_suffix('*').unwrap_or(path).contains('*') {
        say("has a * that is not at its end, where it stands for itself; + stands for one segment");
    }
}

fn about_capabilities(rule: &Block<'_>, say: &mut impl FnMut(&str)) {
    let Ok(Some(Value::List(list))) = rule.body.attribute("capabilities") else { return };
    let has = |name: &str| list.iter().any(|one| matches!(one, Value::String(text) if text == name));
    if list.is_empty() {
        say("has no capabilities, so it grants nothing");
    }
    if has("deny") && list.len() > 1 {
        say("denies, so its other capabilities have no effect");
    }
    if has("create") && !has("update") && !has("patch") {
        say("may create but not update: the second write is refused");
    }
}
