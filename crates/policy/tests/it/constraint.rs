//! Parameter rules and wrapping bounds.

use strongroom_policy::{Acl, Operation, Operation::*, Request};

use crate::{Fields, acl, request};

fn with(conditions: &[&str]) -> Acl {
    let rule = |c: &&str| format!("path \"m\" {{ capabilities = [\"create\", \"update\", \"patch\", \"read\", \"list\"] {c} }}");
    let texts: Vec<String> = conditions.iter().map(rule).collect();
    acl(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

fn permits(acl: &Acl, operation: Operation, fields: &[(&str, &str)]) -> bool {
    acl.decide(&Request { parameters: &Fields(fields), ..request("m", operation) }).allowed
}

/// `fields` is `name=json name=json`.
#[track_caller]
fn check(conditions: &[&str], expected: &[(&str, bool)]) {
    let acl = with(conditions);
    for (fields, is_permitted) in expected {
        let fields: Vec<_> = fields.split_whitespace().map(|field| field.split_once('=').expect("name=json")).collect();
        assert_eq!(permits(&acl, Create, &fields), *is_permitted, "{conditions:?} with {fields:?}");
    }
}

#[test]
fn only_allowed_parameters_with_allowed_values_pass() {
    check(
        &["allowed_parameters = { \"kind\" = [\"red\", \"green\"] \"Free\" = [] }"],
        &[
            ("kind=\"red\" free=\"x\"", true),
            ("KIND=\"red\"", true),
            ("kind=\"blue\"", false),
            ("kind=\"red\" other=1", false),
            ("free={}", true),
            ("kind=no-json", false),
            ("", true),
        ],
    );
    check(
        &["allowed_parameters = { kind = [\"red\"] \"*\" = [] }"],
        &[("kind=\"red\" other=1", true), ("kind=\"blue\"", false), ("*=1", true)],
    );
    check(&["allowed_parameters = { \"*\" = [\"1\"] }"], &[("x=\"2\"", true)]);
    check(
        &["allowed_parameters = { n = [5] b = [true] l = [[\"a\"]] h = [\"x*\"] }"],
        &[
            ("n=5 b=true l=[\"a\"] h=\"xy\"", true),
            ("n=\"5\"", false),
            ("b=\"true\"", false),
            ("l=\"a\"", false),
            ("h=\"yx\"", false),
            ("n=null", false),
        ],
    );
}

#[test]
fn denied_parameters_win_and_catch_every_way_to_write_a_value() {
    check(
        &["allowed_parameters = { \"*\" = [] } denied_parameters = { secret = [] kind = [\"bad\"] n = [\"5\"] }"],
        &[
            ("secret=\"x\"", false),
            ("Secret=null", false),
            ("kind=\"bad\"", false),
            ("KIND=[\"good\",\"bad\"]", false),
            ("kind=no-json", false),
            ("kind=\"good\"", true),
            ("n=5", false),
            ("n=6", true),
        ],
    );
    check(&["denied_parameters = { \"*\" = [\"1\"] }"], &[("a=\"2\"", false), ("", true)]);
}

#[test]
fn required_parameters_must_all_be_sent() {
    check(
        &["required_parameters = [\"owner\", \"ENV\"]"],
        &[("owner=1", false), ("owner=1 env=2", true), ("owner=1 ENV=2", false), ("", false)],
    );
}

#[test]
fn parameter_rules_hold_for_writes_and_queries_but_not_for_lists() {
    let acl = with(&["denied_parameters = { \"*\" = [] }"]);
    for operation in [Create, Update, Patch, Read] {
        assert!(!permits(&acl, operation, &[("a", "1")]), "{operation:?}");
        assert!(permits(&acl, operation, &[]), "{operation:?}");
    }
    assert!(permits(&acl, List, &[("after", "\"a\"")]));
}

#[test]
fn conditions_of_several_policies_merge_as_in_the_reference() {
    check(&["", "allowed_parameters = { x = [] }"], &[("y=1", false), ("x=1", true)]);
    check(
        &["allowed_parameters = { x = [\"1\"] }", "allowed_parameters = { x = [\"2\"], y = [] }"],
        &[("x=\"1\"", true), ("x=\"2\"", true), ("x=\"3\"", false), ("y=\"q\"", true)],
    );
    check(&["allowed_parameters = { x = [\"1\"] }", "allowed_parameters = { x = [] }"], &[("x=\"3\"", true)]);
    check(&["denied_parameters = { x = [\"1\"] }", "denied_parameters = { x = [] }"], &[("x=\"3\"", false)]);
    check(&["denied_parameters = { x = [\"1\"] }", ""], &[("x=\"1\"", false), ("x=\"3\"", true)]);
    check(&["required_parameters = [\"x\"]", "required_parameters = [\"y\"]"], &[("x=1", false), ("x=1 y=1", true)]);
}

#[test]
fn wrapping_bounds_hold_for_every_operation() {
    let check = |conditions: &[&str], wrap_ttl_s: Option<u64>, expected: bool| {
        let acl = with(conditions);
        for operation in [Read, List, Create] {
            let decision = acl.decide(&Request { wrap_ttl_s, ..request("m", operation) });
            assert_eq!(decision.allowed, expected, "{conditions:?} {wrap_ttl_s:?}");
        }
    };
    let both = "min_wrapping_ttl = \"1m\" max_wrapping_ttl = 300";
    for (ttl_s, expected) in [(None, false), (Some(10), false), (Some(60), true), (Some(300), true), (Some(301), false)] {
        check(&[both], ttl_s, expected);
        check(&[both, ""], ttl_s, expected);
    }
    check(&["max_wrapping_ttl = \"5m\""], None, false);
    check(&["max_wrapping_ttl = \"5m\""], Some(60), true);
    check(&["min_wrapping_ttl = \"500ms\""], None, false);
    check(&["min_wrapping_ttl = 0 max_wrapping_ttl = \"\""], None, true);
    check(&["max_wrapping_ttl = \"5m\"", "max_wrapping_ttl = \"1m\""], Some(90), false);
    check(&["min_wrapping_ttl = \"5m\"", "min_wrapping_ttl = \"1m\""], Some(90), true);
    check(&["min_wrapping_ttl = \"5m\"", "max_wrapping_ttl = \"1m\""], Some(90), false);
}

#[test]
fn a_refusal_names_the_parameter_and_never_its_value() {
    let acl = with(&["denied_parameters = { kind = [\"hunter2\"] } required_parameters = [\"owner\"] min_wrapping_ttl = \"1m\""]);
    let explain = |fields: &[(&str, &str)], wrap_ttl_s| {
        acl.decide(&Request { parameters: &Fields(fields), wrap_ttl_s, ..request("m", Create) }).reason.explain(&acl)
    };
    let rule = "not granted by rule `m` of policy `p0`: ";
    assert_eq!(explain(&[], None), format!("{rule}the response must be wrapped for 60 s or longer"));
    assert_eq!(explain(&[], Some(60)), format!("{rule}parameter `owner` is required"));
    let refused = format!("{rule}parameter `kind` is not allowed, or not with this value");
    assert_eq!(explain(&[("kind", "\"hunter2\"")], Some(60)), refused);
}
