//! One operation: its fields, and every status that it can answer with.

use serde_json::{Map, Value, json};
use strongroom_engine::{Field, Operation, Route, Verb};

use super::path::{Template, placeholders};
use super::tag_of;
use crate::mount::Mount;

/// Unique but for patterns that differ in punctuation only, such as `secret-read-data-path`.
pub fn id(mount: &Mount, route: &Route, is_generic: bool) -> String {
    let verb = match route.verb {
        Verb::Read => Operation::Read.as_str(),
        Verb::Write => "write",
        Verb::Patch => Operation::Patch.as_str(),
        Verb::Delete => Operation::Delete.as_str(),
        Verb::List => Operation::List.as_str(),
        Verb::Scan => Operation::Scan.as_str(),
    };
    let place = if is_generic { mount.facts.engine } else { mount.entry.path.as_str() };
    let words = [place, verb, route.pattern.text].join("-");
    let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join("-")
}

pub fn describe(mount: &Mount, route: &Route, template: &Template, id: String) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), json!(id));
    operation.insert("summary".into(), json!(route.help));
    operation.insert("tags".into(), json!([tag_of(mount)]));
    if route.attributes.no_token {
        operation.insert("security".into(), json!([{}]));
    }
    let is_in_path = |field: &&Field| template.names.iter().any(|name| name == field.name);
    let fields: Vec<&Field> = route.fields.iter().filter(|f| !is_in_path(f)).collect();
    match route.verb {
        Verb::Write => drop(operation.insert("requestBody".into(), body(route, &fields, "application/json"))),
        Verb::Patch => drop(operation.insert("requestBody".into(), body(route, &fields, "application/merge-patch+json"))),
        verb => {
            let parameters = parameters(verb, &fields);
            if !parameters.is_empty() {
                operation.insert("parameters".into(), json!(parameters));
            }
        }
    }
    operation.insert("responses".into(), responses(route));
    Value::Object(operation)
}

fn body(route: &Route, fields: &[&Field], media_type: &str) -> Value {
    let properties: Map<String, Value> = fields.iter().map(|f| (f.name.to_owned(), schema(f, true))).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if let Some(schema) = schema.as_object_mut().filter(|_| route.takes_any_field()) {
        schema.insert("additionalProperties".into(), json!(true));
    }
    json!({ "required": route.verb == Verb::Patch, "content": { media_type: { "schema": schema } } })
}

fn parameters(verb: Verb, fields: &[&Field]) -> Vec<Value> {
    let list = json!({
        "name": "list", "in": "query", "required": true, "description": "Must be `true`: the verb LIST in a form that OpenAPI knows.",
        "schema": { "type": "string", "enum": ["true"] },
    });
    let own = fields
        .iter()
        .map(|f| json!({ "name": f.name, "in": "query", "required": false, "description": f.help, "schema": schema(f, false) }));
    (verb == Verb::List).then_some(list).into_iter().chain(own).collect()
}

/// The form that clients should send; the server takes others too.
fn schema(field: &Field, is_described: bool) -> Value {
    let mut schema = match field.kind {
        "duration" => json!({ "type": "string", "format": "duration", "example": "1h" }),
        "array" => json!({ "type": "array", "items": { "type": "string" } }),
        kind => json!({ "type": kind }),
    };
    if let Some(schema) = schema.as_object_mut().filter(|_| is_described) {
        schema.insert("description".into(), json!(field.help));
    }
    schema
}

/// JSON of this schema, and what else the route gives out.
fn content(route: &Route, name: &str) -> Value {
    let json = json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } });
    let mut content = Map::from_iter([("application/json".to_owned(), json)]);
    let others = route.content_types.iter().map(|other| ((*other).to_owned(), json!({ "schema": { "type": "string" } })));
    content.extend(others);
    Value::Object(content)
}

/// Success, refusals that depend on the request, and those that any request can meet.
fn responses(route: &Route) -> Value {
    let shared = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    let mut responses = Map::new();
    for (status, text) in route.statuses {
        responses.insert(status.to_string(), json!({ "description": text, "content": content(route, "Envelope") }));
    }
    let answer = json!({ "description": "Done.", "content": content(route, "Envelope") });
    responses.insert("200".into(), if route.content_types.is_empty() { shared("Answer") } else { answer });
    responses.insert("204".into(), shared("Nothing"));
    if placeholders(route.pattern.text).next().is_some() {
        responses.insert("307".into(), shared("Redirect"));
    }
    for (status, name) in super::parts::REFUSALS {
        responses.insert((*status).into(), shared(name));
    }
    if !route.content_types.is_empty() {
        responses.insert("400".into(), json!({ "description": "A field breaks a rule.", "content": content(route, "Errors") }));
    }
    if route.verb == Verb::Patch {
        responses.insert("415".into(), shared("MediaType"));
    }
    Value::Object(responses)
}
