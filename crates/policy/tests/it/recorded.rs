//! Answers of the reference server (OpenBao) to random policies: `recorded.json` holds, per case, policy texts and what
//! `sys/capabilities` said about random paths. Ours must say the same; only where a path ends in a slash may it say deny
//! instead (CVE-2026-12624, which that release still had).

use std::collections::BTreeMap;

use crate::acl;

#[test]
fn capabilities_equal_those_of_the_reference() {
    let cases: Vec<serde_json::Value> = serde_json::from_str(include_str!("recorded.json")).expect("recorded.json");
    let (mut compared, mut stricter) = (0, 0);
    for case in &cases {
        let texts: Vec<&str> = case["policies"].as_array().expect("policies").iter().filter_map(|text| text.as_str()).collect();
        let acl = acl(&texts);
        let answers: BTreeMap<String, Vec<String>> =
            case["answers"].as_object().expect("answers").iter().map(|(path, names)| (path.clone(), strings(names))).collect();
        for (path, expected) in answers {
            let ours = acl.capabilities(&path);
            let is_stricter = path.ends_with('/') && ours == ["deny"];
            assert!(ours == expected || is_stricter, "{path}: {ours:?} instead of {expected:?} with {texts:#?}");
            compared += 1;
            stricter += usize::from(ours != expected);
        }
    }
    assert!(compared > 1000 && stricter < 20, "{stricter} of {compared} answers are stricter");
}

fn strings(names: &serde_json::Value) -> Vec<String> {
    names.as_array().expect("names").iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}
