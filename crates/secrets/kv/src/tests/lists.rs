//! Lists, pages, scans and lists with metadata.

use super::*;

async fn filled() -> Bench {
    let bench = mount("2").await;
    for name in ["ls/b", "ls/a", "ls/a/deep/er", "ls/c"] {
        ask(&bench, Verb::Write, &format!("data/{name}"), r#"{"data":{}}"#).await;
    }
    bench
}

#[tokio::test]
async fn keys_and_folders_sorted_in_pages() {
    let bench = filled().await;
    for (target, keys) in [
        ("metadata/ls", r#"["a","a/","b","c"]"#),
        ("metadata/ls/", r#"["a","a/","b","c"]"#),
        ("metadata/ls/a", r#"["deep/"]"#),
        ("metadata/", r#"["ls/"]"#),
        ("metadata", r#"["ls/"]"#),
        ("metadata/ls?limit=2", r#"["a","a/"]"#),
        ("metadata/ls?after=a&limit=1", r#"["a/"]"#),
        ("metadata/ls?after=a/", r#"["b","c"]"#),
        ("metadata/ls?limit=-1", r#"["a","a/","b","c"]"#),
    ] {
        assert_eq!(ask_text(&bench, Verb::List, target, "").await.1, format!(r#"{{"keys":{keys}}}"#), "{target}");
    }
    for target in ["metadata/ls?after=c", "metadata/none", "metadata/ls/b"] {
        assert_eq!(ask(&bench, Verb::List, target, "").await.0, 404, "{target}");
    }
}

#[tokio::test]
async fn a_deleted_key_is_listed_a_removed_one_is_not() {
    let bench = filled().await;
    ask(&bench, Verb::Delete, "data/ls/b", "").await;
    ask(&bench, Verb::Delete, "metadata/ls/c", "").await;
    assert_eq!(ask_text(&bench, Verb::List, "metadata/ls", "").await.1, r#"{"keys":["a","a/","b"]}"#);
}

#[tokio::test]
async fn scans_go_down_all_folders() {
    let bench = filled().await;
    assert_eq!(ask_text(&bench, Verb::Scan, "metadata/ls", "").await.1, r#"{"keys":["a","b","c","a/deep/er"]}"#);
    assert_eq!(ask_text(&bench, Verb::Scan, "metadata/none", "").await, (200, "{}".to_owned()));
    assert_eq!(ask(&bench, Verb::Scan, "detailed-metadata", "").await.1["key_info"]["ls/a/deep/er"]["current_version"], 1);
}

#[tokio::test]
async fn detailed_lists_carry_metadata() {
    let bench = filled().await;
    let (_, list) = ask(&bench, Verb::List, "detailed-metadata/ls?limit=2", "").await;
    assert_eq!(list["keys"], serde_json::json!(["a", "a/"]));
    assert_eq!(list["key_info"]["a/"], serde_json::json!({}));
    assert_eq!(list["key_info"]["a"], ask(&bench, Verb::Read, "metadata/ls/a", "").await.1);
}

#[tokio::test]
async fn names_with_odd_characters_are_escaped() {
    let bench = mount("2").await;
    ask(&bench, Verb::Write, r#"data/o/a "b\.ž"#, r#"{"data":{}}"#).await;
    assert_eq!(ask(&bench, Verb::List, "metadata/o", "").await.1["keys"], serde_json::json!([r#"a "b\.ž"#]));
}
