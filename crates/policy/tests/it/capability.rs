//! Matching, precedence and merging, case by case.

use strongroom_policy::{Operation, Operation::*};

use crate::{acl, acl_with, allows, request};

/// `rules` is `path: capability capability; path: ...`; policies are parted by `|`.
fn from_short(rules: &str) -> Vec<String> {
    let rule = |text: &str| {
        let (path, names) = text.rsplit_once(':').expect("path: names");
        let names: Vec<_> = names.split_whitespace().map(|name| format!("\"{name}\"")).collect();
        format!("path \"{}\" {{ capabilities = [{}] }}\n", path.trim(), names.join(","))
    };
    rules.split('|').map(|policy| policy.split(';').map(rule).collect()).collect()
}

#[track_caller]
fn check(rules: &str, expected: &[(&str, &str)]) {
    let texts = from_short(rules);
    let acl = acl(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    for (path, names) in expected {
        assert_eq!(acl.capabilities(path).join(" "), *names, "{rules} on {path}");
    }
}

#[test]
fn patterns_match_what_they_say() {
    check("m/a: read", &[("m/a", "read"), ("/m/a", "read"), ("m/a/b", "deny"), ("m/ab", "deny"), ("m", "deny"), ("", "deny")]);
    check("/m/a: read", &[("m/a", "read")]);
    check("m/a*: read", &[("m/a", "read"), ("m/abc", "read"), ("m/a/b/c", "read"), ("m/b", "deny")]);
    check("m/a/*: read", &[("m/a", "deny"), ("m/a/", "read"), ("m/a/b", "read")]);
    check("*: read", &[("", "read"), ("m/a", "read")]);
    check(
        "m/x/+/y: read",
        &[("m/x/one/y", "read"), ("m/x/one/two/y", "deny"), ("m/x/y", "deny"), ("m/x//y", "read"), ("m/x/one/y/z", "deny")],
    );
    check("m/+/cfg/*: read", &[("m/t/cfg/a/b", "read"), ("m/t/cfg/", "read"), ("m/t/cfg", "deny"), ("m/t/u/cfg/a", "deny")]);
    check("m/a+b: read", &[("m/a+b", "read"), ("m/axb", "deny")]);
    check("m/+: read", &[("m/+", "read"), ("m/a", "read"), ("m/a/b", "deny")]);
    check("+/+/x*: read", &[("a/b/x", "read"), ("a/b/xy/z", "read"), ("a/b/y", "deny"), ("a/x", "deny")]);
    check("m/a*b: read", &[("m/a*b", "read"), ("m/axb", "deny")]);
    check("ä/ö*: read", &[("ä/öß", "read"), ("ä/o", "deny")]);
}

#[test]
fn the_closest_rule_decides_alone() {
    check("m/*: read; m/a/*: create", &[("m/a/b", "create"), ("m/b", "read")]);
    check("m/*: read; m/a: create", &[("m/a", "create"), ("m/ab", "read")]);
    check(
        "m/x/+/y: read; m/x/one/*: create; m/x/two*: delete",
        &[("m/x/one/y", "create"), ("m/x/two/y", "delete"), ("m/x/three/y", "read")],
    );
    check("m/*: create; m/x/+/y: read", &[("m/x/one/y", "read"), ("m/x/one/z", "create")]);
    check("m/+/+/y: read; m/+/one/y: create", &[("m/x/one/y", "create"), ("m/x/two/y", "read")]);
    check("m/+/*: read; m/+/y: create", &[("m/x/y", "create"), ("m/x/z", "read")]);
    check("m/+/c/+: read; m/+/+/d: create", &[("m/x/c/d", "read")]);
    check("m/+/b*: read; m/+/bc*: create", &[("m/x/bcd", "create"), ("m/x/bd", "read")]);
    check("m/*: read; m/a/*: ", &[("m/a/b", "deny"), ("m/b", "read")]);
}

#[test]
fn rules_on_one_path_add_up_and_deny_wins() {
    check("m/*: read | m/*: create list", &[("m/k", "create list read")]);
    check("a: read; a: create", &[("a", "create read")]);
    check("m/*: read list sudo | m/*: deny", &[("m/a", "deny")]);
    check("m/*: deny | m/*: read list sudo", &[("m/a", "deny")]);
    check("m/a: read deny", &[("m/a", "deny")]);
    check("m/*: read; m/a/*: deny; m/a/b: read", &[("m/a", "read"), ("m/a/c", "deny"), ("m/a/b", "read")]);
    check("*: deny; m/a: read", &[("m/a", "read"), ("m/a/b", "deny"), ("auth/token/lookup-self", "deny")]);
}

#[test]
fn legacy_levels_stand_for_capabilities() {
    for (level, names) in [
        ("read", "list read"),
        ("write", "create delete list read update"),
        ("sudo", "create delete list read sudo update"),
        ("deny", "deny"),
        ("", "deny"),
    ] {
        let acl = acl(&[&format!("path \"a/*\" {{ policy = \"{level}\" }}")]);
        assert_eq!(acl.capabilities("a/x").join(" "), names);
    }
    let both = acl(&["path \"a\" { policy = \"read\" capabilities = [\"patch\"] }"]);
    assert_eq!(both.capabilities("a"), ["list", "patch", "read"]);
}

#[test]
fn each_operation_needs_its_own_capability() {
    let all = [
        (Create, "create"),
        (Read, "read"),
        (Update, "update"),
        (Patch, "patch"),
        (Delete, "delete"),
        (List, "list"),
        (Scan, "scan"),
    ];
    for (_, name) in all {
        let acl = acl(&[&format!("path \"a*\" {{ capabilities = [\"{name}\"] }}")]);
        for (operation, needed) in all {
            assert_eq!(allows(&acl, operation, "a"), name == needed, "{operation:?} with {name}");
        }
    }
}

#[test]
fn help_is_open_and_everything_else_closed_without_rules() {
    let none = acl(&[]);
    for operation in [Create, Read, Update, Patch, Delete, List, Scan] {
        assert!(!allows(&none, operation, "sys/mounts"));
    }
    assert!(allows(&none, Help, "sys/mounts"));
}

#[test]
fn a_protected_route_needs_sudo_and_the_capability() {
    let check = |names: &str, expected: bool| {
        let acl = acl(&[&format!("path \"sys/audit\" {{ capabilities = [{names}] }}")]);
        assert_eq!(acl.decide(&strongroom_policy::Request { needs_sudo: true, ..request("sys/audit", Read) }).allowed, expected);
    };
    check("\"read\"", false);
    check("\"sudo\"", false);
    check("\"read\", \"sudo\"", true);
}

#[test]
fn root_may_do_everything_and_no_policy_name_makes_a_root() {
    let root = strongroom_policy::Acl::root();
    for operation in [Create, Read, Update, Patch, Delete, List, Scan, Help] {
        assert!(root.decide(&strongroom_policy::Request { needs_sudo: true, ..request("sys/x", operation) }).allowed);
    }
    let called_root = strongroom_policy::Acl::compile(&[crate::policy("root", "")], &|_| None);
    assert!(!called_root.is_root() && !allows(&called_root, Read, "a"));
}

#[test]
fn a_list_is_judged_as_the_folder_in_either_spelling() {
    let check = |rules: &str, expected: bool| {
        let texts = from_short(rules);
        let acl = acl(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        for (operation, path) in [(List, "m/a"), (List, "m/a/"), (Scan, "m/a"), (Scan, "m/a/")] {
            assert_eq!(allows(&acl, operation, path), expected, "{operation:?} {path} with {rules}");
        }
    };
    for granting in ["m/a", "m/a/", "m/*", "m/a/*", "m/a*", "m/+", "m/+/", "+/a", "*"] {
        check(&format!("{granting}: list scan"), true);
    }
    check("m/a/b: list scan; m/: list scan; m: list scan", false);
    check("m/a: read; m/*: list scan", false);
    check("m/+: read; m/*: list scan", true);
    check("m/a/: list scan; m/+: deny", true);
    check("*: deny; m/*: list scan", true);
    check("m/a*: deny; m/a/*: list scan", true);
    check("+/a: deny; m/*: list scan", true);
}

#[test]
fn a_rule_whose_template_cannot_be_filled_grants_nothing_and_the_others_stay() {
    let text =
        "path \"m/n/{{identity.entity.name}}/*\" { capabilities = [\"read\"] }\npath \"m/a\" { capabilities = [\"read\"] }";
    assert!(crate::policy("p", text).is_templated());
    let none = acl(&[text]);
    for (path, expected) in [("m/n/x/k", false), ("m/n//k", false), ("m/n/{{identity.entity.name}}/k", false), ("m/a", true)] {
        assert_eq!(allows(&none, Read, path), expected, "{path}");
    }
    let joe = acl_with(&[text], &|selector| (selector == "identity.entity.name").then(|| "joe".to_owned()));
    for (path, expected) in [("m/n/joe/k", true), ("m/n/jane/k", false), ("m/a", true)] {
        assert_eq!(allows(&joe, Read, path), expected, "{path}");
    }
}

#[test]
fn a_decision_tells_which_rule_and_policies_led_to_it() {
    let acl = acl(&[
        "path \"m/*\" { capabilities = [\"read\"] }",
        "path \"m/*\" { capabilities = [\"list\"] }\npath \"m/x\" { capabilities = [\"deny\"] }",
    ]);
    let explain = |operation: Operation, path: &str| acl.decide(&request(path, operation)).reason.explain(&acl);
    assert_eq!(explain(Read, "m/a"), "rule `m/*` of policy `p0`, `p1`");
    assert_eq!(explain(Delete, "m/a"), "not granted by rule `m/*` of policy `p0`, `p1`: capability delete is missing");
    assert_eq!(explain(Read, "m/x"), "denied by rule `m/x` of policy `p1`");
    assert_eq!(explain(Read, "n"), "no rule matches the path");
    assert_eq!(explain(Help, "n"), "help is open to every token");
}
