//! Version 2: every write makes a numbered version; versions can be deleted, brought back, and destroyed. The route
//! table, and the hints for requests that use the paths of version 1.

mod data;
mod metadata;
mod versions;

use strongroom_engine::{AnyFields, Ctx, Error, NoFields, Output, Peek, Result, Route, Verb, route};
use strongroom_types::BoxFuture;

use crate::list::{self, Page};
use crate::{settings, store};

pub fn routes() -> Vec<Route> {
    let mut routes = values();
    routes.extend(about_keys());
    routes.extend(lists());
    routes.extend(roots());
    routes
}

fn values() -> Vec<Route> {
    use Verb::{Delete, Patch, Read, Write};
    vec![
        route(Read, "data/{path..}", "Read a version of a secret.", data::read).shows(data::SHOWN_OF_READ),
        route(Write, "data/{path..}", "Write the next version of a secret.", data::write)
            .exists(key_exists)
            .shows(data::SHOWN_OF_WRITE),
        route(Patch, "data/{path..}", "Merge into the current version of a secret.", data::patch).shows(data::SHOWN_OF_WRITE),
        route(Delete, "data/{path..}", "Mark the current version as deleted.", data::delete),
        route(Read, "data/", "No secret has an empty name.", data::read),
        route(Delete, "data/", "No secret has an empty name.", data::delete),
        route(Read, "subkeys/{path..}", "Read the structure of a secret without its values.", data::subkeys)
            .shows(data::SHOWN_OF_READ),
        route(Read, "subkeys/", "No secret has an empty name.", data::subkeys),
        route(Write, "delete/{path..}", "Mark versions as deleted.", versions::delete),
        route(Write, "undelete/{path..}", "Bring deleted versions back.", versions::undelete),
        route(Write, "destroy/{path..}", "Remove the values of versions for good.", versions::destroy),
    ]
}

fn about_keys() -> Vec<Route> {
    use Verb::{Delete, Patch, Read, Write};
    vec![
        route(Read, "metadata/{path..}", "Read settings, custom metadata and versions of a secret.", metadata::read)
            .shows(metadata::SHOWN),
        route(Write, "metadata/{path..}", "Set settings and custom metadata.", metadata::write)
            .exists(key_exists)
            .shows(data::SHOWN_OF_WRITE),
        route(Patch, "metadata/{path..}", "Change settings and custom metadata.", metadata::patch).shows(data::SHOWN_OF_WRITE),
        route(Delete, "metadata/{path..}", "Remove a secret with all its versions for good.", metadata::delete),
        route(Read, "metadata/", "No secret has an empty name.", metadata::read),
        route(Delete, "metadata/", "No secret has an empty name.", metadata::delete),
        route(Read, "config", "Read the mount's settings.", settings::read).shows(settings::SHOWN),
        route(Write, "config", "Change the mount's settings.", settings::write),
    ]
}

fn lists() -> Vec<Route> {
    use Verb::{List, Scan};
    let mut routes = Vec::new();
    for pattern in ["metadata/{path..}", "metadata/", "metadata"] {
        routes.push(route(List, pattern, "List secrets and folders.", list));
        routes.push(route(Scan, pattern, "List all secrets below a folder.", scan));
    }
    for pattern in ["detailed-metadata/{path..}", "detailed-metadata/", "detailed-metadata"] {
        routes.push(route(List, pattern, "List secrets with their metadata.", list_detailed));
        routes.push(route(Scan, pattern, "List all secrets below a folder with their metadata.", scan_detailed));
    }
    routes
}

async fn list(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let folder = name_of(ctx);
    list::list(ctx, &folder, page).await
}

async fn scan(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let folder = name_of(ctx);
    list::scan(ctx, &folder).await
}

async fn list_detailed(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let folder = name_of(ctx);
    list::list_detailed(ctx, &folder, page).await
}

async fn scan_detailed(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let folder = name_of(ctx);
    list::scan_detailed(ctx, &folder).await
}

/// The bare folders answer a hint to everything but lists.
fn roots() -> Vec<Route> {
    let mut routes = Vec::new();
    for pattern in ["data", "metadata", "delete", "undelete", "destroy"] {
        for verb in [Verb::Read, Verb::Write, Verb::Patch, Verb::Delete] {
            routes.push(route(verb, pattern, "Only lists are served here.", at_root));
        }
    }
    routes
}

async fn at_root(_: &mut Ctx, _: AnyFields) -> Result<Output> {
    Err(hint("Non-listing operations on the root of a K/V v2 mount are not supported."))
}

/// What a path gets that is none of this version's: mostly a path without `data/`.
pub fn unrouted(verb: Verb) -> Error {
    let command = match verb {
        Verb::Read => "get",
        Verb::Write => "put",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
        Verb::List => "list",
        Verb::Scan => "scan",
    };
    hint(&format!(
        "Invalid path for a versioned K/V secrets engine: values are below `data/`, settings of keys below `metadata/`. \
         With the CLI use 'strongroom kv {command}' for this operation."
    ))
}

/// 404 with a warning and no data.
fn hint(text: &str) -> Error {
    Error::With(404, Box::new(Output::raw_data(b"null".to_vec()).warn(text)))
}

/// A key exists from its first write of a value or of metadata on, whatever became of its versions.
fn key_exists<'a>(peek: &'a Peek, path: &'a str) -> BoxFuture<'a, Result<bool>> {
    Box::pin(store::exists(peek, name_in(path)))
}

/// SECURITY: the name comes from the path that was judged, never from a field, which a query or body could set.
fn name_of(ctx: &Ctx) -> String {
    name_in(&ctx.path).to_owned()
}

/// What follows `data/`, `metadata/` and the like.
fn name_in(path: &str) -> &str {
    path.split_once('/').map_or("", |(_, name)| name)
}

#[cfg(test)]
pub(crate) mod tests {
    use strongroom_engine::testing::assert_fields_match;

    pub fn input_tables_match() {
        assert_fields_match::<super::data::ReadInput>();
        assert_fields_match::<super::data::SubkeysInput>();
        assert_fields_match::<super::data::WriteInput>();
        assert_fields_match::<super::versions::VersionsInput>();
        assert_fields_match::<super::metadata::MetadataInput>();
    }
}
