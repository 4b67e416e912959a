use serde_json::{Value, json};
use strongroom_types::SecretString;

use crate::{Auth, CreateToken, Envelope, InitAnswer, SealStatus, UnsealRequest, WrapInfo, WriteOptions, WriteVersion};

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[test]
fn an_envelope_with_nulls_reads_as_empty() {
    let answer: Envelope = read(json!({"request_id": "r", "lease_id": "", "renewable": false, "lease_duration": 0,
        "data": null, "wrap_info": null, "warnings": null, "auth": null, "mount_type": "kv"}));
    assert!(answer.data.is_none() && answer.auth.is_none() && answer.wrap_info.is_none() && answer.warnings.is_none());
}

#[test]
fn an_envelope_without_auth_does_not_write_one() {
    let written = serde_json::to_value(Envelope { data: Some(json!({"a": 1})), ..Envelope::default() }).unwrap();
    assert!(written.get("auth").is_none() && written.get("wrap_info").is_none());
    assert_eq!(written["warnings"], Value::Null);
}

#[test]
fn no_secret_reaches_debug() {
    let canary = "s.canary";
    let texts = [
        format!("{:?}", Auth { client_token: canary.into(), ..Auth::default() }),
        format!("{:?}", WrapInfo { token: canary.into(), ..WrapInfo::default() }),
        format!("{:?}", InitAnswer { keys: vec![canary.into()], keys_base64: vec![canary.into()], root_token: canary.into() }),
        format!("{:?}", UnsealRequest { key: Some(canary.into()), reset: false }),
        format!("{:?}", CreateToken { id: Some(canary.into()), ..CreateToken::default() }),
        format!("{:?}", Envelope { data: Some(json!({"password": canary})), ..Envelope::default() }),
    ];
    assert!(texts.iter().all(|text| !text.contains("canary")), "{texts:?}");
}

#[test]
fn secrets_cross_the_wire_as_plain_strings() {
    let auth: Auth = read(json!({"client_token": "s.x", "accessor": "a", "policies": ["p"], "token_policies": ["p"],
        "metadata": {"user": "ann"}, "lease_duration": 60, "renewable": true, "mfa_requirement": null}));
    assert_eq!(auth.client_token.expose(), "s.x");
    assert_eq!(serde_json::to_value(&auth).unwrap()["client_token"], "s.x");
    let by_accessor: Auth = read(json!({"client_token": null}));
    assert!(by_accessor.client_token.is_empty());
    let init: InitAnswer = read(json!({"keys": ["00"], "keys_base64": ["AA=="], "root_token": "s.r"}));
    assert_eq!(serde_json::to_value(&init).unwrap(), json!({"keys": ["00"], "keys_base64": ["AA=="], "root_token": "s.r"}));
}

#[test]
fn what_was_not_set_is_not_sent() {
    assert_eq!(serde_json::to_value(CreateToken::default()).unwrap(), json!({}));
    assert_eq!(serde_json::to_value(UnsealRequest { key: None, reset: true }).unwrap(), json!({"reset": true}));
    let key = Some(SecretString::from("k"));
    assert_eq!(serde_json::to_value(UnsealRequest { key, reset: false }).unwrap(), json!({"key": "k", "reset": false}));
    let write = WriteVersion { data: serde_json::Map::new(), options: WriteOptions { cas: Some(0) } };
    assert_eq!(serde_json::to_value(write).unwrap(), json!({"data": {}, "options": {"cas": 0}}));
}

#[test]
fn a_sealed_status_has_no_cluster() {
    let status: SealStatus = read(json!({"type": "shamir", "initialized": true, "sealed": true, "t": 2, "n": 3, "progress": 1,
        "nonce": "n", "version": "1.0.0", "storage_type": "inmem"}));
    assert_eq!((status.threshold, status.shares, status.progress), (2, 3, 1));
    assert!(status.cluster_name.is_none());
}
