//! `role/NAME/FIELD`: one field of a role, to read, write and put back to its default.

use serde_json::{Map, Value, json};
use strongroom_engine::{Ctx, Error, Output, Present, Result, Route, TokenFields, TokenTerms, Verb, route};

use crate::role::{self, Named, Role, RoleFields};

macro_rules! routes_of {
    ($($segment:literal),*) => {
        vec![$(
            route(Verb::Read, concat!("role/{role_name}/", $segment), "Shows one field of a role.", read),
            route(Verb::Write, concat!("role/{role_name}/", $segment), "Changes one field of a role.", write),
            route(Verb::Delete, concat!("role/{role_name}/", $segment), "Puts one field back to its default.", reset),
        )*]
    };
}

pub fn routes() -> Vec<Route> {
    let mut routes = routes_of![
        "policies",
        "bound-cidr-list",
        "secret-id-bound-cidrs",
        "token-bound-cidrs",
        "bind-secret-id",
        "secret-id-num-uses",
        "secret-id-ttl",
        "period",
        "token-num-uses",
        "token-ttl",
        "token-max-ttl"
    ];
    routes.push(route(Verb::Read, "role/{role_name}/local-secret-ids", "Shows whether secret ids stay in this cluster.", read));
    for route in &mut routes {
        let Ok(field) = RoleField::of(route.pattern.text) else { continue };
        route.fields.retain(|f| f.name == "role_name" || field.names().contains(&f.name));
        route.shown = field.names();
    }
    routes
}

/// The field that a path names.
#[derive(Clone, Copy)]
enum RoleField {
    Policies,
    BoundCidrList,
    SecretIdBoundCidrs,
    TokenBoundCidrs,
    BindSecretId,
    SecretIdNumUses,
    SecretIdTtl,
    Period,
    TokenNumUses,
    TokenTtl,
    TokenMaxTtl,
    LocalSecretIds,
}

impl RoleField {
    fn of(path: &str) -> Result<Self> {
        Ok(match path.rsplit('/').next().unwrap_or_default() {
            "policies" => Self::Policies,
            "bound-cidr-list" => Self::BoundCidrList,
            "secret-id-bound-cidrs" => Self::SecretIdBoundCidrs,
            "token-bound-cidrs" => Self::TokenBoundCidrs,
            "bind-secret-id" => Self::BindSecretId,
            "secret-id-num-uses" => Self::SecretIdNumUses,
            "secret-id-ttl" => Self::SecretIdTtl,
            "period" => Self::Period,
            "token-num-uses" => Self::TokenNumUses,
            "token-ttl" => Self::TokenTtl,
            "token-max-ttl" => Self::TokenMaxTtl,
            "local-secret-ids" => Self::LocalSecretIds,
            _ => return Err(Error::UnsupportedPath),
        })
    }

