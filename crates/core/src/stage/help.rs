//! `?help=1`: what a path or a mount is for, as text and as OpenAPI.

use serde_json::json;
use strongroom_engine::{Body, Error, Output, Result, Route};

use crate::mount::Mount;
use crate::openapi;

/// Of the path of a route, or of the whole mount for its root.
pub fn help(mount: &Mount, path: &str, route: &Route) -> Result<Output> {
    let (text, document) = match path {
        "" => (about_mount(mount), openapi::excerpt(mount, mount.routes.iter())),
        path => {
            let of_path = || mount.routes.iter().filter(|r| r.pattern.text == route.pattern.text);
            (about_path(path, route, of_path()), openapi::excerpt(mount, of_path()))
        }
    };
    let whole = json!({ "help": text, "see_also": null, "openapi": document });
    let bytes = serde_json::to_vec(&whole).map_err(|e| Error::Internal(format!("encoding help: {e}")))?;
    Ok(Output { body: Body::Whole(bytes), ..Output::default() })
}

/// With the parameters of every verb: whoever asks how to write a path asks for its help by GET.
fn about_path<'a>(path: &str, route: &Route, of_path: impl Iterator<Item = &'a Route>) -> String {
    let mut fields: Vec<String> = Vec::new();
    for field in of_path.flat_map(|r| &r.fields) {
        let line = format!("    {} ({})\n        {}", field.name, field.kind, field.help);
        if !fields.contains(&line) {
            fields.push(line);
        }
    }
    format!(
        "Request:        {path}\nMatching Route: {}\n\n{}\n\n## PARAMETERS\n\n{}\n",
        route.pattern.text,
        route.help,
        fields.join("\n\n")
    )
}

fn about_mount(mount: &Mount) -> String {
    let mut shown: Vec<&str> = Vec::new();
    let mut text = format!("The {} engine at {}.\n\n## PATHS\n\n", mount.facts.engine, mount.entry.path);
    for route in &mount.routes {
        if !shown.contains(&route.pattern.text) {
            shown.push(route.pattern.text);
            text.push_str(&format!("    {}\n        {}\n\n", route.pattern.text, route.help));
        }
    }
    text
}
