//! A cubbyhole over a store in memory: what one token sees, what others don't.

use std::sync::Arc;

use strongroom_barrier::{Barrier, Config, Intent};
use strongroom_engine::testing::{Bench, assert_fields_match};
use strongroom_engine::{Body, Caller, Error, Options, TokenKind, Verb};
use strongroom_storage::MemoryStore;
use strongroom_types::Rng;

use super::*;

fn on_memory(rng: Arc<dyn Rng>) -> Barrier {
    Barrier::new(Arc::new(MemoryStore::new()), rng, Config::default())
}

async fn bench() -> Bench {
    Bench::open((CUBBYHOLE.make)(&Options::new()).unwrap(), on_memory).await.unwrap()
}

fn caller(family: Option<&str>, kind: TokenKind) -> Option<Arc<Caller>> {
    Some(Arc::new(Caller {
        kind,
        is_root: true,
        family: family.map(str::to_owned),
        policies: Arc::from([]),
        display_name: String::new(),
        entity_id: String::new(),
    }))
}

async fn ask(bench: &mut Bench, family: &str, verb: Verb, target: &str, body: &str) -> Result<String> {
    bench.caller = caller(Some(family), TokenKind::Service);
    let output = bench.ask(verb, target, body).await?;
    assert!(output.warnings.is_empty(), "{:?}", output.warnings);
    Ok(match output.body {
        Body::Data(text) => String::from_utf8(text).unwrap(),
        _ => String::new(),
    })
}

#[test]
fn input_tables_match() {
    assert_fields_match::<ListInput>();
}

#[tokio::test]
async fn a_token_reads_lists_and_deletes_its_own() {
    let mut b = bench().await;
    ask(&mut b, "f1", Verb::Write, "ls/a", r#"{"k":1.10,"path":"p"}"#).await.unwrap();
    ask(&mut b, "f1", Verb::Write, "ls/b/c", r#"{"k":"v"}"#).await.unwrap();
    assert_eq!(ask(&mut b, "f1", Verb::Read, "ls/a", "").await.unwrap(), r#"{"k":1.10,"path":"p"}"#);
    assert_eq!(ask(&mut b, "f1", Verb::List, "ls", "").await.unwrap(), r#"{"keys":["a","b/"]}"#);
    assert_eq!(ask(&mut b, "f1", Verb::List, "", "").await.unwrap(), r#"{"keys":["ls/"]}"#);
    assert_eq!(ask(&mut b, "f1", Verb::List, "ls/?limit=1", "").await.unwrap(), r#"{"keys":["a"]}"#);
    for _ in 0..2 {
        ask(&mut b, "f1", Verb::Delete, "ls/a", "").await.unwrap();
        assert!(matches!(ask(&mut b, "f1", Verb::Read, "ls/a", "").await, Err(Error::NotFound)));
    }
}

#[tokio::test]
async fn nobody_else_sees_it_root_included() {
    let mut b = bench().await;
    ask(&mut b, "f1", Verb::Write, "x", r#"{"k":"v"}"#).await.unwrap();
    for other in ["f2", "f", "f11"] {
        assert!(matches!(ask(&mut b, other, Verb::Read, "x", "").await, Err(Error::NotFound)), "{other}");
        assert!(matches!(ask(&mut b, other, Verb::List, "", "").await, Err(Error::NotFound)), "{other}");
        ask(&mut b, other, Verb::Delete, "x", "").await.unwrap();
    }
    assert_eq!(ask(&mut b, "f1", Verb::Read, "x", "").await.unwrap(), r#"{"k":"v"}"#);
}

#[tokio::test]
async fn tokens_without_a_family_are_refused() {
    let mut b = bench().await;
    for verb in [Verb::Read, Verb::Write, Verb::Delete, Verb::List] {
        b.caller = caller(None, TokenKind::Batch);
        let error = b.ask(verb, "x", r#"{"a":1}"#).await.unwrap_err();
        assert_eq!((error.status(), error.to_string().contains("'service' type tokens")), (400, true));
        b.caller = None;
        assert_eq!(b.ask(verb, "x", r#"{"a":1}"#).await.unwrap_err().status(), 403);
    }
}

#[tokio::test]
async fn bad_writes_are_refused_and_store_nothing() {
    let mut b = bench().await;
    let big = format!(r#"{{"a":"{}"}}"#, "x".repeat(VALUE_BYTES_MAX));
    for (target, body, text) in [
        ("x".to_owned(), "{}", "missing data fields"),
        (String::new(), r#"{"a":1}"#, "missing path"),
        ("n".repeat(NAME_BYTES_MAX + 1), r#"{"a":1}"#, "name must have"),
        ("x".to_owned(), big.as_str(), "larger than"),
    ] {
        let error = ask(&mut b, "f1", Verb::Write, &target, body).await.unwrap_err();
        assert_eq!((error.status(), error.to_string().contains(text)), (400, true), "{error}");
    }
    assert!(matches!(ask(&mut b, "f1", Verb::List, "", "").await, Err(Error::NotFound)));
    assert!(matches!(ask(&mut b, "f1", Verb::Read, &"n".repeat(9000), "").await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_wrapped_response_comes_with_a_warning() {
    let mut b = bench().await;
    let mut txn = b.view.txn(Intent::Write);
    txn.put("c/f1/response", br#"{"response":"{}"}"#.to_vec());
    txn.commit().await.unwrap();
    b.caller = caller(Some("f1"), TokenKind::Service);
    let output = b.ask(Verb::Read, RESPONSE, "").await.unwrap();
    assert!(output.warnings[0].contains("sys/wrapping/unwrap"));
    assert!(matches!(output.body, Body::Data(text) if text == br#"{"response":"{}"}"#));
}

/// Policy judges the path, so nothing but the path may name the entry.
#[tokio::test]
async fn no_field_can_name_another_entry() {
    let mut b = bench().await;
    ask(&mut b, "f1", Verb::Write, "x/other", r#"{"k":"v"}"#).await.unwrap();
    assert!(matches!(ask(&mut b, "f1", Verb::Read, "?path=x/other", "").await, Err(Error::NotFound)));
    b.ask(Verb::Delete, "?path=x/other", "").await.unwrap();
    let list = b.ask(Verb::List, "?path=x", "").await.unwrap().body;
    assert!(matches!(list, Body::Data(text) if text == br#"{"keys":["x/"]}"#));
}
