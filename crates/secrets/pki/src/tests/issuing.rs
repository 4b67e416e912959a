use x509_cert::ext::pkix::SubjectAltName;

use super::*;

fn seconds(found: &Certificate) -> (u64, u64) {
    let validity = found.tbs_certificate().validity();
    (validity.not_before.to_unix_duration().as_secs(), validity.not_after.to_unix_duration().as_secs())
}

#[tokio::test]
async fn a_certificate_lives_as_long_as_asked_and_never_past_its_ca() {
    let bench = with_ca().await;
    let now = bench.now.unix_s();
    let ca_end = seconds(&certificate(&read(&bench, "cert/ca").await)).1;
    assert_eq!(ca_end, now + 8760 * 3600);
    let made = ok(&bench, "issue/any", json!({ "common_name": "a.test", "ttl": "2h" })).await;
    assert_eq!(seconds(&certificate(&made)), (now - 30, now + 7200));
    assert_eq!((made["not_before"].as_u64(), made["expiration"].as_u64()), (Some(now - 30), Some(now + 7200)));
    let at_end = ok(&bench, "issue/any", json!({ "common_name": "a.test", "ttl": "8760h" })).await;
    assert_eq!(seconds(&certificate(&at_end)).1, ca_end);
    for body in [
        json!({ "ttl": "8761h" }),
        json!({ "not_after": "9999-12-31T23:59:59Z" }),
        json!({ "not_after": "2500-01-01T00:00:00Z" }),
    ] {
        let mut body = body;
        body["common_name"] = json!("a.test");
        assert!(refused(&bench, "issue/any", body).await.contains("beyond the expiration of the CA"));
    }
}

#[tokio::test]
async fn a_role_bounds_when_certificates_begin_and_end() {
    let bench = with_ca().await;
    let moment = |s: i64| Timestamp::from_s(bench.now.unix_s().checked_add_signed(s).unwrap()).rfc3339();
    for (role, body, expected) in [
        (json!({ "max_ttl": "1h" }), json!({ "ttl": "2h" }), Some((-30, 3600))),
        (json!({ "ttl": "1h", "max_ttl": "3h" }), json!({}), Some((-30, 3600))),
        (json!({ "not_before_duration": "5m" }), json!({ "ttl": "1h" }), Some((-300, 3600))),
        (json!({}), json!({ "not_after": moment(600) }), Some((-30, 600))),
        (json!({}), json!({ "not_after": moment(-600) }), None),
        (json!({}), json!({ "not_after": moment(-10), "not_before": moment(-600) }), None),
        (json!({ "not_after_bound": "forbid" }), json!({ "not_after": moment(600) }), None),
        (json!({ "not_after_bound": "ttl-limited", "max_ttl": "1h" }), json!({ "not_after": moment(3600) }), Some((-30, 3600))),
        (json!({ "not_after_bound": "ttl-limited", "max_ttl": "1h" }), json!({ "not_after": moment(3601) }), None),
        (json!({ "not_after_bound": moment(900) }), json!({ "not_after": moment(901) }), None),
        (json!({ "not_after": moment(700) }), json!({}), Some((-30, 700))),
        (json!({}), json!({ "ttl": "1h", "not_before": moment(-86_400) }), Some((-86_400, 3600))),
        (json!({ "not_before_bound": "forbid" }), json!({ "ttl": "1h", "not_before": moment(-1) }), None),
        (json!({ "not_before_bound": "duration" }), json!({ "ttl": "1h", "not_before": moment(-31) }), None),
        (json!({ "not_before_bound": "duration" }), json!({ "ttl": "1h", "not_before": moment(-29) }), Some((-29, 3600))),
    ] {
        let (mut role, mut body) = (role, body);
        (role["allow_any_name"], role["key_type"]) = (json!(true), json!("ec"));
        body["common_name"] = json!("a.test");
        ok(&bench, "roles/r", role.clone()).await;
        let made = output(&bench, Verb::Write, "issue/r", body.clone()).await.ok();
        let found = made.map(|m| seconds(&certificate(&data(&m))));
        let at = |s: i64| bench.now.unix_s().checked_add_signed(s).unwrap();
        assert_eq!(found, expected.map(|(begin, end)| (at(begin), at(end))), "{role} {body}");
    }
}

