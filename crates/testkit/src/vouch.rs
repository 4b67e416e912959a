//! An auth method that believes what it is told: who logs in, in which groups, with which policies. For tests only.

use std::sync::Arc;

use serde::Deserialize;
use strongroom_engine::{
    Attributes, Auth, Builtin, Ctx, Engine, EngineKind, Field, Input, List, Login, Options, Output, Result, Route, StringMap,
    Text, TokenTerms, Verb, field, route,
};
use strongroom_types::BoxFuture;

/// `POST auth/PATH/login` with `alias`, `metadata`, `groups`, `policies` and `token_type`.
pub const VOUCH: Builtin = Builtin { name: "vouch", kind: EngineKind::Auth, make: |_: &Options| Ok(Arc::new(Vouch)), docs: "" };

struct Vouch;

impl Engine for Vouch {
    fn routes(&self) -> Vec<Route> {
        vec![
            route(Verb::Write, "login", "Logs in whoever is named.", login)
                .attributes(Attributes { no_token: true, ..Attributes::default() }),
        ]
    }

    fn renew_login<'a>(&'a self, _: &'a mut Ctx, _: &'a serde_json::Value) -> BoxFuture<'a, Result<Option<TokenTerms>>> {
        Box::pin(async { Ok(Some(TokenTerms::default())) })
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Claims {
    alias: Text,
    metadata: StringMap,
    groups: List,
    policies: List,
    token_type: Text,
}

impl Input for Claims {
    const FIELDS: &'static [Field] = &[
        field::<Text>("alias", "Who it is."),
        field::<StringMap>("metadata", "What is known of them."),
        field::<List>("groups", "Groups they are in."),
        field::<List>("policies", "Policies of the token."),
        field::<Text>("token_type", "`service` or `batch`."),
    ];
}

async fn login(_: &mut Ctx, claims: Claims) -> Result<Output> {
    let kind = strongroom_engine::TokenType::parse(&claims.token_type.0).unwrap_or_default();
    let login = Login {
        alias: claims.alias.0,
        alias_metadata: claims.metadata.0,
        groups: claims.groups.0,
        terms: TokenTerms { policies: claims.policies.0, kind, ..TokenTerms::default() },
        ..Login::default()
    };
    Ok(Output { auth: Some(Auth::Login(Box::new(login))), ..Output::default() })
}
