//! The OpenAPI document, generated from the route tables that requests are served by, so that it cannot say something else.
//! LIST is a read with `list=true`, because OpenAPI knows no such verb; writes are POST, and PUT does the same.

mod operation;
mod parts;
mod path;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use strongroom_engine::{EngineKind, Route, Verb};

use crate::bare;
use crate::mount::Mount;
use path::Template;

/// What a caller may choose.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Put behind every operation's id, so that documents of several servers can be merged.
    pub context: String,
    /// Mount paths become parameters, so that one client serves every mount of a type.
    pub has_generic_mounts: bool,
}

/// The whole document for these mounts.
pub fn document<'m>(mounts: impl Iterator<Item = &'m Mount>, options: &Options) -> Value {
    let mut paths = Paths::new(options);
    paths.bare();
    mounts.for_each(|mount| paths.add_mount(mount));
    parts::whole(paths.finish())
}

/// The document of a mount's paths that these routes have.
pub fn excerpt<'r>(mount: &Mount, routes: impl Iterator<Item = &'r Route>) -> Value {
    let options = Options::default();
    let mut paths = Paths::new(&options);
    routes.for_each(|route| paths.add_route(mount, route));
    parts::whole(paths.finish())
}

/// Path items under construction.
struct Paths<'o> {
    options: &'o Options,
    items: BTreeMap<String, Map<String, Value>>,
    /// Ids that are taken, with how often.
    ids: BTreeMap<String, u32>,
}

impl<'o> Paths<'o> {
    fn new(options: &'o Options) -> Self {
        Self { options, items: BTreeMap::new(), ids: BTreeMap::new() }
    }

    fn finish(self) -> BTreeMap<String, Map<String, Value>> {
        self.items
    }

    fn bare(&mut self) {
        for (path, method, operation) in bare::described() {
            self.items.entry(path.to_owned()).or_default().insert(method.to_owned(), operation);
        }
    }

    fn add_mount(&mut self, mount: &Mount) {
        mount.routes.iter().for_each(|route| self.add_route(mount, route));
    }

    fn add_route(&mut self, mount: &Mount, route: &Route) {
        let is_generic = self.options.has_generic_mounts && !mount.entry.is_builtin();
        let template = Template::of(mount, route, is_generic);
        let method = method_of(route.verb);
        // SCAN has no form of its own; a second pattern of one path adds nothing.
        let is_known = self.items.get(&template.text).is_some_and(|item| item.contains_key(method));
        if route.verb == Verb::Scan || is_known {
            return;
        }
        let id = self.unique(operation::id(mount, route, is_generic));
        let described = operation::describe(mount, route, &template, id);
        let item = self.items.entry(template.text.clone()).or_default();
        about_path(item, route, &template);
        item.insert(method.to_owned(), described);
    }

    /// Behind a number where two patterns would have the same.
    fn unique(&mut self, id: String) -> String {
        let id = if self.options.context.is_empty() { id } else { format!("{id}-{}", self.options.context) };
        let n = self.ids.entry(id.clone()).or_default();
        *n = n.saturating_add(1);
        if *n == 1 { id } else { format!("{id}-{n}") }
    }
}

/// What holds for all operations of a path; the extensions are the reference's.
fn about_path(item: &mut Map<String, Value>, route: &Route, template: &Template) {
    item.entry("description").or_insert_with(|| json!(route.help));
    if !template.parameters.is_empty() {
        item.entry("parameters").or_insert_with(|| json!(template.parameters));
    }
    for (name, is_set) in [
        ("x-vault-unauthenticated", route.attributes.no_token),
        ("x-vault-sudo", route.attributes.sudo),
        ("x-vault-createSupported", route.has_existence_check()),
    ] {
        if is_set {
            item.insert(name.to_owned(), json!(true));
        }
    }
}

fn method_of(verb: Verb) -> &'static str {
    match verb {
        Verb::Read | Verb::List | Verb::Scan => "get",
        Verb::Write => "post",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
    }
}

/// What a mount is filed under.
fn tag_of(mount: &Mount) -> &'static str {
    match (mount.entry.path.as_str(), mount.kind) {
        ("sys/", _) => "system",
        (_, EngineKind::Auth) => "auth",
        (_, EngineKind::Secrets) => "secrets",
    }
}
