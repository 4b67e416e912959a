//! Certificates in the whole server, looked at by the program that most verifiers are built on.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use strongroom_core::AuditDevice;
use strongroom_testkit::{Options, Reply, TestServer};

/// A moment at which what the tests issue is valid: a minute after the test clock's beginning.
const AT: &str = "1795000060";

async fn server() -> TestServer {
    let server = TestServer::start(Options::default()).await;
    mount(&server, "pki").await;
    server
}

async fn mount(server: &TestServer, path: &str) {
    let body = json!({ "type": "pki", "config": { "max_lease_ttl": "87600h" } });
    assert_eq!(server.call(&format!("POST sys/mounts/{path}"), "root", body).await.status, 204);
}

async fn ok(server: &TestServer, what: &str, body: Value) -> Reply {
    let reply = server.call(what, "root", body).await;
    assert_eq!(reply.status, 200, "{what}: {:?}", reply.body);
    reply
}

async fn root(server: &TestServer, path: &str, kind: &str, bits: u32) -> String {
    let body = json!({ "common_name": "Test Root", "ttl": "87600h", "key_type": kind, "key_bits": bits });
    ok(server, &format!("POST {path}/root/generate/internal"), body).await.text("/data/certificate")
}

/// What openssl says, and whether it was content.
fn openssl(folder: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(args).current_dir(folder).output().expect("openssl is installed");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), format!("{text}\n")).unwrap();
}

#[tokio::test]
async fn openssl_verifies_leaves_of_every_kind_of_key_under_every_kind_of_ca() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    for (n, (kind, bits)) in [("ec", 256), ("ec", 384), ("ec", 521), ("ed25519", 0), ("rsa", 2048)].into_iter().enumerate() {
        let path = format!("ca{n}");
        mount(&server, &path).await;
        write(folder.path(), "ca.pem", &root(&server, &path, kind, bits).await);
        for (leaf, leaf_bits) in [("ec", 256), ("ec", 384), ("ec", 521), ("ed25519", 0)] {
            let role = json!({ "allow_any_name": true, "key_type": leaf, "key_bits": leaf_bits, "ttl": "1h" });
            ok(&server, &format!("POST {path}/roles/r"), role).await;
            let made = ok(&server, &format!("POST {path}/issue/r"), json!({ "common_name": "www.example.com" })).await;
            write(folder.path(), "leaf.pem", &made.text("/data/certificate"));
            write(folder.path(), "leaf.key", &made.text("/data/private_key"));
            let args = ["verify", "-x509_strict", "-attime", AT, "-purpose", "sslserver", "-verify_hostname", "www.example.com"];
            let (good, said) = openssl(folder.path(), &[&args[..], &["-CAfile", "ca.pem", "leaf.pem"]].concat());
            assert!(good, "{kind} {bits} over {leaf} {leaf_bits}: {said}");
            let (_, of_certificate) = openssl(folder.path(), &["x509", "-in", "leaf.pem", "-noout", "-pubkey"]);
            let (_, of_key) = openssl(folder.path(), &["pkey", "-in", "leaf.key", "-pubout"]);
            assert!(of_key.starts_with("-----BEGIN PUBLIC KEY-----"), "{of_key}");
            assert_eq!(of_certificate, of_key);
        }
    }
}

