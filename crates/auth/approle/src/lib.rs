//! AppRole: machines log in by the id of a role and a secret id. A role says what its tokens may do and how its secret ids
//! live; a secret id belongs to one role and is found below that role only. Neither is stored in a form that gives it back,
//! but the role id, which its role shows, is kept sealed there.
//!
//! | area of the mount's store | holds |
//! |---|---|
//! | `key/` | the key of all hashes |
//! | `role/NAME` | a role; `rid/TAG` its name, under the hash of its role id |
//! | `sec/LIFE/s/ACCESSOR` | a secret id of a role's life; `sec/LIFE/c/TAG` the accessor of one that somebody chose |
//! | `exp/TIME LIFE ACCESSOR` | the order in which secret ids expire |
//! | `wipe/LIFE` | a role was deleted and its secret ids are not wiped yet; `tidy/run` a tidy as far as it went |

mod cidr;
mod field;
mod id;
mod issue;
mod login;
mod metadata;
mod role;
mod role_id;
mod roles;
mod secret;
mod secrets;
mod tend;

use std::sync::Arc;

use strongroom_engine::{Attributes, Builtin, Ctx, Engine, EngineKind, Options, Result, Route, TokenTerms, Verb, route};
use strongroom_types::BoxFuture;

pub const APPROLE: Builtin = Builtin { name: "approle", kind: EngineKind::Auth, make, docs: "auth-approle.md" };

struct AppRole;

fn make(_: &Options) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(AppRole))
}

impl Engine for AppRole {
    fn routes(&self) -> Vec<Route> {
        let mut routes = vec![
            route(Verb::Write, "login", "Logs in by role id and secret id.", login::login)
                .attributes(Attributes { no_token: true, ..Attributes::default() })
                .login(login::tried_role_id)
                .asks_role(|peek, fields| -> BoxFuture<'_, Result<Option<String>>> { Box::pin(login::role_asked(peek, fields)) }),
            route(Verb::Write, "tidy/secret-id", "Looks through all secret ids for expired ones.", tend::start)
                .also_answers(&[(202, "Under way.")]),
        ];
        routes.extend(roles::routes());
        routes.extend(role_id::routes());
        routes.extend(field::routes());
        routes.extend(secrets::routes());
        routes.into_iter().map(|route| route.folds(|role_name| role::folded(role_name).ok())).collect()
    }

    fn enable<'a>(&'a self, ctx: &'a mut Ctx) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { id::make_key(ctx) })
    }

    fn renew_login<'a>(&'a self, ctx: &'a mut Ctx, renewal: &'a serde_json::Value) -> BoxFuture<'a, Result<Option<TokenTerms>>> {
        Box::pin(login::renew(ctx, renewal))
    }

    fn tend<'a>(&'a self, ctx: &'a mut Ctx) -> BoxFuture<'a, Result<bool>> {
        Box::pin(tend::tend(ctx))
    }
}

#[cfg(test)]
mod tests;
