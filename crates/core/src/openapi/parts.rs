//! What all documents share: the frame, schemas and responses.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Of the OpenAPI specification.
const VERSION: &str = "3.0.2";

/// What any operation can answer besides success.
pub const REFUSALS: &[(&str, &str)] = &[
    ("400", "Invalid"),
    ("403", "Denied"),
    ("404", "NotFound"),
    ("405", "Unsupported"),
    ("413", "TooLarge"),
    ("429", "RateLimit"),
    ("500", "Internal"),
    ("503", "Unavailable"),
];

/// The document around some paths.
pub fn whole(paths: BTreeMap<String, Map<String, Value>>) -> Value {
    json!({
        "openapi": VERSION,
        "info": {
            "title": "Strongroom API",
            "description": "All paths are below `/v1/`. A duration is a number of seconds or a text such as `1h30m`.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0" },
        },
        "servers": [{ "url": "/v1" }],
        "paths": paths,
        "security": [{ "token": [] }, { "bearer": [] }],
        "components": {
            "securitySchemes": {
                "token": { "type": "apiKey", "in": "header", "name": "X-Vault-Token" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
            "schemas": { "Envelope": envelope(), "Errors": errors() },
            "responses": responses(),
        },
    })
}

fn errors() -> Value {
    json!({
        "type": "object",
        "required": ["errors"],
        "properties": { "errors": { "type": "array", "items": { "type": "string" } } },
    })
}

fn envelope() -> Value {
    let nullable = |kind: &str| json!({ "type": kind, "nullable": true });
    json!({
        "type": "object",
        "properties": {
            "request_id": { "type": "string" },
            "lease_id": { "type": "string" },
            "renewable": { "type": "boolean" },
            "lease_duration": { "type": "integer" },
            "data": nullable("object"),
            "wrap_info": nullable("object"),
            "warnings": { "type": "array", "items": { "type": "string" }, "nullable": true },
            "auth": nullable("object"),
        },
    })
}

fn responses() -> Value {
    let schema = |name: &str| json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } });
    let refusal = |text: &str| json!({ "description": text, "content": schema("Errors") });
    let later = |text: &str| {
        let header = json!({ "Retry-After": { "description": "Seconds to wait.", "schema": { "type": "integer" } } });
        json!({ "description": text, "headers": header, "content": schema("Errors") })
    };
    json!({
        "Answer": { "description": "Done.", "content": schema("Envelope") },
        "Nothing": { "description": "Done, and there is nothing to say." },
        "Redirect": {
            "description": "The path is not clean: ask for the one in Location.",
            "headers": { "Location": { "schema": { "type": "string" } } },
        },
        "Invalid": refusal("A field or the path breaks a rule; the text names it."),
        "Denied": refusal("No live token, or its policies do not permit this."),
        "NotFound": {
            "description": "Nothing is there. A deleted version of a secret answers with an envelope.",
            "content": { "application/json": { "schema": {
                "anyOf": [{ "$ref": "#/components/schemas/Errors" }, { "$ref": "#/components/schemas/Envelope" }],
            } } },
        },
        "Unsupported": refusal("The path does not serve this verb."),
        "MediaType": refusal("PATCH needs the content type application/merge-patch+json."),
        "TooLarge": refusal("The body is larger than the listener takes."),
        "RateLimit": later("A rate limit of this client is used up."),
        "Internal": refusal("The server failed; its log has the reason. Nothing was changed, or what was changed is not confirmed."),
        "Unavailable": later("Sealed, overloaded, or too many changes to one entry at once."),
    })
}