    /// Names of the field, the one that a message uses first.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Policies => &["token_policies", "policies"],
            Self::BoundCidrList => &["bound_cidr_list"],
            Self::SecretIdBoundCidrs => &["secret_id_bound_cidrs"],
            Self::TokenBoundCidrs => &["token_bound_cidrs"],
            Self::BindSecretId => &["bind_secret_id"],
            Self::SecretIdNumUses => &["secret_id_num_uses"],
            Self::SecretIdTtl => &["secret_id_ttl"],
            Self::Period => &["token_period", "period"],
            Self::TokenNumUses => &["token_num_uses"],
            Self::TokenTtl => &["token_ttl"],
            Self::TokenMaxTtl => &["token_max_ttl"],
            Self::LocalSecretIds => &["local_secret_ids"],
        }
    }

    /// Leaves of what is given this field alone; None when it is not given.
    fn only(self, own: RoleFields, tokens: TokenFields) -> Option<(RoleFields, TokenFields)> {
        let (mut o, mut t) = (RoleFields::default(), TokenFields::default());
        let given = match self {
            Self::Policies => moved(&mut o.policies, own.policies) | moved(&mut t.token_policies, tokens.token_policies),
            Self::Period => moved(&mut o.period, own.period) | moved(&mut t.token_period, tokens.token_period),
            Self::BoundCidrList => moved(&mut o.bound_cidr_list, own.bound_cidr_list),
            Self::SecretIdBoundCidrs => moved(&mut o.secret_id_bound_cidrs, own.secret_id_bound_cidrs),
            Self::TokenBoundCidrs => moved(&mut t.token_bound_cidrs, tokens.token_bound_cidrs),
            Self::BindSecretId => moved(&mut o.bind_secret_id, own.bind_secret_id),
            Self::SecretIdNumUses => moved(&mut o.secret_id_num_uses, own.secret_id_num_uses),
            Self::SecretIdTtl => moved(&mut o.secret_id_ttl, own.secret_id_ttl),
            Self::TokenNumUses => moved(&mut t.token_num_uses, tokens.token_num_uses),
            Self::TokenTtl => moved(&mut t.token_ttl, tokens.token_ttl),
            Self::TokenMaxTtl => moved(&mut t.token_max_ttl, tokens.token_max_ttl),
            Self::LocalSecretIds => false,
        };
        given.then_some((o, t))
    }

    fn put_back(self, role: &mut Role) {
        let TokenTerms { policies, bound_cidrs, period, num_uses, ttl, max_ttl, .. } = TokenTerms::default();
        match self {
            Self::Policies => (role.terms.policies, role.old_policies) = (policies, false),
            Self::Period => (role.terms.period, role.old_period) = (period, false),
            Self::BoundCidrList | Self::SecretIdBoundCidrs => role.secret_id_bound_cidrs = bound_cidrs,
            Self::TokenBoundCidrs => role.terms.bound_cidrs = bound_cidrs,
            Self::BindSecretId => role.binds_secret_id = true,
            Self::SecretIdNumUses => role.secret_id_num_uses = num_uses,
            Self::SecretIdTtl => role.secret_id_ttl = ttl,
            Self::TokenNumUses => role.terms.num_uses = num_uses,
            Self::TokenTtl => role.terms.ttl = ttl,
            Self::TokenMaxTtl => role.terms.max_ttl = max_ttl,
            Self::LocalSecretIds => {}
        }
    }
}

fn moved<T>(to: &mut Present<T>, from: Present<T>) -> bool {
    let given = matches!(from, Present::Is(_));
    *to = from;
    given
}

async fn read(ctx: &mut Ctx, input: Named) -> Result<Output> {
    let field = RoleField::of(&ctx.path)?;
    let name = role::folded(&input.role_name.0)?;
    let role = role::load(ctx, &name).await?.ok_or(Error::NotFound)?;
    let mut all = role.shown();
    all.insert("bound_cidr_list".into(), role.shown_cidrs());
    let shown: Map<String, Value> =
        field.names().iter().filter_map(|n| all.get(*n).map(|v| ((*n).to_owned(), v.clone()))).collect();
    let output = Output::data(&json!(shown))?;
    Ok(match field {
        RoleField::BoundCidrList => output.warn("bound_cidr_list is the older name of secret_id_bound_cidrs"),
        _ => output,
    })
}

async fn write(ctx: &mut Ctx, (own, tokens): (RoleFields, TokenFields)) -> Result<Output> {
    let field = RoleField::of(&ctx.path)?;
    let name = role::folded(&own.role_name.0)?;
    let mut role = role::load(ctx, &name).await?.ok_or(Error::NotFoundText("role does not exist"))?;
    let missing = || Error::invalid(format!("missing {}", field.names().first().unwrap_or(&"value")));
    let (own, tokens) = field.only(own, tokens).ok_or_else(missing)?;
    let warnings = role.apply(own, tokens)?;
    role::save(ctx, &name, &role, warnings)
}

async fn reset(ctx: &mut Ctx, input: Named) -> Result<Output> {
    let field = RoleField::of(&ctx.path)?;
    let name = role::folded(&input.role_name.0)?;
    let Some(mut role) = role::load(ctx, &name).await? else { return Ok(Output::nothing()) };
    field.put_back(&mut role);
    role.check()?;
    role::save(ctx, &name, &role, Vec::new())
}
