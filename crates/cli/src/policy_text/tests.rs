use super::{format, lint};

fn check(text: &str, expected: &str) {
    let found = format(text).unwrap();
    assert_eq!(found, expected);
    assert_eq!(format(&found).unwrap(), expected, "a second time changes nothing");
}

#[test]
fn a_policy_gets_the_usual_layout_and_keeps_its_comments() {
    check(
        "path \"secret/*\" {capabilities = [\"read\",   \"list\"]\n}\n# why\npath    \"a\" { policy=\"write\" // level\n allowed_parameters={ \"x\"=[], \"yyyy\" = [\"1\",\"2\"] }\n}",
        "path \"secret/*\" {\n  capabilities = [\"read\", \"list\"]\n}\n\n# why\npath \"a\" {\n  policy = \"write\" // level\n\n  allowed_parameters = {\n    \"x\"    = []\n    \"yyyy\" = [\"1\", \"2\"]\n  }\n}\n",
    );
}

#[test]
fn neighbours_line_up_and_gaps_of_the_author_stay() {
    check(
        "path \"a\" {\n comment=\"x\"\n\n\n min_wrapping_ttl=\"1s\"\n max_wrapping_ttl = 90\n capabilities = [\n \"read\", # r\n \"list\"\n ]\n}\n",
        "path \"a\" {\n  comment = \"x\"\n\n  min_wrapping_ttl = \"1s\"\n  max_wrapping_ttl = 90\n\n  capabilities = [\n    \"read\",\n    # r\n    \"list\",\n  ]\n}\n",
    );
}

#[test]
fn strings_and_long_texts_are_left_alone() {
    check("path \"a\\\"{b}\" { comment = \"# no comment\" }", "path \"a\\\"{b}\" {\n  comment = \"# no comment\"\n}\n");
    check("path \"a\" {\n comment = <<EOF\n  as  it is\nEOF\n}", "path \"a\" {\n  comment = <<EOF\n  as  it is\nEOF\n}\n");
    check("/* one\n   two */\nname = \"x\"", "/* one\n   two */\nname = \"x\"\n");
    check("", "");
}

#[test]
fn what_is_no_policy_is_refused_and_not_changed() {
    for text in ["path \"a\" {", "= 1", "path \"a\" { x = }", "{\"path\": {}}"] {
        assert!(format(text).is_err(), "{text}");
    }
}

#[test]
fn doubtful_rules_are_found() {
    for (text, part) in [
        ("", "no rules"),
        ("path \"/secret\" { capabilities = [\"read\"] }", "matches nothing"),
        ("path \"v1/secret\" { capabilities = [\"read\"] }", "matches nothing"),
        ("path \"*\" { capabilities = [\"read\"] }", "every path"),
        ("path \"a/*/b\" { capabilities = [\"read\"] }", "not at its end"),
        ("path \"a\" { capabilities = [] }", "no capabilities"),
        ("path \"a\" { capabilities = [\"deny\", \"read\"] }", "no effect"),
        ("path \"a\" { capabilities = [\"create\"] }", "second write"),
        (
            "path \"a\" { capabilities = [\"read\"] }\npath \"a\" { capabilities = [\"list\"] }",
            "line 2: path \"a\" is here twice",
        ),
    ] {
        let found = lint(text).unwrap();
        assert!(found.len() == 1 && found.iter().any(|one| one.contains(part)), "{text}: {found:?}");
    }
    assert!(lint("path \"a/+/b/*\" { capabilities = [\"create\", \"update\"] }").unwrap().is_empty());
    assert!(lint("path \"a\" { capabilities = [\"fly\"] }").unwrap_err().contains("invalid capability"));
}
