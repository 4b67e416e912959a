//! Version 2: values, check-and-set, patch, deletion, destruction, and what fits into one batch.

use super::*;

const FIRST: &str = r#"{"data":{"a":1}}"#;

#[tokio::test]
async fn write_answers_facts_and_read_gives_the_text_as_written() {
    let bench = mount("2").await;
    let (status, written) = ask(&bench, Verb::Write, "data/app", r#"{"data":{"n":1.10,"big":1e400,"nul":null}}"#).await;
    assert_eq!(status, 200);
    let facts = serde_json::json!({"created_time":"2027-01-15T08:00:00Z","custom_metadata":null,"deletion_time":"","destroyed":false,"version":1});
    assert_eq!(written, facts);
    let (_, text) = ask_text(&bench, Verb::Read, "data/app", "").await;
    assert!(text.starts_with(r#"{"data":{"n":1.10,"big":1e400,"nul":null},"metadata":{"#), "{text}");
    for (target, status) in
        [("data/app?version=0", 200), ("data/app?version=1", 200), ("data/app?version=2", 404), ("data/none", 404)]
    {
        assert_eq!(ask(&bench, Verb::Read, target, "").await.0, status, "{target}");
    }
    assert_eq!(ask_text(&bench, Verb::Read, "data/App", "").await, (404, String::new()));
    refused(ask(&bench, Verb::Read, "data/app?version=abc", "").await, "\"version\"");
}

#[tokio::test]
async fn data_is_an_object_or_null() {
    let bench = mount("2").await;
    for (data, status) in [("{}", 200), ("null", 200)] {
        assert_eq!(ask(&bench, Verb::Write, "data/x", &format!(r#"{{"data":{data}}}"#)).await.0, status);
        assert!(ask_text(&bench, Verb::Read, "data/x", "").await.1.starts_with(&format!(r#"{{"data":{data},"#)));
    }
    refused(ask(&bench, Verb::Write, "data/x", r#"{"a":1}"#).await, "no data provided");
    for data in [r#""s3cret""#, r#"["s3cret"]"#, "5"] {
        let answer = ask(&bench, Verb::Write, "data/x", &format!(r#"{{"data":{data}}}"#)).await;
        assert!(!answer.1.to_string().contains("s3cret"));
        refused(answer, "\"data\"");
    }
}

#[tokio::test]
async fn check_and_set() {
    let bench = mount("2").await;
    let write = async |cas: &str| ask(&bench, Verb::Write, "data/c", &format!(r#"{{"data":{{}},"options":{cas}}}"#)).await;
    assert_eq!(write(r#"{"cas":0}"#).await.1["version"], 1);
    let mismatch = "check-and-set parameter did not match the current version";
    for cas in [r#"{"cas":0}"#, r#"{"cas":"0"}"#, r#"{"cas":2}"#, r#"{"cas":-1}"#] {
        refused(write(cas).await, mismatch);
    }
    assert_eq!(write(r#"{"cas":"1"}"#).await.1["version"], 2);
    assert_eq!(write("[]").await.1["version"], 3);
    assert_eq!(write("null").await.1["version"], 4);
    refused(write(r#"{"cas":"z"}"#).await, "error parsing check-and-set parameter");
    refused(write(r#"{"cas":0.5}"#).await, "error parsing check-and-set parameter");
    refused(write(r#"{"cas":9,"cas":4}"#).await, "error parsing check-and-set parameter");
    refused(write(r#""x""#).await, "\"options\"");

    ask(&bench, Verb::Delete, "data/c", "").await;
    refused(write(r#"{"cas":0}"#).await, mismatch);
    ask(&bench, Verb::Write, "metadata/c", r#"{"cas_required":true}"#).await;
    refused(write("{}").await, "check-and-set parameter required for this call");
    assert_eq!(write(r#"{"cas":4}"#).await.1["version"], 5);
    refused(ask(&bench, Verb::Patch, "data/c", FIRST).await, "check-and-set parameter required for this call");
}

#[tokio::test]
async fn patch_merges_into_the_current_version() {
    let bench = mount("2").await;
    assert!(matches!(bench.ask(Verb::Patch, "data/p", FIRST).await, Err(Error::NotFoundBare)));
    ask(&bench, Verb::Write, "data/p", r#"{"data":{"a":1.10,"b":{"c":1}}}"#).await;
    let (_, written) = ask(&bench, Verb::Patch, "data/p", r#"{"data":{"b":{"c":null,"d":2.0}},"options":{"cas":1}}"#).await;
    assert_eq!(written["version"], 2);
    assert!(ask_text(&bench, Verb::Read, "data/p", "").await.1.starts_with(r#"{"data":{"a":1.10,"b":{"d":2.0}},"#));
    refused(ask(&bench, Verb::Patch, "data/p", r#"{"data":{"a":2},"options":{"cas":1}}"#).await, "did not match");
    refused(ask(&bench, Verb::Patch, "data/p", "{}").await, "no data provided");
    ask(&bench, Verb::Delete, "data/p", "").await;
    let (status, facts) = ask(&bench, Verb::Patch, "data/p", FIRST).await;
    assert_eq!((status, &facts["version"]), (404, &Value::from(2)));
    assert_ne!(facts["deletion_time"], "");
}

#[tokio::test]
async fn a_deleted_version_answers_404_with_its_facts_until_undeleted() {
    let bench = mount("2").await;
    for _ in 0..2 {
        ask(&bench, Verb::Write, "data/d", FIRST).await;
    }
    assert_eq!(ask(&bench, Verb::Delete, "data/d", "").await.0, 204);
    let (status, gone) = ask(&bench, Verb::Read, "data/d", "").await;
    assert_eq!((status, &gone["data"], &gone["metadata"]["version"]), (404, &Value::Null, &Value::from(2)));
    assert_ne!(gone["metadata"]["deletion_time"], "");
    assert_eq!(ask(&bench, Verb::Read, "subkeys/d", "").await.0, 404);
    assert_eq!(ask(&bench, Verb::Write, "undelete/d", r#"{"versions":[2]}"#).await.0, 204);
    assert_eq!(ask(&bench, Verb::Read, "data/d", "").await.0, 200);
    assert_eq!(ask(&bench, Verb::Write, "delete/d", r#"{"versions":"1, 2"}"#).await.0, 204);
    for target in ["data/d?version=1", "data/d"] {
        assert_eq!(ask(&bench, Verb::Read, target, "").await.0, 404);
    }
    refused(ask(&bench, Verb::Write, "delete/d", "{}").await, "No version number provided");
    refused(ask(&bench, Verb::Write, "delete/d", r#"{"versions":["x"]}"#).await, "\"versions\"");
}

#[tokio::test]
async fn operations_on_nothing_are_quiet() {
    let bench = mount("2").await;
    for operation in ["delete", "undelete", "destroy"] {
        assert_eq!(ask(&bench, Verb::Write, &format!("{operation}/none"), r#"{"versions":[1]}"#).await.0, 204);
    }
    for target in ["data/none", "metadata/none", "data/", "metadata/"] {
        assert_eq!(ask(&bench, Verb::Delete, target, "").await.0, 204);
    }
}

#[tokio::test]
async fn destroyed_values_leave_the_store() {
    let bench = mount("2").await;
    let large = format!(r#"{{"data":{{"a":"{}"}}}}"#, "x".repeat(40_000));
    for body in [FIRST, &large, FIRST] {
        ask(&bench, Verb::Write, "data/d", body).await;
    }
    assert_eq!(rows(&bench).await, 2);
    assert_eq!(ask(&bench, Verb::Write, "destroy/d", r#"{"versions":[1,2,3,9]}"#).await.0, 204);
    assert_eq!(rows(&bench).await, 0);
    let record = bench.view.get(bench.mount.key("m").name("d").as_bytes()).await.unwrap().unwrap();
    assert!(!String::from_utf8_lossy(record.value()).contains(r#"{"a":1}"#));
    let (status, gone) = ask(&bench, Verb::Read, "data/d", "").await;
    assert_eq!((status, &gone["metadata"]["destroyed"]), (404, &Value::Bool(true)));
    ask(&bench, Verb::Write, "undelete/d", r#"{"versions":[3]}"#).await;
    assert_eq!(ask(&bench, Verb::Read, "data/d", "").await.0, 404);
    assert_eq!(ask(&bench, Verb::Write, "data/d", FIRST).await.1["version"], 4);
}

#[tokio::test]
async fn subkeys_show_names_only() {
    let bench = mount("2").await;
    ask(&bench, Verb::Write, "data/s", r#"{"data":{"a":1,"b":{"c":"s3cret"}}}"#).await;
    let (_, all) = ask_text(&bench, Verb::Read, "subkeys/s", "").await;
    assert!(all.starts_with(r#"{"subkeys":{"a":null,"b":{"c":null}},"metadata":{"#), "{all}");
    let (_, top) = ask_text(&bench, Verb::Read, "subkeys/s?depth=1&version=1", "").await;
    assert!(top.starts_with(r#"{"subkeys":{"a":null,"b":null},"#), "{top}");
    refused(ask(&bench, Verb::Read, "subkeys/s?depth=-1", "").await, "\"depth\"");
    assert_eq!(ask(&bench, Verb::Read, "subkeys/none", "").await.0, 404);
}

#[tokio::test]
async fn the_worst_write_and_the_worst_removal_fit_into_a_batch() {
    let bench = mount("2").await;
    let name = "n".repeat(NAME_BYTES_MAX);
    let target = format!("data/{name}");
    let padded = |bytes: usize| format!(r#"{{"data":{{"a":"{}"}}}}"#, "x".repeat(bytes - r#"{"a":""}"#.len()));
    let pairs: Vec<_> = (0..64).map(|i| format!(r#""{i:0>128}":"{}""#, "v".repeat(512))).collect();
    let settings = format!(r#"{{"max_versions":{VERSIONS_MAX},"custom_metadata":{{{}}}}}"#, pairs.join(","));
    assert_eq!(ask(&bench, Verb::Write, &format!("metadata/{name}"), &settings).await.0, 204);
    for _ in 0..VERSIONS_MAX {
        assert_eq!(ask(&bench, Verb::Write, &target, &padded(32 * 1024)).await.0, 200);
    }
    assert_eq!(ask(&bench, Verb::Write, &format!("metadata/{name}"), r#"{"max_versions":1}"#).await.0, 204);
    ask(&bench, Verb::Write, "config", r#"{"max_versions":2}"#).await;
    assert_eq!(ask(&bench, Verb::Write, &target, &padded(VALUE_BYTES_MAX)).await.0, 200);
    assert_eq!(rows(&bench).await, 2);
    refused(ask(&bench, Verb::Write, &target, &padded(VALUE_BYTES_MAX + 1)).await, "larger than");

    ask(&bench, Verb::Write, "config", &format!(r#"{{"max_versions":{VERSIONS_MAX}}}"#)).await;
    for _ in 0..VERSIONS_MAX {
        assert_eq!(ask(&bench, Verb::Write, &target, &padded(40_000)).await.0, 200);
    }
    assert_eq!(rows(&bench).await, VERSIONS_MAX as usize);
    assert_eq!(ask(&bench, Verb::Delete, &format!("metadata/{name}"), "").await.0, 204);
    assert_eq!(rows(&bench).await, 0);
}

#[tokio::test]
async fn names_that_cannot_be_stored_name_nothing() {
    let bench = mount("2").await;
    let long = "n".repeat(5000);
    refused(ask(&bench, Verb::Write, &format!("data/{long}"), FIRST).await, "key name");
    refused(ask(&bench, Verb::Write, &format!("metadata/{long}"), "{}").await, "key name");
    assert_eq!(ask(&bench, Verb::Read, &format!("data/{long}"), "").await.0, 404);
    assert_eq!(ask(&bench, Verb::List, &format!("metadata/{long}"), "").await.0, 404);
    assert_eq!(ask(&bench, Verb::Read, "data/", "").await.0, 404);
}

#[tokio::test]
async fn paths_of_version_1_get_a_hint() {
    let bench = mount("2").await;
    for (verb, target) in [
        (Verb::Read, "plain"),
        (Verb::Write, "plain"),
        (Verb::List, ""),
        (Verb::Delete, "plain"),
        (Verb::Read, "data"),
        (Verb::Write, "metadata"),
    ] {
        let Err(Error::With(404, output)) = bench.ask(verb, target, "").await else { panic!("{verb:?} {target}") };
        assert_eq!(output.warnings.len(), 1, "{target}");
    }
    for target in ["data/x", "data/"] {
        assert!(matches!(bench.ask(Verb::Scan, target, "").await, Err(Error::UnsupportedOperation)));
    }
}

/// Policy judges the path, so nothing but the path may name the secret.
#[tokio::test]
async fn no_field_can_name_another_secret() {
    let bench = mount("2").await;
    ask(&bench, Verb::Write, "data/other", FIRST).await;
    let steered = r#"{"path":"other","data":{"b":2},"versions":[1]}"#;
    for (verb, target, body) in [
        (Verb::Read, "data/?path=other", ""),
        (Verb::Read, "subkeys/?path=other", ""),
        (Verb::Read, "metadata/?path=other", ""),
        (Verb::Delete, "data/?path=other", ""),
        (Verb::Delete, "metadata/?path=other", ""),
        (Verb::Write, "data/mine", steered),
        (Verb::Write, "delete/mine", steered),
        (Verb::Write, "destroy/mine", steered),
    ] {
        let _ = bench.ask(verb, target, body).await.map(data_of).map(|text| assert!(!text.contains("\"a\""), "{target}"));
    }
    ask(&bench, Verb::Write, "data/x/y", FIRST).await;
    assert_eq!(bench.ask(Verb::List, "metadata?path=x", "").await.map(data_of).unwrap(), r#"{"keys":["mine","other","x/"]}"#);
    assert!(ask_text(&bench, Verb::Read, "data/other", "").await.1.starts_with(r#"{"data":{"a":1},"#));
}
