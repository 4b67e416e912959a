//! These endpoints in the OpenAPI document: they are in no route table.

use serde_json::{Value, json};

/// Path, method and operation of each.
pub fn described() -> Vec<(&'static str, &'static str, Value)> {
    let health =
        [("activecode", "Status when active."), ("sealedcode", "Status when sealed."), ("uninitcode", "Status before init.")];
    let codes = health.map(|(name, help)| {
        let schema = json!({ "type": "integer", "minimum": 200, "maximum": 599 });
        json!({ "name": name, "in": "query", "description": help, "schema": schema })
    });
    let mut told = operation("sys-health", "Says whether requests are served, by its status.", None);
    if let Some(told) = told.as_object_mut() {
        told.insert("parameters".into(), json!(codes));
        // The caller chooses.
        told.insert("responses".into(), json!({ "default": { "description": "200 active, 501 not initialised, 503 sealed." } }));
    }
    let shares = json!({
        "secret_shares": { "type": "integer", "description": "Key shares to make." },
        "secret_threshold": { "type": "integer", "description": "Shares that unseal." },
    });
    let unseal = json!({
        "key": { "type": "string", "description": "One share." },
        "reset": { "type": "boolean", "description": "Forgets the shares given so far." },
    });
    vec![
        ("/sys/health", "get", told),
        ("/sys/seal-status", "get", operation("sys-seal-status", "Shows whether the server is sealed.", None)),
        ("/sys/leader", "get", operation("sys-leader", "Shows which node serves.", None)),
        ("/sys/init", "get", operation("sys-init-status", "Shows whether the store is initialised.", None)),
        ("/sys/init", "post", operation("sys-init", "Initialises the store and gives out its key shares.", Some(shares))),
        ("/sys/unseal", "post", operation("sys-unseal", "Takes one key share.", Some(unseal))),
    ]
}

fn operation(id: &str, help: &str, fields: Option<Value>) -> Value {
    let errors = |text: &str| {
        let schema = json!({ "$ref": "#/components/schemas/Errors" });
        json!({ "description": text, "content": { "application/json": { "schema": schema } } })
    };
    let shared = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    let mut operation = json!({
        "operationId": id,
        "summary": help,
        "tags": ["system"],
        "security": [{}],
        "responses": {
            "200": { "description": "Done.", "content": { "application/json": { "schema": { "type": "object" } } } },
            "400": errors("A field breaks a rule, or the server is not in the right state; the text says which."),
            "405": shared("Unsupported"),
            "413": shared("TooLarge"),
            "429": shared("RateLimit"),
            "500": shared("Internal"),
            "503": shared("Unavailable"),
        },
    });
    if let Some((operation, fields)) = operation.as_object_mut().zip(fields) {
        let schema = json!({ "type": "object", "properties": fields });
        operation.insert("requestBody".into(), json!({ "content": { "application/json": { "schema": schema } } }));
    }
    operation
}