#[tokio::test]
async fn openssl_reads_the_names_that_were_asked_for() {
    let server = server().await;
    root(&server, "pki", "ec", 256).await;
    let role = json!({
        "allowed_domains": ["example.com"], "allow_subdomains": true, "allow_bare_domains": true, "key_type": "ec",
        "allowed_uri_sans": ["spiffe://example/*"], "allowed_other_sans": ["1.3.6.1.4.1.311.20.2.3;UTF8:*"],
        "organization": ["Acme, Inc."], "ou": ["Web", "Ops"], "country": ["DE"], "ext_key_usage_oids": ["1.3.6.1.4.1.99999.5"],
        "policy_identifiers": ["1.3.6.1.4.1.99999.6"]
    });
    ok(&server, "POST pki/roles/r", role).await;
    let urls = json!({ "issuing_certificates": "http://ca.example/ca", "crl_distribution_points": "http://ca.example/crl",
                       "ocsp_servers": "http://ca.example/ocsp" });
    ok(&server, "POST pki/config/urls", urls).await;
    let asked = json!({
        "common_name": "www.example.com", "alt_names": "*.example.com,me@example.com,münchen.example.com", "ttl": "1h",
        "ip_sans": "10.0.0.1,fd00::1", "uri_sans": "spiffe://example/app", "other_sans": "1.3.6.1.4.1.311.20.2.3;UTF8:me@corp"
    });
    let made = ok(&server, "POST pki/issue/r", asked).await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "leaf.pem", &made.text("/data/certificate"));
    let (_, text) = openssl(folder.path(), &["x509", "-in", "leaf.pem", "-noout", "-text", "-nameopt", "RFC2253"]);
    for part in [
        "DNS:www.example.com, DNS:*.example.com, email:me@example.com, DNS:xn--mnchen-3ya.example.com",
        "IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1, URI:spiffe://example/app, othername: UPN::me@corp",
        "CN=www.example.com,OU=Ops,OU=Web,O=Acme\\, Inc.,C=DE",
        "Digital Signature, Key Encipherment, Key Agreement",
        "TLS Web Server Authentication, TLS Web Client Authentication, 1.3.6.1.4.1.99999.5",
        "CA Issuers - URI:http://ca.example/ca",
        "OCSP - URI:http://ca.example/ocsp",
        "URI:http://ca.example/crl",
        "Policy: 1.3.6.1.4.1.99999.6",
        "Version: 3 (0x2)",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let (_, serial) = openssl(folder.path(), &["x509", "-in", "leaf.pem", "-noout", "-serial"]);
    let shown = made.text("/data/serial_number").replace(':', "").to_uppercase();
    assert_eq!(serial.trim(), format!("serial={shown}"));
}

#[tokio::test]
async fn openssl_finds_a_certificate_revoked_when_its_lease_has_ended() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    let ca = root(&server, "pki", "ec", 384).await;
    ok(&server, "POST pki/roles/r", json!({ "allow_any_name": true, "key_type": "ec", "generate_lease": true, "ttl": "1h" }))
        .await;
    let made = ok(&server, "POST pki/issue/r", json!({ "common_name": "a.test" })).await;
    let kept = ok(&server, "POST pki/issue/r", json!({ "common_name": "b.test" })).await;
    write(folder.path(), "leaf.pem", &made.text("/data/certificate"));
    write(folder.path(), "kept.pem", &kept.text("/data/certificate"));
    let check = async |leaf: &str| {
        let list = server.call("GET pki/crl/pem", "", json!(null)).await;
        assert_eq!(list.status, 200);
        write(folder.path(), "ca.pem", &format!("{ca}\n{}", String::from_utf8_lossy(&list.raw)));
        openssl(folder.path(), &["verify", "-x509_strict", "-attime", AT, "-crl_check", "-CAfile", "ca.pem", leaf])
    };
    assert!(check("leaf.pem").await.0, "before the revocation");
    let body = json!({ "lease_id": made.text("/lease_id"), "sync": true });
    assert_eq!(server.call("POST sys/leases/revoke", "root", body).await.status, 204);
    let (good, said) = check("leaf.pem").await;
    assert!(!good && said.contains("certificate revoked"), "{said}");
    assert!(check("kept.pem").await.0, "another certificate");
    write(folder.path(), "crl.pem", &String::from_utf8_lossy(&server.call("GET pki/crl/pem", "", json!(null)).await.raw));
    let (good, said) = openssl(folder.path(), &["crl", "-in", "crl.pem", "-noout", "-text", "-CAfile", "ca.pem"]);
    assert!(good && said.contains("X509v3 CRL Number") && said.contains("verify OK"), "{said}");
}

