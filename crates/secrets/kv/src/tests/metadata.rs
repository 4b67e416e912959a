//! Settings of keys and mounts, custom metadata.

use super::*;

#[tokio::test]
async fn metadata_lists_versions_and_settings() {
    let mut bench = mount("2").await;
    ask(&bench, Verb::Write, "data/m", r#"{"data":{}}"#).await;
    later(&mut bench, 60);
    ask(&bench, Verb::Write, "data/m", r#"{"data":{}}"#).await;
    let version = |created: &str| serde_json::json!({"created_time": created, "deletion_time": "", "destroyed": false});
    let expected = serde_json::json!({
        "cas_required": false, "created_time": "2027-01-15T08:00:00Z", "current_metadata_version": 0, "current_version": 2,
        "custom_metadata": null, "delete_version_after": "0s", "max_versions": 0, "metadata_cas_required": false,
        "oldest_version": 0, "updated_time": "2027-01-15T08:01:00Z",
        "versions": {"1": version("2027-01-15T08:00:00Z"), "2": version("2027-01-15T08:01:00Z")},
    });
    assert_eq!(ask(&bench, Verb::Read, "metadata/m", "").await, (200, expected));
    assert_eq!(ask(&bench, Verb::Read, "metadata/none", "").await.0, 404);
}

#[tokio::test]
async fn a_write_sets_what_it_names_and_null_resets() {
    let bench = mount("2").await;
    let write = async |body: &str| assert_eq!(ask(&bench, Verb::Write, "metadata/m", body).await.0, 204, "{body}");
    write(r#"{"max_versions":4,"custom_metadata":{"a":"1","b":"2"},"delete_version_after":"1h"}"#).await;
    write(r#"{"custom_metadata":{"c":3}}"#).await;
    let (_, shown) = ask(&bench, Verb::Read, "metadata/m", "").await;
    assert_eq!(shown["custom_metadata"], serde_json::json!({"c": "3"}));
    assert_eq!((&shown["max_versions"], &shown["delete_version_after"]), (&Value::from(4), &Value::from("1h0m0s")));
    assert_eq!((&shown["current_metadata_version"], &shown["current_version"]), (&Value::from(2), &Value::from(0)));
    write(r#"{"custom_metadata":null,"max_versions":null,"delete_version_after":null}"#).await;
    let (_, shown) = ask(&bench, Verb::Read, "metadata/m", "").await;
    assert_eq!(
        (&shown["custom_metadata"], &shown["max_versions"], &shown["delete_version_after"]),
        (&Value::Null, &Value::from(0), &Value::from("0s"))
    );
}

#[tokio::test]
async fn a_patch_merges_custom_metadata() {
    let bench = mount("2").await;
    assert!(matches!(bench.ask(Verb::Patch, "metadata/m", "{}").await, Err(Error::NotFoundBare)));
    ask(&bench, Verb::Write, "data/m", r#"{"data":{}}"#).await;
    for (patch, expected) in [
        (r#"{"custom_metadata":{"a":"1","b":"2"}}"#, serde_json::json!({"a": "1", "b": "2"})),
        (r#"{"custom_metadata":{"a":null,"c":"3"},"cas_required":true}"#, serde_json::json!({"b": "2", "c": "3"})),
        (r#"{"max_versions":2}"#, serde_json::json!({"b": "2", "c": "3"})),
        (r#"{"custom_metadata":null}"#, Value::Null),
    ] {
        assert_eq!(ask(&bench, Verb::Patch, "metadata/m", patch).await.0, 204);
        assert_eq!(ask(&bench, Verb::Read, "metadata/m", "").await.1["custom_metadata"], expected, "{patch}");
    }
    ask(&bench, Verb::Patch, "metadata/m", r#"{"custom_metadata":{"k":"v"}}"#).await;
    assert_eq!(ask(&bench, Verb::Read, "data/m", "").await.1["metadata"]["custom_metadata"]["k"], "v");
}

#[tokio::test]
async fn metadata_check_and_set() {
    let bench = mount("2").await;
    let write = async |body: &str| ask(&bench, Verb::Write, "metadata/m", body).await;
    refused(write(r#"{"metadata_cas":1}"#).await, "does not match the current version");
    assert_eq!(write(r#"{"metadata_cas":0,"metadata_cas_required":true}"#).await.0, 204);
    refused(write("{}").await, "metadata check-and-set parameter required for this call");
    refused(ask(&bench, Verb::Patch, "metadata/m", "{}").await, "required for this call");
    assert_eq!(write(r#"{"metadata_cas":1,"metadata_cas_required":false}"#).await.0, 204);
    ask(&bench, Verb::Write, "config", r#"{"metadata_cas_required":true}"#).await;
    refused(write("{}").await, "required for this call");
}

#[tokio::test]
async fn bad_settings_are_refused_and_change_nothing() {
    let bench = mount("2").await;
    for (body, part) in [
        (r#"{"max_versions":91}"#, "max_versions"),
        (r#"{"max_versions":-1}"#, "max_versions"),
        (r#"{"delete_version_after":"soon"}"#, "delete_version_after"),
        (r#"{"delete_version_after":"-1s"}"#, "negative"),
        (r#"{"custom_metadata":{"":"v"}}"#, "custom_metadata"),
        (r#"{"custom_metadata":{"k":""}}"#, "custom_metadata"),
        (r#"{"custom_metadata":{"a":{"b":"c"}}}"#, "custom_metadata"),
        (r#"{"custom_metadata":"text"}"#, "custom_metadata"),
        (r#"{"cas_required":"maybe"}"#, "cas_required"),
    ] {
        refused(ask(&bench, Verb::Write, "metadata/m", body).await, part);
    }
    assert_eq!(ask(&bench, Verb::Read, "metadata/m", "").await.0, 404);
}

#[tokio::test]
async fn config_keeps_what_a_later_write_leaves_out() {
    let bench = mount("2").await;
    ask(&bench, Verb::Write, "config", r#"{"max_versions":2,"delete_version_after":"3h25m19s"}"#).await;
    ask(&bench, Verb::Write, "config", r#"{"cas_required":true}"#).await;
    let expected =
        serde_json::json!({"cas_required":true,"delete_version_after":"3h25m19s","max_versions":2,"metadata_cas_required":false});
    assert_eq!(ask(&bench, Verb::Read, "config", "").await, (200, expected));
    refused(ask(&bench, Verb::Write, "data/x", r#"{"data":{}}"#).await, "check-and-set parameter required");
    ask(&bench, Verb::Write, "config", r#"{"delete_version_after":"-1s"}"#).await;
    assert_eq!(ask(&bench, Verb::Read, "config", "").await.1["delete_version_after"], "-1s");
}

#[tokio::test]
async fn versions_delete_themselves_after_their_time() {
    let mut bench = mount("2").await;
    ask(&bench, Verb::Write, "metadata/d", r#"{"delete_version_after":"1s"}"#).await;
    let (_, written) = ask(&bench, Verb::Write, "data/d", r#"{"data":{}}"#).await;
    assert_eq!(written["deletion_time"], "2027-01-15T08:00:01Z");
    assert_eq!(ask(&bench, Verb::Read, "data/d", "").await.0, 200);
    later(&mut bench, 1);
    assert_eq!(ask(&bench, Verb::Read, "data/d", "").await.0, 404);
    ask(&bench, Verb::Write, "undelete/d", r#"{"versions":[1]}"#).await;
    assert_eq!(ask(&bench, Verb::Read, "data/d", "").await.0, 200);
}
