//! Users with passwords. Nobody learns from an answer, its status or its time whether a name is known; all hashing runs in
//! the pool for slow work.

mod login;
mod name;
mod password;
mod store;
mod users;

use std::sync::Arc;

use serde_json::Value;
use strongroom_engine::{
    Attributes, Builtin, Ctx, Engine, EngineKind, FieldSet, Options, Peek, Result, Route, TokenTerms, Verb, route,
};
use strongroom_types::BoxFuture;

use name::UserName;

pub const USERPASS: Builtin = Builtin { name: "userpass", kind: EngineKind::Auth, make, docs: "auth-userpass.md" };

struct UserPass;

fn make(_: &Options) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(UserPass))
}

impl Engine for UserPass {
    fn routes(&self) -> Vec<Route> {
        use Verb::{Delete, List, Read, Write};
        let no_token = Attributes { no_token: true, ..Attributes::default() };
        let routes = vec![
            route(Write, "login/{username}", "Logs a user in.", login::login).attributes(no_token).login(tried_name),
            route(List, "users/", "Lists the users.", users::list),
            route(Write, "users/{username}/password", "Changes a user's password.", users::set_password),
            route(Write, "users/{username}/policies", "Changes the policies of a user's tokens.", users::set_policies),
            route(Read, "users/{username}", "Shows a user, without the password.", users::read).shows(users::SHOWN),
            route(Write, "users/{username}", "Makes or changes a user; what is left out stays.", users::write).exists(exists),
            route(Delete, "users/{username}", "Removes a user. Tokens live on to their end but are not renewed.", users::delete),
        ];
        routes.into_iter().map(|route| route.folds(folded)).collect()
    }

    fn renew_login<'a>(&'a self, ctx: &'a mut Ctx, renewal: &'a Value) -> BoxFuture<'a, Result<Option<TokenTerms>>> {
        Box::pin(login::renew(ctx, renewal))
    }
}

fn folded(username: &str) -> Option<String> {
    UserName::parse(username).map(|name| name.as_str().to_owned())
}

fn tried_name(_: &FieldSet, path: &str) -> Option<String> {
    folded(path.strip_prefix("login/")?)
}

fn exists<'a>(peek: &'a Peek, path: &'a str) -> BoxFuture<'a, Result<bool>> {
    Box::pin(async move {
        let name = path.strip_prefix("users/").and_then(UserName::parse);
        match name {
            Some(name) => Ok(peek.get(&store::key(&peek.mount, &name)).await?.is_some()),
            None => Ok(false),
        }
    })
}
