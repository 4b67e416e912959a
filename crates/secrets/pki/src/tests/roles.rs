use super::*;

#[tokio::test]
async fn a_write_replaces_and_a_patch_changes() {
    let bench = mount().await;
    ok(&bench, "roles/r", json!({ "allowed_domains": "a.test,b.test", "ttl": "1h", "key_type": "ec" })).await;
    let patched = data(&output(&bench, Verb::Patch, "roles/r", json!({ "ttl": "2h" })).await.unwrap());
    assert_eq!((&patched["ttl"], &patched["allowed_domains"]), (&json!(7200), &json!(["a.test", "b.test"])));
    assert_eq!(read(&bench, "roles/r").await, patched);
    let replaced = ok(&bench, "roles/r", json!({})).await;
    assert_eq!((&replaced["ttl"], &replaced["allowed_domains"], &replaced["key_type"]), (&json!(0), &json!([]), &json!("rsa")));
    assert_eq!(list(&bench, "roles").await, ["r"]);
    output(&bench, Verb::Delete, "roles/r", Value::Null).await.unwrap();
    assert_eq!(output(&bench, Verb::Read, "roles/r", Value::Null).await.expect_err("gone").status(), 404);
    assert!(output(&bench, Verb::Patch, "roles/r", json!({})).await.is_err());
}

/// GHSA-59w7-v8rr-pr4p: values in templates widened what a role allows. Templates are not offered: a role that asks for them
/// is refused, and what looks like one is a plain name that fits nothing.
#[tokio::test]
async fn ghsa_59w7_v8rr_pr4p_templates_fail_closed() {
    let bench = with_ca().await;
    for field in ["allowed_domains_template", "allowed_uri_sans_template", "allow_globs_in_identity_templates"] {
        assert!(refused(&bench, "roles/r", json!({ field: true })).await.contains(field));
    }
    let body = json!({ "allowed_domains": ["{{identity.entity.name}}.test"], "allow_subdomains": true, "allow_glob_domains": true, "key_type": "ec" });
    ok(&bench, "roles/r", body).await;
    for name in ["a.test", "identity.test", "a.{{identity.entity.name}}.test"] {
        refused(&bench, "issue/r", json!({ "common_name": name })).await;
    }
}

#[tokio::test]
async fn what_a_role_may_not_say_is_refused_naming_the_field() {
    let bench = mount().await;
    for (field, value) in [
        ("key_type", json!("dsa")),
        ("key_bits", json!(1024)),
        ("signature_bits", json!(1)),
        ("use_pss", json!(true)),
        ("key_usage", json!(["Nope"])),
        ("key_usage", json!(["CertSign"])),
        ("ext_key_usage", json!(["Nope"])),
        ("ext_key_usage_oids", json!(["x"])),
        ("policy_identifiers", json!(["x"])),
        ("cn_validations", json!(["x"])),
        ("cn_validations", json!(["disabled", "email"])),
        ("allowed_ip_sans_cidr", json!(["10.0.0.0/33"])),
        ("allowed_other_sans", json!(["x"])),
        ("not_after_bound", json!("x")),
        ("not_before_bound", json!("x")),
        ("not_after", json!("x")),
        ("country", json!(["D\u{0}"])),
        ("ou", json!(["a\nb"])),
        ("issuer_ref", json!("a/b")),
        ("ttl", json!("-1h")),
    ] {
        let shown = refused(&bench, "roles/r", json!({ field: value })).await;
        let names_it = shown.contains(field) || ["key_type", "key_bits"].contains(&field);
        assert!(names_it, "{field}: {shown}");
    }
    refused(&bench, "roles/r", json!({ "ttl": "2h", "max_ttl": "1h" })).await;
    assert_eq!(list(&bench, "roles").await, Vec::<String>::new());
    for name in ["-a", "a-", "a b", "ä"] {
        assert!(output(&bench, Verb::Write, &format!("roles/{name}"), json!({})).await.is_err(), "{name}");
    }
}
