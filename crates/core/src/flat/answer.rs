//! From the key-value engine's answer to a flat one. Refusals go out as they are.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use strongroom_types::{Timestamp, Ttl};

use super::{Asked, TTL_DEFAULT_S, expires_at};
use crate::wire::Answer;

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    data: Option<Versioned<'a>>,
}

#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow)]
    data: Option<std::collections::BTreeMap<String, &'a RawValue>>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    #[serde(default)]
    deletion_time: String,
}

#[derive(Deserialize)]
struct Written {
    data: Option<Metadata>,
}

/// Gives the answer its flat form. An answer without data (a refusal, a wrapped one) is left alone.
pub fn flatten(answer: Answer, asked: &Asked, now: Timestamp) -> Answer {
    match asked {
        // A deleted version is as absent as one that never was.
        Asked::Read { .. } if answer.status == 404 => Answer::errors(404, &[]),
        Asked::Read { field } if answer.status == 200 => read(&answer, field, now).unwrap_or(answer),
        Asked::Write { ttl_s } if answer.status == 200 => written(&answer, *ttl_s, now).unwrap_or(answer),
        _ => answer,
    }
}

/// None when the answer holds no entry: it was wrapped.
fn read(answer: &Answer, field: &str, now: Timestamp) -> Option<Answer> {
    let Versioned { data, metadata } = serde_json::from_slice::<Read<'_>>(&answer.body).ok()?.data?;
    let data = data?;
    let Some(value) = data.get(field) else { return Some(Answer::errors(404, &["the entry has no such field"])) };
    let ttl_s = data.get("ttl").and_then(|raw| ttl(raw)).unwrap_or(TTL_DEFAULT_S);
    let flat = json!({
        "value": text(value),
        "expiresAt": expires_at(now, ttl_s, deletion(&metadata)),
        "version": metadata.version.to_string(),
    });
    Some(json_answer(&flat))
}

fn written(answer: &Answer, ttl_s: u64, now: Timestamp) -> Option<Answer> {
    let metadata = serde_json::from_slice::<Written>(&answer.body).ok()?.data?;
    let expires_at = expires_at(now, ttl_s, deletion(&metadata));
    Some(json_answer(&json!({ "version": metadata.version.to_string(), "expiresAt": expires_at })))
}

fn json_answer(value: &Value) -> Answer {
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    body.push(b'\n');
    Answer::json(200, body)
}

fn deletion(metadata: &Metadata) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(&metadata.deletion_time)
}

/// A text as it is, anything else as its JSON.
fn text(raw: &RawValue) -> String {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}

/// `"1h"`, `"3600"` or `3600`.
fn ttl(raw: &RawValue) -> Option<u64> {
    match serde_json::from_str(raw.get()).ok()? {
        Value::String(text) => Ttl::parse(&text).ok().map(Ttl::as_s),
        Value::Number(number) => number.as_u64(),
        _ => None,
    }
}
