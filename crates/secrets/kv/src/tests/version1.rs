//! Version 1: one value per key.

use super::*;

#[tokio::test]
async fn values_come_back_as_they_were_written() {
    let bench = mount("1").await;
    let body = r#"{"f":1.10,"big":1e400,"path":"/x","o":{"a":[1,"two"]},"nul":null,"u":"\u017elu"}"#;
    assert_eq!(ask_text(&bench, Verb::Write, "app", body).await, (204, String::new()));
    assert_eq!(ask_text(&bench, Verb::Read, "app", "").await, (200, body.to_owned()));
}

#[tokio::test]
async fn a_write_replaces_the_whole_value_and_its_row() {
    let bench = mount("1").await;
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(40_000));
    for (body, expected_rows) in [(large.as_str(), 1), (large.as_str(), 1), (r#"{"c":3}"#, 0), (large.as_str(), 1)] {
        assert_eq!(ask(&bench, Verb::Write, "ow", body).await.0, 204);
        assert_eq!(ask_text(&bench, Verb::Read, "ow", "").await.1, body);
        assert_eq!(rows(&bench).await, expected_rows);
    }
    assert_eq!(ask(&bench, Verb::Delete, "ow", "").await.0, 204);
    assert_eq!((ask(&bench, Verb::Read, "ow", "").await.0, rows(&bench).await), (404, 0));
    assert_eq!(ask(&bench, Verb::Delete, "ow", "").await.0, 204);
}

#[tokio::test]
async fn lease_duration_comes_from_value_or_mount() {
    let mut bench = mount("1").await;
    let check = async |bench: &Bench, body: &str, seconds: u64| {
        bench.ask(Verb::Write, "k", body).await.unwrap();
        assert_eq!(bench.ask(Verb::Read, "k", "").await.unwrap().lease_duration, Ttl::from_s(seconds), "{body}");
    };
    check(&bench, r#"{"a":1}"#, 2_764_800).await;
    check(&bench, r#"{"lease":"2h","v":"x"}"#, 7200).await;
    check(&bench, r#"{"ttl":"whenever"}"#, 2_764_800).await;
    let tuned = strongroom_engine::MountFacts { default_ttl: Ttl::from_s(60), ..(*bench.mount).clone() };
    bench.mount = Arc::new(tuned);
    check(&bench, r#"{"a":1}"#, 60).await;
}

#[tokio::test]
async fn lists_and_scans() {
    let bench = mount("1").await;
    assert_eq!(ask(&bench, Verb::List, "", "").await.0, 404);
    for name in ["ls/b", "ls/a", "ls/a/deep"] {
        ask(&bench, Verb::Write, name, r#"{"a":1}"#).await;
    }
    for target in ["ls", "ls/"] {
        assert_eq!(ask_text(&bench, Verb::List, target, "").await.1, r#"{"keys":["a","a/","b"]}"#);
        assert_eq!(ask_text(&bench, Verb::Scan, target, "").await.1, r#"{"keys":["a","b","a/deep"]}"#);
    }
    assert_eq!(ask_text(&bench, Verb::List, "", "").await.1, r#"{"keys":["ls/"]}"#);
    assert_eq!(ask_text(&bench, Verb::Scan, "none", "").await, (200, "{}".to_owned()));
    for target in ["ls", "ls/", ""] {
        assert_eq!(ask(&bench, Verb::Read, target, "").await.0, 404, "{target}");
    }
}

#[tokio::test]
async fn bad_writes_are_refused() {
    let bench = mount("1").await;
    refused(ask(&bench, Verb::Write, "x", "{}").await, "missing data fields");
    refused(ask(&bench, Verb::Write, "x", "").await, "missing data fields");
    refused(ask(&bench, Verb::Write, "", r#"{"a":1}"#).await, "missing path");
    refused(ask(&bench, Verb::Write, &"n".repeat(2049), r#"{"a":1}"#).await, "key name");
    refused(ask(&bench, Verb::Write, "x", &format!(r#"{{"a":"{}"}}"#, "x".repeat(VALUE_BYTES_MAX))).await, "larger than");
    assert_eq!(ask(&bench, Verb::Read, &"n".repeat(9000), "").await.0, 404);
    assert_eq!(ask(&bench, Verb::Patch, "x", r#"{"a":1}"#).await.0, 405);
}

#[tokio::test]
async fn no_field_can_name_another_secret() {
    let bench = mount("1").await;
    ask(&bench, Verb::Write, "x/other", r#"{"a":1}"#).await;
    assert!(matches!(bench.ask(Verb::Read, "?path=x/other", "").await, Err(Error::NotFound)));
    bench.ask(Verb::Delete, "?path=x/other", "").await.unwrap();
    assert_eq!(bench.ask(Verb::List, "?path=x", "").await.map(data_of).unwrap(), r#"{"keys":["x/"]}"#);
}