/// A signing request of a new key, made by openssl; `names` as its `subjectAltName` takes them, empty for none.
fn request(folder: &Path, subject: &str, names: &str) -> String {
    let addition = format!("subjectAltName={names}");
    let mut args = vec!["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "csr.key"];
    args.extend(["-out", "csr.pem", "-subj", subject]);
    if !names.is_empty() {
        args.extend(["-addext", &addition]);
    }
    let (good, said) = openssl(folder, &args);
    assert!(good, "{said}");
    std::fs::read_to_string(folder.join("csr.pem")).unwrap()
}

/// CVE-2026-115369 and CVE-2026-105818: names in a signing request that no check covered.
#[tokio::test]
async fn cve_2026_115369_and_cve_2026_105818_every_name_of_a_request_is_judged() {
    let server = server().await;
    let ca = root(&server, "pki", "ec", 256).await;
    let folder = tempfile::tempdir().unwrap();
    let role = json!({ "allowed_domains": ["example.com"], "allow_subdomains": true, "key_type": "ec", "ttl": "1h",
                       "allowed_ip_sans_cidr": ["10.0.0.0/8"], "allowed_uri_sans": ["spiffe://example/*"] });
    ok(&server, "POST pki/roles/r", role).await;
    let subject = "/CN=www.example.com";
    for (subject, names, expected) in [
        (subject, "DNS:a.example.com,IP:10.1.2.3,URI:spiffe://example/app,email:me@mail.example.com", 200),
        (subject, "", 200),
        (subject, "IP:11.0.0.1", 400),
        (subject, "DNS:a.example.com,DNS:evil.org", 400),
        (subject, "DNS:evilexample.com", 400),
        (subject, "URI:spiffe://other/app", 400),
        (subject, "email:me@evil.org", 400),
        (subject, "RID:1.2.3.4", 400),
        (subject, "otherName:1.2.3.4;UTF8:me", 400),
        (subject, "DNS:me@mail.example.com", 400),
        ("/CN=evil.org", "", 400),
        ("/CN=www.example.com/CN=evil.org", "", 400),
    ] {
        let csr = request(folder.path(), subject, names);
        let reply = server.call("POST pki/sign/r", "root", json!({ "csr": csr })).await;
        assert_eq!(reply.status, expected, "{subject} {names}: {:?}", reply.body);
        if expected == 200 {
            assert_eq!(reply.at("/data/private_key"), json!(null));
            write(folder.path(), "leaf.pem", &reply.text("/data/certificate"));
            write(folder.path(), "ca.pem", &ca);
            let (good, said) =
                openssl(folder.path(), &["verify", "-x509_strict", "-attime", AT, "-CAfile", "ca.pem", "leaf.pem"]);
            assert!(good, "{said}");
            let (_, of_certificate) = openssl(folder.path(), &["x509", "-in", "leaf.pem", "-noout", "-pubkey"]);
            assert_eq!(of_certificate, openssl(folder.path(), &["pkey", "-in", "csr.key", "-pubout"]).1);
        }
    }
    let asked = json!({ "common_name": "www.example.com", "ip_sans": "11.0.0.1" });
    assert_eq!(server.call("POST pki/issue/r", "root", asked).await.status, 400);
}

#[tokio::test]
async fn leases_of_a_token_revoke_its_certificates() {
    let server = server().await;
    root(&server, "pki", "ec", 256).await;
    ok(&server, "POST pki/roles/r", json!({ "allow_any_name": true, "key_type": "ec", "generate_lease": true, "ttl": "10h" }))
        .await;
    let policy = json!({ "policy": "path \"pki/issue/r\" { capabilities = [\"update\"] }" });
    server.call("POST sys/policies/acl/issuer", "root", policy).await;
    let token = server.token(json!({ "policies": ["issuer"], "ttl": "1h", "renewable": false })).await;
    let made = server.call("POST pki/issue/r", &token, json!({ "common_name": "a.test" })).await;
    let lease = made.at("/lease_duration").as_u64().unwrap();
    assert!((3590..=3600).contains(&lease), "bounded by the token: {lease}");
    server.call("POST auth/token/revoke", "root", json!({ "token": token })).await;
    let serial = made.text("/data/serial_number");
    for _ in 0..1000 {
        let shown = ok(&server, &format!("GET pki/cert/{serial}"), json!(null)).await;
        if shown.at("/data/revocation_time") != json!(0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the certificate was not revoked");
}

#[tokio::test]
async fn what_is_public_needs_no_token_and_the_rest_does() {
    let server = server().await;
    root(&server, "pki", "ec", 256).await;
    ok(&server, "POST pki/roles/r", json!({ "allow_any_name": true, "key_type": "ec", "ttl": "1h" })).await;
    let serial = ok(&server, "POST pki/issue/r", json!({ "common_name": "a.test" })).await.text("/data/serial_number");
    let public = ["ca", "ca/pem", "ca_chain", "cert/ca", "cert/ca_chain", "cert/crl", "crl", "crl/pem"].map(str::to_owned);
    let by_serial = ["", "/raw", "/raw/pem"].map(|form| format!("cert/{serial}{form}"));
    for path in public.into_iter().chain(by_serial) {
        assert_eq!(server.call(&format!("GET pki/{path}"), "", json!(null)).await.status, 200, "{path}");
    }
    for what in [
        "LIST pki/certs",
        "LIST pki/certs/revoked",
        "LIST pki/roles",
        "GET pki/roles/r",
        "POST pki/roles/r",
        "POST pki/issue/r",
        "POST pki/sign/r",
        "POST pki/revoke",
        "POST pki/root/generate/internal",
        "GET pki/config/issuers",
        "POST pki/config/issuers",
        "GET pki/config/urls",
        "POST pki/config/urls",
    ] {
        assert_eq!(server.call(what, "", json!({})).await.status, 403, "{what}");
    }
}

/// CVE-2021-42135: a plain read must not give out credentials.
#[tokio::test]
async fn cve_2021_42135_rights_on_roles_issue_nothing() {
    let server = server().await;
    root(&server, "pki", "ec", 256).await;
    ok(&server, "POST pki/roles/r", json!({ "allow_any_name": true, "key_type": "ec", "ttl": "1h" })).await;
    let policy = json!({ "policy": "path \"pki/*\" { capabilities = [\"read\", \"list\"] }" });
    server.call("POST sys/policies/acl/reader", "root", policy).await;
    let token = server.token(json!({ "policies": ["reader"] })).await;
    assert_eq!(server.call("GET pki/roles/r", &token, json!(null)).await.status, 200);
    for what in ["GET pki/issue/r?common_name=a.test", "POST pki/issue/r", "POST pki/sign/r", "POST pki/root/generate/exported"] {
        let reply = server.call(what, &token, json!({ "common_name": "a.test" })).await;
        assert!([403, 405].contains(&reply.status), "{what}: {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_private_key_is_in_the_audit_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log/audit.log");
    let server = TestServer::start(Options { audit: vec![AuditDevice::file("file/", log.clone())], ..Options::default() }).await;
    mount(&server, "pki").await;
    let bundle = json!({ "common_name": "Root", "key_type": "ec", "ttl": "87600h", "format": "pem_bundle" });
    let made = ok(&server, "POST pki/root/generate/exported", bundle).await;
    assert!(made.text("/data/certificate").contains("PRIVATE KEY"));
    ok(&server, "POST pki/roles/r", json!({ "allow_any_name": true, "key_type": "ec", "ttl": "1h" })).await;
    for format in ["pem", "pem_bundle", "der"] {
        let made = ok(&server, "POST pki/issue/r", json!({ "common_name": "named.test", "format": format })).await;
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.contains(&made.text("/data/serial_number")), "an auditor finds what was issued");
        let key = made.text("/data/private_key");
        let middle = key.lines().nth(1).unwrap_or(&key);
        assert!(!text.contains("PRIVATE KEY") && !text.contains(middle), "{format}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn certificates_that_are_issued_and_revoked_at_once_are_all_kept() {
    const EACH: usize = 25;
    let server = std::sync::Arc::new(server().await);
    root(&server, "pki", "ec", 256).await;
    ok(&server, "POST pki/roles/r", json!({ "allow_any_name": true, "key_type": "ec", "ttl": "1h" })).await;
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move {
                for _ in 0..EACH {
                    let made = ok(&server, "POST pki/issue/r", json!({ "common_name": "a.test" })).await;
                    ok(&server, "POST pki/revoke", json!({ "serial_number": made.at("/data/serial_number") })).await;
                    assert_eq!(server.call("GET pki/crl", "", json!(null)).await.status, 200);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let list = server.call("GET pki/crl/pem", "", json!(null)).await;
    write(folder.path(), "crl.pem", &String::from_utf8_lossy(&list.raw));
    let (_, said) = openssl(folder.path(), &["crl", "-in", "crl.pem", "-noout", "-text"]);
    assert_eq!(said.matches("Serial Number:").count(), 4 * EACH, "{said}");
}
