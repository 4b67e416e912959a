//! The fields of one request, each as JSON text. A body's values are spans of the body: nothing is copied or built.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::{self, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::de::SetDeserializer;
use super::{Input, JsonLimits, check_budget, form};
use crate::{Error, Result};

enum Value {
    /// Start and end in the body.
    Span(usize, usize),
    Owned(String),
}

/// Fields by name, each once; the last of several equal names in a body counts, as it does for the reference.
#[derive(Default)]
pub struct FieldSet {
    body: Bytes,
    fields: Vec<(String, Value)>,
    path: Vec<(&'static str, String)>,
}

impl FieldSet {
    /// Reads a JSON object; an empty body and `null` are an empty object. Errors: `Invalid`, never quoting the body.
    pub fn from_json(body: Bytes, limits: JsonLimits) -> Result<Self> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        check_budget(&body, limits)?;
        let text = std::str::from_utf8(&body).map_err(|_| Error::invalid("failed to decode JSON input: not valid UTF-8"))?;
        let parsed: Option<TopLevel<'_>> = serde_json::from_str(text).map_err(|e| decode_error(&e))?;
        let base = text.as_ptr().addr();
        let mut set = Self::default();
        for (name, raw) in parsed.map(|p| p.0).unwrap_or_default() {
            let start = raw.get().as_ptr().addr().saturating_sub(base);
            set.set(name.into_owned(), Value::Span(start, start.saturating_add(raw.get().len())));
        }
        set.body = body;
        Ok(set)
    }

    /// Reads an urlencoded form. Errors: `Invalid`, never quoting the body.
    /// SECURITY (CVE-2025-62513): text without `=` is no form. Clients send a bare secret as one by default, and it would stand
    /// in the audit log as the name of a field.
    pub fn from_form(body: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(body).map_err(|_| Error::invalid("failed to parse form data: not valid UTF-8"))?;
        if text.split('&').any(|pair| !pair.is_empty() && !pair.contains('=')) {
            return Err(Error::invalid("failed to parse form data: each field must be name=value"));
        }
        let mut set = Self::default();
        form::read(text, &[], &mut set);
        Ok(set)
    }

    /// Reads a query; the protocol's own parameters are no fields.
    pub fn from_query(query: &str) -> Self {
        let mut set = Self::default();
        form::read(query, &["list", "scan", "help", "namespace"], &mut set);
        set
    }

    /// Parameters of the path. SECURITY: to a typed input they replace fields of the same name, so that a body cannot
    /// rename its target. An input that takes any field does not see them, and keeps a field of that name.
    pub fn set_path(&mut self, parameters: Vec<(&'static str, &str)>) {
        for (name, value) in parameters {
            self.path.push((name, serde_json::to_string(value).unwrap_or_default()));
        }
    }

    pub(super) fn set_owned(&mut self, name: String, json: String) {
        self.set(name, Value::Owned(json));
    }

    fn set(&mut self, name: String, value: Value) {
        match self.fields.iter_mut().find(|(n, _)| *n == name) {
            Some(place) => place.1 = value,
            None => self.fields.push((name, value)),
        }
    }

    fn json<'a>(&'a self, value: &'a Value) -> &'a str {
        match value {
            Value::Owned(text) => text,
            Value::Span(start, end) => self.body.get(*start..*end).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("null"),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Fields of body and query with their JSON texts, without path parameters.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), self.json(value)))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, text)| text)
    }

    /// A field of body or query as a typed input would read it into a `Text`.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str::<super::Text>(self.get(name)?).ok().map(|text| text.0)
    }

    pub(super) fn path_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.path.iter().map(|(name, text)| (*name, text.as_str()))
    }

    /// One JSON object with all fields of body and query, for the audit log. None when there are none.
    pub fn audit_text(&self) -> Option<Cow<'_, str>> {
        if !self.body.is_empty() {
            return std::str::from_utf8(&self.body).ok().map(Cow::Borrowed);
        }
        if self.fields.is_empty() {
            return None;
        }
        let mut out = String::from("{");
        for (i, (name, text)) in self.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(&serde_json::to_string(name).unwrap_or_default());
            out.push(':');
            out.push_str(text);
        }
        out.push('}');
        Some(Cow::Owned(out))
    }

    /// The typed input and the names that it does not know. Errors: `Invalid` naming the field and what it must be.
    pub fn parse<I: Input>(&self) -> Result<(I, Vec<String>)> {
        let unknown = std::cell::RefCell::new(Vec::new());
        let input = I::deserialize(SetDeserializer { set: self, table: I::FIELDS, with_path: !I::TAKES_ANY, unknown: &unknown })
            .map_err(|e| Error::Invalid(e.0))?;
        let mut unknown = unknown.into_inner();
        // A handler may take its name from the context's path instead.
        unknown.retain(|name| !self.path.iter().any(|(parameter, _)| parameter == name));
        unknown.sort_unstable();
        Ok((input, if I::TAKES_ANY { Vec::new() } else { unknown }))
    }
}

/// SECURITY: serde's own text quotes what it found; only the place is told.
fn decode_error(e: &serde_json::Error) -> Error {
    let what = match e.classify() {
        serde_json::error::Category::Data => "expected an object".to_owned(),
        serde_json::error::Category::Eof => "unexpected end of JSON input".to_owned(),
        _ => format!("invalid JSON at line {} column {}", e.line(), e.column()),
    };
    Error::Invalid(format!("failed to decode JSON input: {what}"))
}

struct TopLevel<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> de::Deserialize<'de> for TopLevel<'de> {
    fn deserialize<D: de::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = TopLevel<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    out.push((name, map.next_value()?));
                }
                Ok(TopLevel(out))
            }
        }
        d.deserialize_map(V)
    }
}

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
