//! `auth/token/`: the API over tokens.

mod create;
mod lookup;
mod renew;
mod revoke;
mod roles;

use std::sync::Arc;

use serde::Deserialize;
use strongroom_engine::{
    Attributes, Builtin, Engine, EngineKind, Error, Field, Input, Options, Result, Route, Text, Verb, field, route,
};
use strongroom_types::Timestamp;

use super::LiveToken;
use crate::SystemCall;

pub const TOKEN: Builtin = Builtin {
    name: "token",
    kind: EngineKind::Auth,
    make: |_: &Options| Ok(Arc::new(TokenEngine)),
    docs: "docs/operate/tokens.md",
};

struct TokenEngine;

impl Engine for TokenEngine {
    fn routes(&self) -> Vec<Route> {
        let sudo = Attributes { sudo: true, ..Attributes::default() };
        let asks_sudo = Attributes { asks_sudo: true, ..Attributes::default() };
        let mut routes = vec![
            route(Verb::Read, "lookup-self", "Shows the caller's own token.", lookup::own).shows(lookup::SHOWN),
            route(Verb::Write, "lookup-self", "Shows the caller's own token.", lookup::own).shows(lookup::SHOWN),
            route(Verb::Write, "create", "Makes a child of the caller's token.", create::create).attributes(asks_sudo),
            route(Verb::Write, "create/{role_name}", "Makes a token by a role.", create::create_by_role).attributes(asks_sudo),
            route(Verb::Write, "create-orphan", "Makes a token without a parent.", create::create_orphan).attributes(sudo),
            route(Verb::Write, "renew-self", "Extends the caller's own token.", renew::own),
            route(Verb::Write, "renew", "Extends a token.", renew::by_token),
            route(Verb::Write, "renew-accessor", "Extends a token by its accessor.", renew::by_accessor),
            route(Verb::Write, "revoke-self", "Ends the caller's own token and its children.", revoke::own),
            route(Verb::Write, "revoke", "Ends a token and its children.", revoke::by_token),
            route(Verb::Write, "revoke-accessor", "Ends a token and its children by its accessor.", revoke::by_accessor),
            route(Verb::Write, "revoke-orphan", "Ends a token and makes orphans of its children.", revoke::orphan)
                .attributes(sudo),
            route(Verb::Write, "tidy", "Mends the indexes of tokens in the background.", revoke::tidy)
                .also_answers(&[(202, "Under way.")]),
            route(Verb::Read, "lookup", "Shows the caller's own token.", lookup::own).shows(lookup::SHOWN),
            route(Verb::Write, "lookup", "Shows a token.", lookup::by_token).shows(lookup::SHOWN),
            route(Verb::Write, "lookup-accessor", "Shows a token by its accessor, without its id.", lookup::by_accessor)
                .shows(lookup::SHOWN),
            route(Verb::List, "accessors", "Lists the accessors of all tokens.", lookup::accessors).attributes(sudo),
            route(Verb::List, "accessors/", "Lists the accessors of all tokens.", lookup::accessors).attributes(sudo),
        ];
        routes.extend(roles::routes());
        routes
    }
}

/// A token in the body.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ByToken {
    token: Text,
}
impl Input for ByToken {
    const FIELDS: &'static [Field] = &[field::<Text>("token", "The token.")];
}

/// An accessor in the body.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ByAccessor {
    accessor: Text,
}
impl Input for ByAccessor {
    const FIELDS: &'static [Field] = &[field::<Text>("accessor", "The accessor of the token.")];
}

/// The live token with this accessor. Errors: the contract's texts for a missing and for an unknown one.
async fn by_accessor(call: &SystemCall, accessor: &str, now: Timestamp) -> Result<Arc<LiveToken>> {
    if accessor.is_empty() {
        return Err(Error::InvalidListed("missing accessor".into()));
    }
    let found = call.core.tokens.by_family(accessor, now).await?;
    found.ok_or_else(|| Error::InvalidListed("invalid accessor".into()))
}
