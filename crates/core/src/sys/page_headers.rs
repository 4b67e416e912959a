//! `sys/config/ui/headers`: headers that every page for browsers carries.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::json;
use strongroom_engine::{
    Attributes, Ctx, Error, Field, Flag, Input, Loose, NoFields, Output, Result, Route, Text, Verb, field, route,
};

use crate::rules::{self, CSP, PageHeaders, check_name, check_value};

const HEADERS_MAX: usize = 100;
const VALUES_MAX: usize = 20;

pub fn routes() -> Vec<Route> {
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    vec![
        route(Verb::List, "config/ui/headers/", "Lists the headers of pages.", list).attributes(sudo),
        route(Verb::Read, "config/ui/headers/{header}", "Shows a header of pages.", read).folds(folded).attributes(sudo),
        route(Verb::Write, "config/ui/headers/{header}", "Sets a header of pages.", write).folds(folded).attributes(sudo),
        route(Verb::Delete, "config/ui/headers/{header}", "Removes a header of pages.", delete).folds(folded).attributes(sudo),
    ]
}

fn folded(header: &str) -> Option<String> {
    Some(header.to_ascii_lowercase())
}

async fn stored(ctx: &mut Ctx) -> Result<PageHeaders> {
    Ok(ctx.load(&rules::page_key()).await?.unwrap_or_default())
}

async fn list(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    Output::keys(stored(ctx).await?.0.into_keys().collect())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Read {
    header: String,
    multivalue: Flag,
}
impl Input for Read {
    const FIELDS: &'static [Field] = &[
        field::<String>("header", "Name of the header.").clear(),
        field::<Flag>("multivalue", "Shows all values as `values` instead of the first as `value`.").clear(),
    ];
}

async fn read(ctx: &mut Ctx, input: Read) -> Result<Output> {
    let headers = stored(ctx).await?;
    let values = headers.0.get(&PageHeaders::spelling(&input.header)).ok_or(Error::NotFound)?;
    match input.multivalue.0 {
        true => Output::data(&json!({ "values": values })),
        false => Output::data(&json!({ "value": values.first() })),
    }
}

/// One text, or several. A comma is part of a value here: a policy for browsers may have one.
#[derive(Default)]
struct Values(Vec<String>);

impl Loose for Values {
    const KIND: &'static str = "array";
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Values;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of texts")
            }
            fn visit_str<E>(self, v: &str) -> std::result::Result<Values, E> {
                Ok(Values(vec![v.to_owned()]))
            }
            fn visit_unit<E>(self) -> std::result::Result<Values, E> {
                Ok(Values::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some(Text(value)) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Values(values))
            }
        }
        d.deserialize_any(V)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Write {
    header: String,
    values: Values,
}
impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<String>("header", "Name of the header.").clear(),
        field::<Values>("values", "Its value, or several: the header is then sent several times."),
    ];
}

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    check(&input)?;
    let name = PageHeaders::spelling(&input.header);
    let mut headers = stored(ctx).await?;
    if headers.0.len() >= HEADERS_MAX && !headers.0.contains_key(&name) {
        return Err(Error::invalid(format!("there can be at most {HEADERS_MAX} headers")));
    }
    let output = Output::raw_data(b"null".to_vec());
    let output = match name == CSP {
        true => output.warn("overriding default Content-Security-Policy which is secure by default, proceed with caution"),
        false => output,
    };
    headers.0.insert(name, input.values.0);
    ctx.save(rules::page_key(), &headers)?;
    Ok(output)
}

fn check(input: &Write) -> Result<()> {
    check_name(&input.header)?;
    let lower = input.header.to_ascii_lowercase();
    if lower.starts_with("x-vault") {
        return Err(Error::invalid("X-Vault headers cannot be set"));
    }
    if lower.starts_with("access-control-") || FORBIDDEN.contains(&lower.as_str()) {
        return Err(Error::invalid("this header cannot be set: it belongs to the connection, to a session or to config/cors"));
    }
    if input.values.0.is_empty() {
        return Err(Error::invalid("header and values must be specified"));
    }
    if input.values.0.len() > VALUES_MAX {
        return Err(Error::invalid(format!("values must list at most {VALUES_MAX} values")));
    }
    input.values.0.iter().try_for_each(|value| check_value(value))
}

/// SECURITY: they would change where an answer ends, what it is, or who the browser thinks it talks for.
const FORBIDDEN: [&str; 16] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "location",
    "proxy-authenticate",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
    "x-content-type-options",
];

async fn delete(ctx: &mut Ctx, input: Read) -> Result<Output> {
    let mut headers = stored(ctx).await?;
    if headers.0.remove(&PageHeaders::spelling(&input.header)).is_some() {
        ctx.save(rules::page_key(), &headers)?;
    }
    Ok(Output::nothing())
}
