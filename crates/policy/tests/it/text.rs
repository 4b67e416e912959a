//! Which texts are policies, and what is said about those that are not.

use proptest::prelude::*;
use strongroom_policy::Policy;
use strongroom_types::PolicyName;

fn parse(text: &str) -> Result<Policy, String> {
    Policy::parse(PolicyName::parse("p").expect("name"), text).map_err(|error| error.to_string())
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    assert_eq!(parse(text).err().as_deref(), Some(expected), "{text}");
}

#[test]
fn texts_that_grant_nothing_are_policies() {
    for text in
        ["", "  \n", "# nothing", "/* nothing */", "name = \"x\"", "{}", "path \"a\" {}", "path \"\" { capabilities = [] }"]
    {
        assert_eq!(parse(text).map(|policy| policy.is_templated()), Ok(false), "{text:?}");
    }
}

#[test]
fn every_notation_of_a_rule_is_read() {
    for text in [
        "path \"a\" { capabilities = [\"read\",] }",
        "\"path\" \"a\" { \"capabilities\" = [\"read\"], }",
        "path a { capabilities = [\"read\"] }",
        "path \"/a\" { policy = \"read\" comment = \"why\" }",
        "path = { \"a\" = { capabilities = [\"read\"] } }",
        "{\"path\":{\"a\":{\"capabilities\":[\"read\"]},\"b\":[{\"capabilities\":[\"list\"]}]}}",
        "{\"path\":[{\"a\":{\"capabilities\":[\"read\"],\"min_wrapping_ttl\":null}}]}",
        "path \"a\" { capabilities = [\"read\"] allowed_parameters { x = [1, true, \"s\", [\"l\"]] } denied_parameters = {} }",
    ] {
        let policy = parse(text).expect(text);
        let acl = strongroom_policy::Acl::compile(&[policy.into()], &|_| None);
        assert!(acl.capabilities("a").contains(&"read"), "{text}");
    }
}

#[test]
fn mistakes_are_told_in_the_words_of_the_wire_contract() {
    refuses("path \"a\" {", "At 1:12: object expected closing RBRACE got: EOF");
    refuses(
        "path \"a\" { capabilities = [\"fly\"] }",
        "path \"a\": path \"a\": invalid capability; it is one of create, read, update, patch, delete, list, scan, sudo, deny",
    );
    refuses(
        "path \"a\" { capabilities = [\"READ\"] }",
        "path \"a\": path \"a\": invalid capability; it is one of create, read, update, patch, delete, list, scan, sudo, deny",
    );
    refuses(
        "path \"a\" { policy = \"everything\" }",
        "path \"a\": path \"a\": invalid policy; it is one of read, write, sudo, deny",
    );
    refuses(
        "path \"a/+*\" { capabilities = [\"read\"] }",
        "path \"a/+*\": path \"a/+*\": invalid use of wildcards ('+*' is forbidden)",
    );
    refuses(
        "path \"a\" { capabilities = [\"read\"] min_wrapping_ttl = \"2h\" max_wrapping_ttl = \"1h\" }",
        "path \"a\": max_wrapping_ttl cannot be less than min_wrapping_ttl",
    );
    refuses("path \"a\" { min_wrapping_ttl = \"soon\" }", "path \"a\": error parsing min_wrapping_ttl: time: invalid duration");
    refuses(
        "path \"a/{{identity.entity.name/*\" { capabilities = [\"read\"] }",
        "path \"a/{{identity.entity.name/*\": failed to validate policy templating: unbalanced templating characters",
    );
}

#[test]
fn what_could_be_misread_is_refused() {
    refuses("foo \"a\" {}", "invalid key on line 1");
    refuses("path \"a\" {\n  capabilites = [\"deny\"]\n}", "path \"a\": invalid key on line 2");
    refuses("path \"a\" { expiration = \"2030-01-01T00:00:00Z\" }", "path \"a\": invalid key on line 1");
    refuses("path \"a\" { capabilities = \"read\" }", "path \"a\": capabilities must be a list of strings");
    refuses("path \"a\" { capabilities = [1] }", "path \"a\": capabilities must be a list of strings");
    refuses("path \"a\" { policy = 1 }", "path \"a\": policy must be a string");
    refuses(
        "path \"a\" { min_wrapping_ttl = \"-1s\" }",
        "path \"a\": error parsing min_wrapping_ttl: duration must not be negative",
    );
    refuses("path \"a\" { max_wrapping_ttl = [] }", "path \"a\": max_wrapping_ttl must be a duration");
    refuses("path \"a\" { capabilities = [] capabilities = [] }", "At 1:30: key \"capabilities\" is given twice");
    refuses("path \"a\" \"b\" {}", "At 1:1: \"path\" must be a block with 1 label(s)");
    refuses("path { capabilities = [] }", "At 1:8: \"path\" must be a block with 1 label(s)");
    refuses("path = \"a\"", "At 1:1: \"path\" must be a block with 1 label(s)");
    refuses("path \"a\" { required_parameters = [1] }", "path \"a\": required_parameters must be a list of strings");
    refuses("path \"a\" { denied_parameters { X = [] x = [] } }", "path \"a\": a parameter of denied_parameters is given twice");
    refuses(
        &format!("path \"{}\" {{}}", "a".repeat(16_385)),
        &format!("path \"{}\": longer than 16384 bytes", "a".repeat(16_385)),
    );
    let pluses = vec!["+"; 33].join("/");
    refuses(&format!("path \"{pluses}\" {{}}"), &format!("path \"{pluses}\": more than 32 `+` segments"));
}

#[test]
fn parameter_values_stay_out_of_errors() {
    for text in [
        "path \"a\" { allowed_parameters { x = \"hunter2\" } }",
        "path \"a\" { denied_parameters { x = [\"hunter2\", {}] } }",
        "path \"a\" { required_parameters = \"hunter2\" }",
    ] {
        assert!(!parse(text).expect_err(text).contains("hunter2"));
    }
}

const SAMPLE: &str = "path \"/a/+/{{identity.entity.id}}*\" {\n capabilities = [\"read\", \"sudo\"]\n policy = \"write\"\n \
                      allowed_parameters = { \"x\" = [1, \"*a\", [true]] }\n required_parameters = [\"y\"]\n min_wrapping_ttl = \"1m\" max_wrapping_ttl = 120\n}\n";

proptest! {
    #[test]
    fn any_text_is_a_policy_or_an_error(text in "\\PC*") {
        let _ = parse(&text);
    }

    #[test]
    fn damaged_policies_compile_or_are_refused(at in 0..SAMPLE.len(), drop in 0usize..6, put in "[{}\\[\\]=,\"$\\\\#+*/a-z0-9 ]{0,4}") {
        let mut chars: Vec<char> = SAMPLE.chars().collect();
        let end = (at + drop).min(chars.len());
        chars.splice(at.min(end)..end, put.chars());
        if let Ok(policy) = parse(&chars.into_iter().collect::<String>()) {
            let acl = strongroom_policy::Acl::compile(&[policy.into()], &|selector| Some(selector.to_owned()));
            let _ = (acl.capabilities("a/b/c"), acl.grants_any_below("a/"), acl.resultant());
        }
    }
}
