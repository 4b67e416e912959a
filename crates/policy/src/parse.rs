//! From text to rules. Every key is known or an error: a rule that is understood in part could grant more than its
//! author meant.

use strongroom_hcl::{Block, Body, Value};
use strongroom_types::PolicyName;

use crate::capability::Capabilities;
use crate::constraint::Constraints;
use crate::error::{ParseError, RuleError};
use crate::pattern::Pattern;
use crate::template::{self, Part};

/// A named document of rules, understood but not yet filled in for anyone.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    name: PolicyName,
    rules: Vec<Rule>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Rule {
    pub(crate) path: RulePath,
    pub(crate) capabilities: Capabilities,
    pub(crate) constraints: Option<Box<Constraints>>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum RulePath {
    Fixed(Pattern),
    /// Text and selectors in turn; becomes a pattern only with somebody's values.
    Template(Vec<Part>),
}

impl Policy {
    /// Reads a policy in HCL or JSON. A text without paths is a policy that grants nothing.
    /// Errors: the first mistake; its text is what clients see after `failed to parse policy: `.
    pub fn parse(name: PolicyName, text: &str) -> Result<Self, ParseError> {
        let body = strongroom_hcl::parse(text)?;
        if let Some((key, line)) = unknown_key(&body, &["path", "name"]) {
            return Err(ParseError::UnknownKey { key, line });
        }
        let rules = body.blocks("path", 1)?.iter().map(rule).collect::<Result<_, _>>()?;
        Ok(Self { name, rules })
    }

    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// True when a rule has a template, so that the compiled form depends on who asks.
    pub fn is_templated(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule.path, RulePath::Template(_)))
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

const RULE_KEYS: [&str; 8] = [
    "capabilities",
    "policy",
    "allowed_parameters",
    "denied_parameters",
    "required_parameters",
    "min_wrapping_ttl",
    "max_wrapping_ttl",
    "comment",
];

fn rule(block: &Block<'_>) -> Result<Rule, ParseError> {
    let raw = block.labels.first().copied().unwrap_or_default();
    let fail = |problem| ParseError::Rule { path: raw.to_owned(), problem };
    if let Some((key, line)) = unknown_key(block.body, &RULE_KEYS) {
        return Err(fail(RuleError::UnknownKey { key, line }));
    }
    let path = rule_path(raw).map_err(fail)?;
    let capabilities = capabilities(block.body, raw)?.map_err(fail)?;
    let constraints = Constraints::parse(block.body)?.map_err(fail)?;
    Ok(Rule { path, capabilities, constraints: constraints.map(Box::new) })
}

fn unknown_key(body: &Body, known: &[&str]) -> Option<(String, u32)> {
    body.items.iter().find_map(|item| {
        let key = item.keys.first()?;
        (!known.contains(&key.as_str())).then(|| (key.clone(), item.position.line))
    })
}

fn rule_path(raw: &str) -> Result<RulePath, RuleError> {
    let path = raw.strip_prefix('/').unwrap_or(raw);
    let pattern = Pattern::parse(path)?;
    let parts = template::parse(path).ok_or(RuleError::Unbalanced)?;
    if parts.len() > 1 { Ok(RulePath::Template(parts)) } else { Ok(RulePath::Fixed(pattern)) }
}

/// The union of both notations. The outer error is about the text, the inner about the rule.
fn capabilities(body: &Body, path: &str) -> Result<Result<Capabilities, RuleError>, ParseError> {
    let (named, level) = (body.attribute("capabilities")?, body.attribute("policy")?);
    Ok(named_capabilities(named, path).and_then(|named| Ok(named.with(legacy_level(level, path)?))))
}

fn named_capabilities(value: Option<&Value>, path: &str) -> Result<Capabilities, RuleError> {
    let Some(value) = value else { return Ok(Capabilities::NONE) };
    let wrong = RuleError::Type { key: "capabilities", expected: "a list of strings" };
    let mut all = Capabilities::NONE;
    for name in value.as_list().ok_or_else(|| wrong.clone())? {
        let name = name.as_str().ok_or_else(|| wrong.clone())?;
        let unknown = || RuleError::Capability { path: path.to_owned(), name: name.to_owned() };
        all = all.with(Capabilities::parse(name).ok_or_else(unknown)?);
    }
    Ok(all)
}

fn legacy_level(value: Option<&Value>, path: &str) -> Result<Capabilities, RuleError> {
    let Some(value) = value else { return Ok(Capabilities::NONE) };
    let level = value.as_str().ok_or(RuleError::Type { key: "policy", expected: "a string" })?;
    Capabilities::parse_legacy(level).ok_or_else(|| RuleError::Level { path: path.to_owned(), level: level.to_owned() })
}
