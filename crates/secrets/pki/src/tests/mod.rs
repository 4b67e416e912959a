//! The engine over a store in memory: each test asks as a client would, without the pipeline around.

mod issuing;
mod revoking;
mod roles;
mod roots;

use std::sync::Arc;

use der::Decode;
use serde_json::{Value, json};
use strongroom_barrier::{Barrier, Config};
use strongroom_engine::testing::Bench;
use strongroom_engine::{Body, Options, Output, Verb};
use strongroom_storage::MemoryStore;
use strongroom_types::{Rng, Timestamp, Ttl};
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;

use super::*;

fn on_memory(rng: Arc<dyn Rng>) -> Barrier {
    Barrier::new(Arc::new(MemoryStore::new()), rng, Config::default())
}

/// A mount without a CA.
async fn mount() -> Bench {
    Bench::open((PKI.make)(&Options::new()).unwrap(), on_memory).await.unwrap()
}

/// A mount with a CA of one year and a role `any`.
async fn with_ca() -> Bench {
    let mut bench = mount().await;
    bench.lifetimes.max_ttl = Ttl::from_s(10 * 8760 * 3600);
    ok(&bench, "root/generate/internal", json!({ "common_name": "Root", "key_type": "ec", "ttl": "8760h" })).await;
    ok(&bench, "roles/any", json!({ "allow_any_name": true, "key_type": "ec" })).await;
    bench
}

fn later(bench: &mut Bench, s: u64) {
    bench.now = bench.now.plus(Ttl::from_s(s));
}

async fn output(bench: &Bench, verb: Verb, target: &str, body: Value) -> Result<Output> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    bench.ask(verb, target, &body).await
}

fn data(output: &Output) -> Value {
    match &output.body {
        Body::Data(text) => serde_json::from_slice(text).unwrap(),
        other => panic!("no data: {other:?}"),
    }
}

/// The `data` of a write that is accepted.
async fn ok(bench: &Bench, target: &str, body: Value) -> Value {
    data(&output(bench, Verb::Write, target, body).await.unwrap())
}

/// The text of a refusal with status 400.
async fn refused(bench: &Bench, target: &str, body: Value) -> String {
    let error = output(bench, Verb::Write, target, body).await.expect_err("a refusal");
    assert_eq!(error.status(), 400, "{error}");
    error.to_string()
}

async fn read(bench: &Bench, target: &str) -> Value {
    data(&output(bench, Verb::Read, target, Value::Null).await.unwrap())
}

async fn list(bench: &Bench, target: &str) -> Vec<String> {
    match output(bench, Verb::List, target, Value::Null).await {
        Ok(output) => data(&output)["keys"].as_array().unwrap().iter().map(|k| k.as_str().unwrap().to_owned()).collect(),
        Err(error) => {
            assert_eq!(error.status(), 404, "{error}");
            Vec::new()
        }
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

fn certificate(answer: &Value) -> Certificate {
    let der = pem::decode(&text(answer, "certificate"), &["CERTIFICATE"]).unwrap();
    Certificate::from_der(&der).unwrap()
}

/// The revocation list of the default issuer.
async fn crl(bench: &Bench) -> CertificateList {
    let answer = read(bench, "cert/crl").await;
    CertificateList::from_der(&pem::decode(&text(&answer, "certificate"), &["X509 CRL"]).unwrap()).unwrap()
}

/// Serial numbers on the list.
async fn on_list(bench: &Bench) -> Vec<String> {
    let entries = crl(bench).await.tbs_cert_list.revoked_certificates.unwrap_or_default();
    entries.iter().map(|e| hex::encode(e.serial_number.as_bytes())).collect()
}

fn bare(serial: &str) -> String {
    serial.replace(':', "")
}
