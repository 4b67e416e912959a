//! Random rule sets: the tree must decide as the naive model does.

use proptest::prelude::*;
use strongroom_policy::Operation::{self, *};

use crate::model::{ModelRule, granted};
use crate::{acl, allows};

const NAMES: [&str; 9] = ["create", "read", "update", "patch", "delete", "list", "scan", "sudo", "deny"];
const OPERATIONS: [(Operation, &str); 7] = [
    (Create, "create"),
    (Read, "read"),
    (Update, "update"),
    (Patch, "patch"),
    (Delete, "delete"),
    (List, "list"),
    (Scan, "scan"),
];

fn pattern() -> impl Strategy<Value = String> {
    let segment = prop_oneof![4 => "[ab]{1,2}", 3 => Just("+".to_owned()), 1 => Just("a+".to_owned()), 1 => Just(String::new())];
    let segments = prop::collection::vec(segment, 1..5).prop_map(|segments| segments.join("/"));
    let ends = (segments, 0..4u8).prop_map(|(text, end)| match end {
        0 => format!("{text}/"),
        1 if !text.ends_with('+') => format!("{text}*"),
        _ => text,
    });
    // One leading slash is cut off at parsing, which the model does not know.
    ends.prop_map(|text| text.trim_start_matches('/').to_owned())
}

fn rules() -> impl Strategy<Value = Vec<ModelRule>> {
    let names = prop::collection::vec(prop::sample::select(NAMES.to_vec()), 0..4);
    prop::collection::vec((pattern(), names).prop_map(|(path, names)| ModelRule { path, names }), 0..14)
}

fn path() -> impl Strategy<Value = String> {
    let segments = prop::collection::vec("[ab]{1,2}|a\\+", 1..5).prop_map(|segments| segments.join("/"));
    (segments, any::<bool>()).prop_map(|(text, is_folder)| if is_folder { format!("{text}/") } else { text })
}

/// The rules as texts of three policies, in turn.
fn texts(rules: &[ModelRule]) -> [String; 3] {
    let mut texts = [const { String::new() }; 3];
    for (at, rule) in rules.iter().enumerate() {
        texts[at % 3] += &format!("path {:?} {{ capabilities = {:?} }}\n", rule.path, rule.names);
    }
    texts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_tree_decides_as_the_model_does(rules in rules(), paths in prop::collection::vec(path(), 1..8)) {
        let texts = texts(&rules);
        let acl = acl(&[&texts[0], &texts[1], &texts[2]]);
        for path in &paths {
            for (operation, name) in OPERATIONS {
                let is_folder = matches!(operation, List | Scan);
                let judged = if is_folder && !path.ends_with('/') { format!("{path}/") } else { path.clone() };
                let expected = granted(&rules, &judged, is_folder).contains(&name);
                prop_assert_eq!(allows(&acl, operation, path), expected, "{:?} {} with {:#?}", operation, path, rules);
            }
            let mut expected = granted(&rules, path, true);
            if expected.is_empty() {
                expected.push("deny");
            }
            prop_assert_eq!(acl.capabilities(path), expected, "{} with {:#?}", path, rules);
        }
    }

    #[test]
    fn what_is_granted_in_a_mount_makes_it_visible(rules in rules(), path in path()) {
        let texts = texts(&rules);
        let acl = acl(&[&texts[0], &texts[1], &texts[2]]);
        let mount = format!("{}/", path.split('/').next().expect("first"));
        if path.starts_with(&mount) && acl.capabilities(&path) != ["deny"] {
            prop_assert!(acl.grants_any_below(&mount), "{} in {} with {:#?}", path, mount, rules);
        }
    }

    #[test]
    fn the_order_of_policies_does_not_matter(rules in rules(), path in path()) {
        let texts = texts(&rules);
        let one = acl(&[&texts[0], &texts[1], &texts[2]]);
        let other = acl(&[&texts[2], &texts[1], &texts[0]]);
        prop_assert_eq!(one.capabilities(&path), other.capabilities(&path));
        prop_assert_eq!(one.resultant(), other.resultant());
    }
}
