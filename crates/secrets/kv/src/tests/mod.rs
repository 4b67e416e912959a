//! The engine over a store in memory: each test asks as a client would, without the pipeline around.

mod lists;
mod metadata;
mod model;
mod values;
mod version1;

use std::sync::Arc;

use serde_json::Value;
use strongroom_barrier::{Barrier, Config};
use strongroom_engine::testing::{Bench, assert_fields_match};
use strongroom_engine::{Body, Error, Options, Output, Result, Verb};
use strongroom_storage::MemoryStore;
use strongroom_types::{Rng, Ttl};

use super::*;

fn engine(version: &str) -> Result<Arc<dyn Engine>> {
    (KV.make)(&options(version))
}

fn options(version: &str) -> Options {
    Options::from([("version".to_owned(), version.to_owned())])
}

fn on_memory(rng: Arc<dyn Rng>) -> Barrier {
    Barrier::new(Arc::new(MemoryStore::new()), rng, Config::default())
}

/// An enabled mount.
async fn mount(version: &str) -> Bench {
    let bench = Bench::open(engine(version).unwrap(), on_memory).await.unwrap();
    bench.enable().await.unwrap();
    bench
}

fn later(bench: &mut Bench, s: u64) {
    bench.now = bench.now.plus(Ttl::from_s(s));
}

fn data_of(output: Output) -> String {
    match output.body {
        Body::Data(text) => String::from_utf8(text).unwrap(),
        _ => String::new(),
    }
}

/// The status and the text of `data`, or the error's text where there is none.
async fn ask_text(bench: &Bench, verb: Verb, target: &str, body: &str) -> (u16, String) {
    match bench.ask(verb, target, body).await {
        Ok(output) => {
            assert!(output.warnings.is_empty(), "{target}: {:?}", output.warnings);
            let data = data_of(output);
            (if data.is_empty() { 204 } else { 200 }, data)
        }
        Err(Error::With(status, output)) => (status, data_of(*output)),
        Err(error) => (error.status(), error.public_text().unwrap_or_default()),
    }
}

/// As `ask_text`, with the data as a tree.
async fn ask(bench: &Bench, verb: Verb, target: &str, body: &str) -> (u16, Value) {
    let (status, text) = ask_text(bench, verb, target, body).await;
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, value)
}

/// A request that must be refused with 400 and a text that contains `part`.
#[track_caller]
fn refused((status, value): (u16, Value), part: &str) {
    assert_eq!(status, 400, "{value}");
    assert!(value.as_str().is_some_and(|text| text.contains(part)), "{value} has no `{part}`");
}

/// Rows with values of their own in the store.
async fn rows(bench: &Bench) -> usize {
    let prefix = bench.mount.key("v");
    bench.view.scan(prefix.as_bytes(), None, 1000).await.unwrap().len()
}

#[test]
fn input_tables_match() {
    assert_fields_match::<list::Page>();
    v2::tests::input_tables_match();
}

#[test]
fn versions_are_1_and_2() {
    for good in ["", "1", "2"] {
        assert!(engine(good).is_ok());
    }
    assert!((KV.make)(&Options::new()).is_ok());
    assert_eq!(engine("7").err().unwrap().to_string(), "invalid version provided: 7");
}

#[test]
fn only_upgrades_are_possible() {
    let retune = |from: &str, to: &str| engine(from).unwrap().retune(&options(from), &options(to));
    assert!(retune("1", "2").unwrap().unwrap().contains("Upgrading mount from version 1 to version 2"));
    assert_eq!(retune("2", "1").unwrap_err().to_string(), "cannot downgrade mount from version 2");
    assert_eq!(retune("2", "2").unwrap(), None);
    assert!(retune("1", "9").is_err());
}

#[tokio::test]
async fn a_mount_of_version_1_becomes_version_2_by_its_option_alone() {
    let mut bench = mount("1").await;
    let large = format!(r#"{{"large":"{}"}}"#, "x".repeat(40_000));
    for (name, body) in [("old", r#"{"a":"kept","n":1.10}"#), ("large", large.as_str())] {
        assert_eq!(ask(&bench, Verb::Write, name, body).await.0, 204);
        assert_eq!(ask(&bench, Verb::Write, name, body).await.0, 204);
    }
    bench.engine = engine("2").unwrap();
    let (status, text) = ask_text(&bench, Verb::Read, "data/old", "").await;
    assert_eq!(status, 200);
    assert!(text.contains(r#""data":{"a":"kept","n":1.10}"#) && text.contains(r#""version":1"#), "{text}");
    let (_, written) = ask(&bench, Verb::Write, "data/large", r#"{"data":{"small":1}}"#).await;
    assert_eq!(written["version"], 2);
    assert_eq!(ask(&bench, Verb::Read, "data/large?version=1", "").await.1["data"]["large"].as_str().unwrap().len(), 40_000);
    assert_eq!(ask(&bench, Verb::Read, "config", "").await.1["max_versions"], 0);
}
