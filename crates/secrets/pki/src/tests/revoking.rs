use strongroom_engine::Lease;

use super::*;

async fn issue(bench: &Bench, role: &str) -> (String, Output) {
    let output =
        output(bench, Verb::Write, &format!("issue/{role}"), json!({ "common_name": "a.test", "ttl": "1h" })).await.unwrap();
    (text(&data(&output), "serial_number"), output)
}

#[tokio::test]
async fn cve_2021_29653_a_revoked_certificate_is_on_the_list_at_once_and_keeps_its_time() {
    let mut bench = with_ca().await;
    let (serial, _) = issue(&bench, "any").await;
    let (other, _) = issue(&bench, "any").await;
    assert_eq!(on_list(&bench).await, Vec::<String>::new());
    let first = ok(&bench, "revoke", json!({ "serial_number": serial.replace(':', "-").to_uppercase() })).await;
    assert_eq!(on_list(&bench).await, [bare(&serial)]);
    later(&mut bench, 60);
    assert_eq!(ok(&bench, "revoke", json!({ "serial_number": serial })).await, first);
    let shown = read(&bench, &format!("cert/{serial}")).await;
    assert_eq!(shown["revocation_time"], first["revocation_time"]);
    assert_eq!(read(&bench, &format!("cert/{other}")).await["revocation_time"], 0);
    assert_eq!(list(&bench, "certs/revoked").await, [serial]);
}

#[tokio::test]
async fn a_list_is_signed_numbered_upwards_and_made_anew_in_time() {
    let mut bench = with_ca().await;
    let ca = certificate(&read(&bench, "cert/ca").await);
    let number = |list: &CertificateList| {
        let all = list.tbs_cert_list.crl_extensions.clone().unwrap();
        all.iter().find(|e| e.extn_id.to_string() == "2.5.29.20").unwrap().extn_value.as_bytes().to_vec()
    };
    let first = crl(&bench).await;
    let body = der::Encode::to_der(&first.tbs_cert_list).unwrap();
    assert!(csr::verifies(ca.tbs_certificate().subject_public_key_info(), &first.signature_algorithm, &body, &first.signature));
    assert_eq!(&first.tbs_cert_list.issuer, ca.tbs_certificate().subject());
    later(&mut bench, 3600);
    assert_eq!(number(&crl(&bench).await), number(&first), "nothing changed");
    let (serial, _) = issue(&bench, "any").await;
    ok(&bench, "revoke", json!({ "serial_number": serial })).await;
    let second = crl(&bench).await;
    assert!(number(&second) > number(&first));
    later(&mut bench, 36 * 3600);
    let third = crl(&bench).await;
    assert!(number(&third) > number(&second));
    let until = third.tbs_cert_list.next_update.unwrap().to_unix_duration().as_secs();
    assert_eq!(until, bench.now.unix_s() + 72 * 3600);
}

#[tokio::test]
async fn the_end_of_a_lease_revokes_unless_the_certificate_ended_by_itself() {
    let mut bench = with_ca().await;
    ok(&bench, "roles/leased", json!({ "allow_any_name": true, "key_type": "ec", "generate_lease": true })).await;
    let (early, output) = issue(&bench, "leased").await;
    let lease = output.lease.unwrap();
    assert_eq!((lease.ttl, lease.renewable), (Ttl::from_s(3600), false));
    let early_lease = Lease { id: "l/1".into(), issued: bench.now, recipe: lease.recipe };
    bench.revoke_lease(&early_lease).await.unwrap();
    bench.revoke_lease(&early_lease).await.unwrap();
    assert_eq!(on_list(&bench).await, [bare(&early)]);
    let (_, output) = issue(&bench, "leased").await;
    let ended = Lease { id: "l/2".into(), issued: bench.now, recipe: output.lease.unwrap().recipe };
    later(&mut bench, 3600);
    bench.revoke_lease(&ended).await.unwrap();
    assert_eq!(list(&bench, "certs/revoked").await, [early]);
    let (_, output) = issue(&bench, "any").await;
    assert!(output.lease.is_none());
}