#[tokio::test]
async fn formats_hold_the_same_certificate() {
    let bench = with_ca().await;
    let asked =
        |format: &str, key: &str| json!({ "common_name": "a.test", "ttl": "1h", "format": format, "private_key_format": key });
    let bundle = ok(&bench, "issue/any", asked("pem_bundle", "")).await;
    let parts = text(&bundle, "certificate");
    assert!(parts.starts_with("-----BEGIN EC PRIVATE KEY-----\n") && parts.matches("BEGIN CERTIFICATE").count() == 2, "{parts}");
    assert!(parts.starts_with(&text(&bundle, "private_key")));
    let der = ok(&bench, "issue/any", asked("der", "")).await;
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text(&der, "certificate")).unwrap();
    assert!(Certificate::from_der(&bytes).is_ok());
    let pkcs8 = ok(&bench, "issue/any", asked("pem", "pkcs8")).await;
    let key = pem::decode(&text(&pkcs8, "private_key"), &["PRIVATE KEY"]).unwrap();
    assert!(key::KeyPair::read(key::Kind::Ec(256), &strongroom_types::SecretBytes::new(key)).is_ok());
    for (format, key) in [("jks", ""), ("pem", "jks")] {
        refused(&bench, "issue/any", asked(format, key)).await;
    }
}

#[tokio::test]
async fn what_the_role_leaves_open_the_request_says_and_nothing_else() {
    let bench = with_ca().await;
    ok(&bench, "roles/open", json!({ "allow_any_name": true, "key_type": "any" })).await;
    let asked = |role: &str, kind: Value, bits: Value| {
        (format!("issue/{role}"), json!({ "common_name": "a.test", "ttl": "1h", "key_type": kind, "key_bits": bits }))
    };
    for (role, kind, bits, expected) in [
        ("open", json!("ec"), json!(384), Some("ec")),
        ("open", json!("ed25519"), Value::Null, Some("ed25519")),
        ("open", Value::Null, Value::Null, None),
        ("any", Value::Null, Value::Null, Some("ec")),
        ("any", json!("ec"), json!(256), Some("ec")),
        ("any", json!("ec"), json!(521), None),
        ("any", json!("ed25519"), Value::Null, None),
    ] {
        let (target, body) = asked(role, kind, bits);
        let made = output(&bench, Verb::Write, &target, body.clone()).await.ok();
        assert_eq!(made.map(|m| text(&data(&m), "private_key_type")).as_deref(), expected, "{target} {body}");
    }
}

#[tokio::test]
async fn a_certificate_without_any_name_is_refused() {
    let bench = with_ca().await;
    ok(&bench, "roles/free", json!({ "allow_any_name": true, "require_cn": false, "key_type": "ec" })).await;
    assert!(refused(&bench, "issue/free", json!({})).await.contains("needs a name"));
    let made = ok(&bench, "issue/free", json!({ "alt_names": "a.test", "ttl": "1h" })).await;
    let found = certificate(&made);
    let (critical, _): (bool, SubjectAltName) = found.tbs_certificate().get_extension().unwrap().unwrap();
    assert!(critical && found.tbs_certificate().subject().is_empty());
}

#[tokio::test]
async fn messages_show_names_without_control_characters_and_bounded() {
    let bench = with_ca().await;
    ok(&bench, "roles/none", json!({ "key_type": "ec" })).await;
    let shown = refused(&bench, "issue/none", json!({ "common_name": format!("a\n\u{202e}\u{1b}{}", "x".repeat(5000)) })).await;
    assert!(shown.len() < 500 && !shown.contains(['\n', '\u{202e}', '\u{1b}']), "{shown}");
}
