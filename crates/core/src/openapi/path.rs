//! A route's pattern as a path of OpenAPI.

use serde_json::{Value, json};
use strongroom_engine::{Route, Verb};

use crate::mount::Mount;

/// A path with its parameters.
pub struct Template {
    /// Such as `/secret/data/{path}`.
    pub text: String,
    pub parameters: Vec<Value>,
    /// Names of those parameters.
    pub names: Vec<String>,
}

impl Template {
    pub fn of(mount: &Mount, route: &Route, is_generic: bool) -> Self {
        let (mut parameters, mut names) = (Vec::new(), Vec::new());
        let prefix = if is_generic {
            let name = format!("{}_mount_path", mount.facts.engine.replace('-', "_"));
            let own = mount.entry.path.trim_start_matches("auth/").trim_end_matches('/');
            let help = "Path that the engine is mounted at.";
            let schema = json!({ "type": "string", "default": own });
            parameters.push(json!({ "name": name, "in": "path", "required": true, "description": help, "schema": schema }));
            let folder = if mount.entry.path.starts_with("auth/") { "auth/" } else { "" };
            let prefix = format!("{folder}{{{name}}}/");
            names.push(name);
            prefix
        } else {
            // Braces would be taken for parameters.
            mount.entry.path.replace('{', "%7B").replace('}', "%7D")
        };
        for name in placeholders(route.pattern.text) {
            let help = route.fields.iter().find(|f| f.name == name).map_or("Part of the path.", |f| f.help);
            let schema = json!({ "type": "string", "minLength": 1 });
            parameters.push(json!({ "name": name, "in": "path", "required": true, "description": help, "schema": schema }));
            names.push(name.to_owned());
        }
        Self { text: format!("/{prefix}{}", shown(route)), parameters, names }
    }
}

/// `{path..}` is `{path}` here. What is listed is a folder, so that its path is not that of an entry.
fn shown(route: &Route) -> String {
    let text = route.pattern.text.replace("..}", "}");
    if matches!(route.verb, Verb::List | Verb::Scan) && !text.is_empty() && !text.ends_with('/') {
        format!("{text}/")
    } else {
        text
    }
}

/// Names between braces, without the dots of those that take many segments.
pub fn placeholders(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    #[test]
    fn placeholders_are_found() {
        assert!(super::placeholders("config").next().is_none());
        assert_eq!(super::placeholders("a/{x}/b/{y..}").collect::<Vec<_>>(), ["x", "y"]);
    }
}
