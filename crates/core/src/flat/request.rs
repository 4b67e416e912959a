//! From a flat request to one on the key-value mount.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{JsonLimits, check_budget};
use strongroom_types::Ttl;

use super::{Asked, SHADOW, TTL_DEFAULT_S};
use crate::wire::{Answer, Method, Request};

/// The field of the entry that is the value when the query names none.
const FIELD: &str = "value";

/// Errors: the answer to give instead.
pub fn translate(mut request: Request, mount: &str) -> Result<(Request, Asked), Box<Answer>> {
    let name = request.path.strip_prefix(SHADOW).unwrap_or_default();
    if name.is_empty() || name.contains('/') {
        return Err(refuse(400, "the name must be one URL-encoded segment: write %2F for each slash"));
    }
    // A plus is a space here, as in a query.
    let name = name.replace('+', "%20");
    let field = query_field(&request.query)?;
    let asked = match request.method {
        Method::Get | Method::Head => Asked::Read { field },
        Method::Write => {
            let (body, ttl_s) = body(&request.body, &field)?;
            request.body = body;
            Asked::Write { ttl_s }
        }
        Method::Delete => Asked::Delete,
        Method::Patch | Method::List | Method::Scan | Method::Options | Method::Other => {
            return Err(Box::new(Answer::errors(405, &[])));
        }
    };
    request.path = format!("{mount}data/{name}");
    request.query = String::new();
    request.headers.content_type = None;
    Ok((request, asked))
}

fn refuse(status: u16, text: &str) -> Box<Answer> {
    Box::new(Answer::errors(status, &[text]))
}

/// `?field=NAME`; everything else in the query means nothing here.
fn query_field(query: &str) -> Result<String, Box<Answer>> {
    let Some(raw) = query.split('&').find_map(|p| p.strip_prefix("field=")) else { return Ok(FIELD.to_owned()) };
    let spaced = raw.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
    match decoded {
        Ok(name) if !name.is_empty() && name.len() <= 256 => Ok(name.into_owned()),
        _ => Err(refuse(400, "field must be 1 to 256 bytes of UTF-8")),
    }
}

#[derive(Deserialize)]
struct Body {
    value: Option<String>,
    ttl: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Duration {
    Seconds(u64),
    Text(String),
}

/// The body for the key-value engine: the lifetime is kept beside the value, where both APIs see it.
fn body(raw: &Bytes, field: &str) -> Result<(Bytes, u64), Box<Answer>> {
    check_budget(raw, JsonLimits::default()).map_err(|e| refuse(400, &e.to_string()))?;
    // SECURITY: the reader's own text would quote the value.
    let body: Body = serde_json::from_slice(raw)
        .map_err(|_| refuse(400, "the body must be a JSON object: `value` is a text, `ttl` a duration such as \"1h\""))?;
    let value = body.value.ok_or_else(|| refuse(400, "missing field \"value\""))?;
    let ttl = match body.ttl {
        None => None,
        Some(Duration::Seconds(s)) => Some(s),
        Some(Duration::Text(text)) => {
            Some(Ttl::parse(&text).map_err(|_| refuse(400, "ttl must be a duration such as \"1h\""))?.as_s())
        }
    };
    let mut data = serde_json::Map::new();
    data.insert(field.to_owned(), json!(value));
    if let Some(s) = ttl {
        data.insert("ttl".to_owned(), json!(format!("{s}s")));
    }
    let bytes = serde_json::to_vec(&json!({ "data": data })).map_err(|_| refuse(500, "internal error"))?;
    Ok((Bytes::from(bytes), ttl.unwrap_or(TTL_DEFAULT_S)))
}
