//! The method over a store in memory: each test asks as a client would, without the pipeline around.

mod login;
mod roles;
mod secrets;
mod tend;

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_barrier::{Barrier, Config};
use strongroom_engine::testing::{Bench, assert_fields_match};
use strongroom_engine::{Auth, Body, Login, Result};
use strongroom_storage::MemoryStore;
use strongroom_types::{Rng, Ttl};

use super::*;

fn on_memory(rng: Arc<dyn Rng>) -> Barrier {
    Barrier::new(Arc::new(MemoryStore::new()), rng, Config::default())
}

/// An enabled mount.
async fn mount() -> Bench {
    let bench = Bench::open((APPROLE.make)(&Options::new()).unwrap(), on_memory).await.unwrap();
    bench.enable().await.unwrap();
    bench
}

fn later(bench: &mut Bench, s: u64) {
    bench.now = bench.now.plus(Ttl::from_s(s));
}

/// The status and `data`, or the error's text where there is none.
async fn ask(bench: &Bench, verb: Verb, target: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    match bench.ask(verb, target, &body).await {
        Ok(output) => match output.body {
            Body::Data(text) => (output.status.unwrap_or(200), serde_json::from_slice(&text).unwrap()),
            _ => (output.status.unwrap_or(204), Value::Null),
        },
        Err(error) => (error.status(), json!(error.public_text())),
    }
}

async fn write(bench: &Bench, target: &str, body: Value) -> (u16, Value) {
    ask(bench, Verb::Write, target, body).await
}

async fn read(bench: &Bench, target: &str) -> Value {
    ask(bench, Verb::Read, target, Value::Null).await.1
}

/// A role that says `body`, and its id.
async fn role(bench: &Bench, name: &str, body: Value) -> String {
    let written = write(bench, &format!("role/{name}"), body).await;
    assert_eq!(written.0, 204, "{written:?}");
    read(bench, &format!("role/{name}/role-id")).await["role_id"].as_str().unwrap().to_owned()
}

/// A secret id and its accessor.
async fn secret(bench: &Bench, role: &str, body: Value) -> (String, String) {
    let (status, data) = write(bench, &format!("role/{role}/secret-id"), body).await;
    assert_eq!(status, 200, "{data}");
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    (text("secret_id"), text("secret_id_accessor"))
}

async fn login(bench: &Bench, role_id: &str, secret_id: &str) -> Result<Login> {
    let body = json!({ "role_id": role_id, "secret_id": secret_id }).to_string();
    match bench.ask(Verb::Write, "login", &body).await?.auth {
        Some(Auth::Login(login)) => Ok(*login),
        other => panic!("no login: {other:?}"),
    }
}

async fn refused(bench: &Bench, role_id: &str, secret_id: &str) -> String {
    let error = login(bench, role_id, secret_id).await.expect_err("a refusal");
    assert_eq!(error.status(), 400);
    error.to_string()
}

const WRONG: &str = "invalid role or secret ID";

/// Entries of one area of the mount.
async fn entries(bench: &Bench, area: &'static str) -> usize {
    bench.view.scan(bench.mount.key(area).as_bytes(), None, 10_000).await.unwrap().len()
}

/// Background work until none is left; the answer is the number of pieces.
async fn tend_all(bench: &Bench) -> usize {
    let mut pieces = 0usize;
    while bench.tend().await.unwrap() {
        pieces = pieces.saturating_add(1);
    }
    pieces
}

#[test]
fn input_tables_match() {
    assert_fields_match::<role::RoleFields>();
    assert_fields_match::<role::Named>();
    assert_fields_match::<role_id::IdOfRole>();
    assert_fields_match::<issue::Wanted>();
    assert_fields_match::<issue::ChosenText>();
    assert_fields_match::<crate::secrets::OfRole>();
    assert_fields_match::<crate::secrets::AccessorOfRole>();
    assert_fields_match::<crate::login::Credentials>();
    assert_fields_match::<strongroom_engine::Page>();
}