#[tokio::test]
async fn expired_revocations_leave_the_list_one_list_later() {
    let mut bench = with_ca().await;
    let (serial, _) = issue(&bench, "any").await;
    ok(&bench, "revoke", json!({ "serial_number": serial })).await;
    later(&mut bench, 3600 + 72 * 3600);
    assert_eq!(on_list(&bench).await, [bare(&serial)]);
    later(&mut bench, 40 * 3600);
    assert_eq!(on_list(&bench).await, Vec::<String>::new());
    let (expired, _) = issue(&bench, "any").await;
    later(&mut bench, 3601);
    let output = output(&bench, Verb::Write, "revoke", json!({ "serial_number": expired })).await.unwrap();
    assert_eq!(output.warnings.len(), 1);
    assert_eq!(on_list(&bench).await, Vec::<String>::new());
}

#[tokio::test]
async fn only_certificates_of_this_mount_are_revoked_and_never_its_ca() {
    let bench = with_ca().await;
    let ca = read(&bench, "cert/ca").await;
    assert!(refused(&bench, "revoke", json!({ "certificate": ca["certificate"] })).await.contains("its own CRL"));
    let serial = certificate::Serial::of(&certificate(&ca)).text();
    assert!(refused(&bench, "revoke", json!({ "serial_number": serial })).await.contains("its own CRL"));
    // A CA of the same name with another key.
    let other = with_ca().await;
    let foreign = ok(&other, "issue/any", json!({ "common_name": "a.test", "ttl": "1h" })).await;
    assert!(
        refused(&bench, "revoke", json!({ "certificate": foreign["certificate"] })).await.contains("unable to verify signature")
    );
    refused(&bench, "revoke", json!({ "serial_number": foreign["serial_number"] })).await;
    for body in [
        json!({}),
        json!({ "serial_number": "zz" }),
        json!({ "certificate": "nonsense" }),
        json!({ "serial_number": "11", "certificate": "x" }),
    ] {
        refused(&bench, "revoke", body).await;
    }
    assert_eq!(list(&bench, "certs/revoked").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_not_kept_is_revoked_by_itself_only() {
    let bench = with_ca().await;
    let body = json!({ "allow_any_name": true, "key_type": "ec", "no_store": true, "generate_lease": true });
    let role = output(&bench, Verb::Write, "roles/r", body).await.unwrap();
    assert!(role.warnings.iter().any(|w| w.contains("no_store=true takes priority")));
    let made = output(&bench, Verb::Write, "issue/r", json!({ "common_name": "a.test", "ttl": "1h" })).await.unwrap();
    assert!(made.lease.is_none());
    let (made, serial) = (data(&made), text(&data(&made), "serial_number"));
    let error = output(&bench, Verb::Read, &format!("cert/{serial}"), Value::Null).await.expect_err("not kept");
    assert_eq!(error.status(), 404);
    refused(&bench, "revoke", json!({ "serial_number": serial })).await;
    // A damaged copy is not taken for it.
    let mut der = pem::decode(&text(&made, "certificate"), &["CERTIFICATE"]).unwrap();
    let last = der.len() - 1;
    der[last] ^= 1;
    refused(&bench, "revoke", json!({ "certificate": pem::encode("CERTIFICATE", &der) })).await;
    ok(&bench, "revoke", json!({ "certificate": made["certificate"] })).await;
    assert_eq!(on_list(&bench).await, [bare(&serial)]);
    assert_ne!(read(&bench, &format!("cert/{serial}")).await["revocation_time"], 0);
}

#[tokio::test]
async fn lists_of_serials_page_in_either_spelling() {
    let bench = with_ca().await;
    for _ in 0..4 {
        issue(&bench, "any").await;
    }
    let all = list(&bench, "certs").await;
    assert_eq!(list(&bench, "certs/?limit=2").await, all[..2]);
    for after in [all[1].clone(), all[1].replace(':', "-").to_uppercase()] {
        assert_eq!(list(&bench, &format!("certs?limit=2&after={after}")).await, all[2..4]);
    }
}
