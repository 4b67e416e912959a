use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectKeyIdentifier};

use super::*;

#[tokio::test]
async fn a_root_of_each_kind_signs_itself() {
    let bench = mount().await;
    for (kind, bits) in [("ec", 256), ("ec", 384), ("ec", 521), ("ed25519", 0), ("rsa", 2048)] {
        let asked = json!({ "common_name": "Root", "key_type": kind, "key_bits": bits, "ttl": "1h" });
        let answer = ok(&bench, "root/generate/exported", asked).await;
        let found = certificate(&answer);
        let body = found.tbs_certificate();
        let der = der::Encode::to_der(body).unwrap();
        let key = body.subject_public_key_info();
        assert!(csr::verifies(key, found.signature_algorithm(), &der, found.signature()), "{kind} {bits}");
        let (critical, basic): (bool, BasicConstraints) = body.get_extension().unwrap().unwrap();
        assert!(critical && basic.ca && basic.path_len_constraint.is_none());
        let (critical, usage): (bool, KeyUsage) = body.get_extension().unwrap().unwrap();
        assert!(critical && usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
        let (_, own): (bool, SubjectKeyIdentifier) = body.get_extension().unwrap().unwrap();
        let (_, authority): (bool, AuthorityKeyIdentifier) = body.get_extension().unwrap().unwrap();
        assert_eq!(Some(own.0), authority.key_identifier);
        assert_eq!(text(&answer, "private_key_type"), kind);
    }
}

#[tokio::test]
async fn serial_numbers_are_positive_and_random() {
    let bench = with_ca().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let serial = text(&ok(&bench, "issue/any", json!({ "common_name": "a.test", "ttl": "1h" })).await, "serial_number");
        let bytes = hex::decode(bare(&serial)).unwrap();
        assert!(bytes.len() == 20 && (0x40..0x80).contains(&bytes[0]), "{serial}");
        assert!(seen.insert(serial));
    }
    assert_eq!(list(&bench, "certs").await.len(), 51);
}

#[tokio::test]
async fn no_read_shows_a_private_key() {
    let bench = mount().await;
    let made = ok(&bench, "root/generate/internal", json!({ "common_name": "R", "key_type": "ec", "key_name": "k" })).await;
    assert!(made.get("private_key").is_none());
    for target in ["cert/ca", "cert/ca_chain", "config/issuers", "config/keys", "config/urls"] {
        let shown = read(&bench, target).await.to_string();
        assert!(!shown.contains("PRIVATE KEY"), "{target}");
    }
    for target in ["keys", "key/default", "key/k", "secret/k", "issuer/default"] {
        let error = output(&bench, Verb::Read, target, Value::Null).await.expect_err("no such path");
        assert_eq!(error.status(), 404, "{target}");
    }
}

#[tokio::test]
async fn names_of_issuers_and_keys_are_unique_and_plain() {
    let bench = mount().await;
    let asked = |issuer: &str, key: &str| json!({ "common_name": "R", "key_type": "ec", "issuer_name": issuer, "key_name": key });
    let first = ok(&bench, "root/generate/internal", asked("one", "k1")).await;
    for (issuer, key) in [("one", "k2"), ("two", "k1"), ("default", ""), ("", "default"), ("a/b", ""), ("", "a b"), ("-a", "")] {
        refused(&bench, "root/generate/internal", asked(issuer, key)).await;
    }
    let id = text(&first, "issuer_id");
    refused(&bench, "root/generate/internal", asked(&id, "")).await;
    refused(&bench, "root/generate/internal", asked("", &text(&first, "key_id"))).await;
    let second = ok(&bench, "root/generate/internal", asked("two", "k2")).await;
    assert_eq!(read(&bench, "config/issuers").await["default"], first["issuer_id"]);
    assert_eq!(ok(&bench, "config/issuers", json!({ "default": "two" })).await["default"], second["issuer_id"]);
    refused(&bench, "config/issuers", json!({ "default": "absent" })).await;
    ok(&bench, "config/issuers", json!({ "default": id, "default_follows_latest_issuer": true })).await;
    let third = ok(&bench, "root/generate/internal", asked("", "")).await;
    assert_eq!(read(&bench, "config/issuers").await["default"], third["issuer_id"]);
}

#[tokio::test]
async fn a_mount_without_a_ca_answers_nothing_or_says_so() {
    let bench = mount().await;
    for target in ["ca", "ca/pem", "ca_chain", "cert/ca", "cert/ca_chain", "crl", "crl/pem", "cert/crl"] {
        let answer = output(&bench, Verb::Read, target, Value::Null).await.unwrap();
        assert!(matches!(answer.body, Body::Nothing), "{target}");
    }
    ok(&bench, "roles/r", json!({ "allow_any_name": true, "key_type": "ec" })).await;
    assert!(refused(&bench, "issue/r", json!({ "common_name": "a.test" })).await.contains("no default issuer"));
}

#[tokio::test]
async fn what_cannot_be_a_root_is_refused_and_leaves_nothing() {
    let bench = mount().await;
    for body in [
        json!({ "key_type": "dsa" }),
        json!({ "key_bits": 1024 }),
        json!({ "key_bits": 2049 }),
        json!({ "key_type": "ec", "key_bits": 224 }),
        json!({ "key_type": "ec", "format": "jks" }),
        json!({ "key_type": "ec", "signature_bits": 160 }),
        json!({ "key_type": "ec", "use_pss": true }),
        json!({ "key_type": "ec", "max_path_length": 256 }),
        json!({ "key_type": "ec", "permitted_dns_domains": "a b" }),
        json!({ "key_type": "ec", "alt_names": "not a host" }),
        json!({ "key_type": "ec", "ip_sans": "256.0.0.1" }),
        json!({ "key_type": "ec", "uri_sans": "no uri" }),
        json!({ "key_type": "ec", "country": "D\u{0}" }),
        json!({ "key_type": "ec", "common_name": "a\nb" }),
        json!({ "key_type": "ec", "ttl": "1h", "not_after": "2050-01-01T00:00:00Z" }),
        json!({ "key_type": "ec", "not_after": "2000-01-01T00:00:00Z" }),
    ] {
        refused(&bench, "root/generate/internal", body).await;
    }
    refused(&bench, "root/generate/kms", json!({ "key_type": "ec" })).await;
    assert_eq!(list(&bench, "certs").await, Vec::<String>::new());
    assert_eq!(read(&bench, "config/issuers").await["default"], "");
}
