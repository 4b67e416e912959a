use std::collections::BTreeMap;

use serde_json::{Value, json};
use strongroom_types::{SecretBytes, Timestamp};

use super::*;
use crate::{ClearPaths, FragmentCache, Header, Kept, MountFacts, MountFragment, Names, NamespaceFacts};

const SECRETS: [&str; 9] = ["s.tok", "acc.1", "s3cret", "4711", "s.new", "acc.2", "wrap.tok", "wrap.acc", "cookie"];

fn key() -> HashKey {
    HashKey::new(&SecretBytes::new(vec![7; 32]))
}

/// Everything that can be said, in one response.
fn full_line() -> String {
    let metadata = BTreeMap::from([("user".to_owned(), "ann".to_owned())]);
    let block = AuthBlock {
        client_token: "s.tok",
        accessor: "acc.1",
        display_name: "userpass-ann",
        policies: Names::Texts(&["default", "p\"q"]),
        token_policies: Names::Texts(&["default"]),
        metadata: Some(&metadata),
        entity_id: "e-1",
        token_type: "service",
        token_ttl_s: 3600,
        issued: Some(Timestamp::from_s(1_764_014_000)),
        ..AuthBlock::default()
    };
    let fragments = FragmentCache::new();
    let mount = MountFragment::new(&MountFacts {
        point: "secret/",
        kind: "kv",
        accessor: "kv_1",
        running_version: "v1+builtin",
        class: "secret",
    });
    let clear = ClearPaths::new(["metadata.version"]);
    let policy = PolicyFacts { is_allowed: true, granting: Names::Texts(&["p"]), namespace_id: "root", reason: "p: secret/*" };
    let issued = AuthBlock { client_token: "s.new", accessor: "acc.2", token_type: "batch", ..AuthBlock::default() };
    let wrap = WrapFacts {
        ttl_s: 60,
        token: "wrap.tok",
        accessor: "wrap.acc",
        created: Timestamp::from_ns(1_764_014_482_000_000_001),
        creation_path: "secret/data/a",
        wrapped_accessor: "",
    };
    let request = RequestFacts {
        id: "r-1",
        operation: "read",
        client_id: "c-1",
        namespace: NamespaceFacts { id: "root", path: "" },
        mount: Some(&mount),
        path: "secret/data/a\nb",
        data: Some(Data { json: r#"{"p":"s3cret","n":4711}"#, clear: &clear, clear_keys: &[] }),
        remote: Some("[::ffff:10.0.0.1]:4000".parse().unwrap()),
        headers: &[
            Header { name: "x-a", values: &["plain".to_owned(), "second".to_owned()], is_hashed: false },
            Header { name: "cookie", values: &["cookie".to_owned()], is_hashed: true },
        ],
        wrap_ttl_s: Some(60),
        policy: Some(&policy),
        unknown_token: Some("never looked at"),
        kept: None,
    };
    let response = ResponseFacts {
        mount: Some(&mount),
        data: Some(Data { json: r#"{"data":{"p":"s3cret"},"metadata":{"version":2}}"#, clear: &clear, clear_keys: &[] }),
        auth: Some(&issued),
        wrap: Some(&wrap),
        warnings: Names::Texts(&["careful"]),
        redirect: "",
        lease_id: "l-1",
        status: Some(200),
    };
    let record = Record {
        kind: Kind::Response,
        time: Timestamp::from_ns(1_764_014_482_681_569_031),
        auth: Some(&AuthFacts { block, fragments: &fragments }),
        request: &request,
        response: Some(&response),
        error: Some("1 error occurred:\n\t* no\n\n"),
    };
    let mut out = b"{".to_vec();
    render(&record, DeviceId::for_test(1), &key(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn keys_and_nesting_are_those_of_the_reference() {
    let h = |v: &str| json!(key().hash(v));
    let expected = json!({
        "time": "2025-11-24T20:01:22.681569031Z",
        "type": "response",
        "auth": {
            "client_token": h("s.tok"), "accessor": h("acc.1"), "display_name": "userpass-ann",
            "policies": ["default", "p\"q"], "token_policies": ["default"], "metadata": {"user": "ann"},
            "entity_id": "e-1", "token_type": "service", "token_ttl": 3600,
            "token_issue_time": "2025-11-24T19:53:20.000000000Z",
            "policy_results": {
                "allowed": true,
                "granting_policies": [{"name": "p", "namespace_id": "root", "type": "acl"}],
                "reason": "p: secret/*",
            },
        },
        "request": {
            "id": "r-1", "client_id": "c-1", "operation": "read",
            "mount_point": "secret/", "mount_type": "kv", "mount_accessor": "kv_1",
            "mount_running_version": "v1+builtin", "mount_class": "secret",
            "client_token": h("s.tok"), "client_token_accessor": h("acc.1"),
            "namespace": {"id": "root"}, "path": "secret/data/a\nb",
            "data": {"p": h("s3cret"), "n": h("4711")},
            "remote_address": "10.0.0.1", "remote_port": 4000, "wrap_ttl": 60,
            "headers": {"x-a": ["plain", "second"], "cookie": [h("cookie")]},
        },
        "response": {
            "auth": {"client_token": h("s.new"), "accessor": h("acc.2"), "token_type": "batch"},
            "mount_point": "secret/", "mount_type": "kv", "mount_accessor": "kv_1",
            "mount_running_plugin_version": "v1+builtin", "mount_class": "secret",
            "secret": {"lease_id": "l-1"},
            "data": {"data": {"p": h("s3cret")}, "metadata": {"version": 2}},
            "warnings": ["careful"],
            "wrap_info": {
                "ttl": 60, "token": h("wrap.tok"), "accessor": h("wrap.acc"),
                "creation_time": "2025-11-24T20:01:22.000000001Z", "creation_path": "secret/data/a",
            },
            "status": 200,
        },
        "error": "1 error occurred:\n\t* no\n\n",
    });
    assert_eq!(serde_json::from_str::<Value>(&full_line()).unwrap(), expected);
}

#[test]
fn no_secret_is_in_the_line_and_it_is_one_line() {
    let line = full_line();
    let without_names = line.replace("\"cookie\":", "");
    for secret in SECRETS {
        assert!(!without_names.contains(secret), "{secret}");
    }
    assert!(!line.contains('\n'));
}

#[test]
fn an_unknown_token_is_hashed_too() {
    let request = RequestFacts { path: "p", unknown_token: Some("s.bad"), ..RequestFacts::default() };
    let record =
        Record { kind: Kind::Request, time: Timestamp::default(), auth: None, request: &request, response: None, error: None };
    let mut out = b"{".to_vec();
    render(&record, DeviceId::for_test(1), &key(), &mut out).unwrap();
    let found: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(found["auth"], json!({"token_type": "default"}));
    assert_eq!(found["request"]["client_token"], json!(key().hash("s.bad")));
}

#[test]
fn the_answers_line_repeats_what_the_requests_line_said() {
    let (clear, kept) = (ClearPaths::none(), Kept::default());
    let data = Some(Data { json: r#"{"p":"s3cret"}"#, clear: &clear, clear_keys: &[] });
    let fresh = RequestFacts { id: "r", path: "p", data, unknown_token: Some("s.bad"), ..RequestFacts::default() };
    let line = |kind, request: &RequestFacts<'_>, device: u64, key: &HashKey| {
        let record = Record { kind, time: Timestamp::default(), auth: None, request, response: None, error: None };
        let mut out = b"{".to_vec();
        render(&record, DeviceId::for_test(device), key, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let (keeping, other_key) = (RequestFacts { kept: Some(&kept), ..fresh }, HashKey::new(&SecretBytes::new(vec![9; 32])));
    // A refusal has no record before its own: that leaves nothing behind.
    assert_eq!(line(Kind::Response, &keeping, 1, &key()), line(Kind::Response, &fresh, 1, &key()));
    assert!(kept.text(DeviceId::for_test(1)).is_none());
    for kind in [Kind::Request, Kind::Response] {
        assert_eq!(line(kind, &keeping, 1, &key()), line(kind, &fresh, 1, &key()));
        assert_eq!(line(kind, &keeping, 2, &other_key), line(kind, &fresh, 2, &other_key), "another device");
    }
    let changed = RequestFacts { path: "another", ..keeping };
    assert!(line(Kind::Response, &changed, 1, &key()).contains(r#""path":"p""#), "it is repeated, not made anew");
}

#[test]
fn data_that_is_not_json_fails_the_record() {
    let clear = ClearPaths::none();
    let data = Some(Data { json: "{\"a\":", clear: &clear, clear_keys: &[] });
    let request = RequestFacts { data, ..RequestFacts::default() };
    let record =
        Record { kind: Kind::Request, time: Timestamp::default(), auth: None, request: &request, response: None, error: None };
    let result = render(&record, DeviceId::for_test(1), &key(), &mut Vec::new());
    assert!(matches!(result, Err(AuditError::Malformed)));
}
