//! What callers see of their own rules.

use serde_json::json;
use strongroom_policy::Acl;

use crate::acl;

#[test]
fn resultant_rules_have_the_form_that_the_ui_reads() {
    let plain = acl(&[
        "path \"a/x\" { capabilities = [\"read\"] }\npath \"b/*\" { capabilities = [\"list\", \"create\"] }\npath \"c/+/d\" { capabilities = [\"read\"] }",
    ]);
    assert_eq!(
        plain.resultant(),
        json!({"exact_paths": {"a/x": {"capabilities": ["read"]}}, "glob_paths": {"b/": {"capabilities": ["create", "list"]}}, "root": false})
    );
    let conditions = "path \"a\" { capabilities = [\"update\"] allowed_parameters = { A = [\"q\", 1, true, 1.5] } denied_parameters = { b = [] } \
                      required_parameters = [\"c\"] min_wrapping_ttl = \"1m\" max_wrapping_ttl = \"2m\" }\npath \"e\" {}";
    assert_eq!(
        acl(&[conditions]).resultant()["exact_paths"],
        json!({
            "a": {"capabilities": ["update"], "allowed_parameters": {"a": ["q", 1, true, 1.5]}, "denied_parameters": {"b": []},
                  "required_parameters": ["c"], "min_wrapping_ttl": 60, "max_wrapping_ttl": 120},
            "e": {"capabilities": ["deny"]}
        })
    );
    assert_eq!(Acl::root().resultant(), json!({"root": true}));
    assert_eq!(Acl::root().capabilities("x"), ["root"]);
}

#[test]
fn a_mount_shows_when_something_in_it_is_granted() {
    let check = |text: &str, prefix: &str, expected: bool| {
        assert_eq!(acl(&[text]).grants_any_below(prefix), expected, "{prefix} with {text}");
    };
    for granting in ["kv/*", "kv/a/b", "kv/", "kv*", "*", "+/a", "+/*", "k*", "kv/+/x", "+/+/+", "kv/a/*", "kv/+/{{x}}"] {
        let is_expected = !granting.contains("{{");
        check(&format!("path \"{granting}\" {{ capabilities = [\"read\"] }}"), "kv/", is_expected);
        check(&format!("path \"{granting}\" {{ capabilities = [\"deny\"] }}"), "kv/", false);
        check(&format!("path \"{granting}\" {{ capabilities = [] }}"), "kv/", false);
    }
    for elsewhere in ["kv2/*", "k", "kvv", "a/kv/*", "kv2/+/x"] {
        check(&format!("path \"{elsewhere}\" {{ capabilities = [\"read\"] }}"), "kv/", false);
    }
    let shadowed = "path \"*\" { capabilities = [\"read\"] }\npath \"kv/*\" { capabilities = [\"deny\"] }";
    check(shadowed, "kv/", false);
    check(shadowed, "other/", true);
    check(&format!("{shadowed}\npath \"kv/a\" {{ capabilities = [\"read\"] }}"), "kv/", true);
    check("path \"*\" { capabilities = [\"read\"] }\npath \"kv/\" { capabilities = [\"deny\"] }", "kv/", true);
    assert!(Acl::root().grants_any_below("kv/") && !acl(&[]).grants_any_below("kv/"));
}
