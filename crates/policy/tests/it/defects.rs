//! Defects that servers of this family had (security.md A.1), each as a test that carries its id.

use strongroom_policy::Operation::*;

use crate::{acl, acl_with, allows};

#[test]
fn cve_2026_12624_ghsa_xp3c_3jw3_4vcr_a_denied_directory_cannot_be_listed_in_either_spelling() {
    for deny in ["m/+", "m/+/", "m/a", "m/a/", "m/a*", "m/a/*", "+/+"] {
        let grant = if deny.starts_with('+') { "*" } else { "m/*" };
        let text = format!(
            "path \"{grant}\" {{ capabilities = [\"list\", \"scan\"] }}\npath \"{deny}\" {{ capabilities = [\"deny\"] }}"
        );
        for (operation, path) in [(List, "m/a"), (List, "m/a/"), (Scan, "m/a"), (Scan, "m/a/")] {
            assert!(!allows(&acl(&[&text]), operation, path), "{operation:?} {path} with {text}");
        }
        assert_eq!(acl(&[&text]).capabilities("m/a/"), ["deny"], "{text}");
    }
    for (grant, deny) in [("m/+/", "m/+"), ("m/+", "m/+/"), ("m/a/", "m/a"), ("m/a", "m/a/")] {
        let text = format!("path \"{grant}\" {{ capabilities = [\"list\"] }}\npath \"{deny}\" {{ capabilities = [\"deny\"] }}");
        for path in ["m/a", "m/a/"] {
            assert!(!allows(&acl(&[&text]), List, path), "{path} with {text}");
        }
    }
}

#[test]
fn cve_2026_89322_a_trailing_slash_does_not_dodge_a_deny() {
    for deny in ["m/admin", "m/+", "m/adm*"] {
        let text = format!("path \"m/*\" {{ policy = \"sudo\" }}\npath \"{deny}\" {{ policy = \"deny\" }}");
        for operation in [Create, Read, Update, Delete, List] {
            for path in ["m/admin", "m/admin/"] {
                assert!(!allows(&acl(&[&text]), operation, path), "{operation:?} {path} with {deny}");
            }
        }
    }
}

#[test]
fn cve_2026_5006_a_slash_in_a_template_value_grants_nothing() {
    let text =
        "path \"p/{{identity.entity.metadata.team}}/*\" { capabilities = [\"read\"] }\npath \"q\" { capabilities = [\"read\"] }";
    for value in ["a/b", "/", "a/", "/a", "a/../b", "../q"] {
        let acl = acl_with(&[text], &|_| Some(value.to_owned()));
        for path in ["p/a/b", "p/a/b/c", "p/a/x", "p//x", &format!("p/{value}/x")] {
            assert!(!allows(&acl, Read, path), "{path} with {value}");
        }
        assert!(allows(&acl, Read, "q"));
    }
}

#[test]
fn ghsa_59w7_v8rr_pr4p_a_wildcard_in_a_template_value_grants_nothing() {
    for text in [
        "path \"p/{{name}}/x\" { capabilities = [\"read\"] }",
        "path \"p/{{name}}\" { capabilities = [\"read\"] }",
        "path \"p/{{name}}*\" { capabilities = [\"read\"] }",
        "path \"p/{{ name }}{{other}}\" { capabilities = [\"read\"] }",
    ] {
        for value in ["*", "+", "a*", "*a", "a+", "+*", ""] {
            let acl = acl_with(&[text], &|_| Some(value.to_owned()));
            for path in ["p/a", "p/a/x", "p/b", "p/", "p/*", "p/+", "p/a*", &format!("p/{value}/x")] {
                assert!(!allows(&acl, Read, path), "{text}: {path} with {value:?}");
            }
        }
    }
}

#[test]
fn cve_2025_5999_no_spelling_of_root_makes_a_root() {
    for name in ["root", "ROOT", " root ", "Root"] {
        let acl = strongroom_policy::Acl::compile(&[crate::policy(name, "path \"a\" { capabilities = [\"read\"] }")], &|_| None);
        assert!(!acl.is_root() && !allows(&acl, Read, "sys/mounts"));
    }
}

#[test]
fn cve_2023_5954_many_rules_and_long_paths_stay_bounded() {
    // 20 policies of 500 rules, nested prefixes, and as many branches of `+` as a rule may have.
    let nested: String = (1..500).map(|n| format!("path \"{}*\" {{ capabilities = [\"read\"] }}\n", "a".repeat(n))).collect();
    let pluses: String =
        (0..500).map(|n| format!("path \"{}x{n}\" {{ capabilities = [\"read\"] }}\n", "+/".repeat(n % 33))).collect();
    let acl = acl(&[nested.as_str(), pluses.as_str()].repeat(10));
    assert!(allows(&acl, Read, &"a".repeat(16_384)));
    assert!(!allows(&acl, Read, &"b/".repeat(8_192)));
    assert!(allows(&acl, Read, &format!("{}x32", "b/".repeat(32))));
    assert!(!allows(&acl, Read, &format!("{}x31", "b/".repeat(32))));
}

#[test]
fn a_deny_whose_template_has_no_value_denies_all_that_it_could_mean() {
    let text = "path \"p/*\" { capabilities = [\"read\", \"list\"] }
path \"p/bob/x\" { capabilities = [\"read\"] }
path \"p/{{identity.entity.name}}/*\" { capabilities = [\"deny\"] }";
    for value in [None, Some(String::new()), Some("a/b".to_owned()), Some("*".to_owned()), Some("a,b".to_owned())] {
        let acl = acl_with(&[text], &|_| value.clone());
        for path in ["p/bob/x", "p/eve/x", "p/eve/", "p/eve/x/y"] {
            assert!(!allows(&acl, Read, path), "{path} with {value:?}");
        }
        assert!(!allows(&acl, strongroom_policy::Operation::List, "p/eve"));
        assert_eq!(acl.capabilities("p/bob/x"), ["deny"]);
        assert!(allows(&acl, Read, "p/eve"), "outside of the rule");
    }
    let acl = acl_with(&[text], &|_| Some("eve".to_owned()));
    assert!(allows(&acl, Read, "p/bob/y") && !allows(&acl, Read, "p/eve/y"));
}
