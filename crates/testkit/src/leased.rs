//! An engine with leases for tests and rigs: it gives out accounts that a pretended upstream keeps, and whose revocation fails,
//! hangs or goes well, as the test says.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use strongroom_engine::{
    Builtin, Ctx, Engine, EngineKind, Error, Field, Flag, Input, Key, Lease, NewLease, NoFields, Number, Options, Output,
    RenewedLease, Result, Route, Seconds, Verb, field, route,
};
use strongroom_types::{BoxFuture, random_base62};

pub const LEASED: Builtin = Builtin {
    name: "leased",
    kind: EngineKind::Secrets,
    make: |_: &Options| Ok(Arc::new(Leased)),
    docs: "docs/operate/leases.md",
};

struct Leased;

/// How the pretended upstream behaves.
#[derive(Serialize, Deserialize, Default, Clone)]
#[serde(default)]
struct Upstream {
    /// Refuses to revoke.
    fails: bool,
    /// Answers a revocation only after this.
    delay_ms: u64,
    /// Whether accounts are kept, so that a test can see which are left.
    keeps: bool,
}

impl Engine for Leased {
    fn routes(&self) -> Vec<Route> {
        vec![
            route(Verb::Write, "config", "Says how the upstream behaves.", configure),
            route(Verb::Read, "creds/{name..}", "Makes an account with a lease.", issue),
            route(Verb::Write, "creds/{name..}", "Makes an account with a lease.", issue),
            route(Verb::List, "accounts/", "Accounts that are left.", accounts),
        ]
    }

    fn renew_lease<'a>(&'a self, _: &'a mut Ctx, lease: &'a Lease) -> BoxFuture<'a, Result<RenewedLease>> {
        let seconds =
            |name: &str| strongroom_types::Ttl::from_s(lease.recipe.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0));
        let renewed = RenewedLease { ttl: seconds("ttl"), max_ttl: seconds("max_ttl") };
        Box::pin(async move { Ok(renewed) })
    }

    fn revoke_lease<'a>(&'a self, ctx: &'a mut Ctx, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let upstream = upstream(ctx).await?;
            if upstream.delay_ms > 0 {
                tokio::time::sleep(Duration::from_millis(upstream.delay_ms)).await;
            }
            if upstream.fails {
                return Err(Error::Unavailable("the upstream refuses".into()));
            }
            if let Some(account) = lease.recipe.get("account").and_then(serde_json::Value::as_str) {
                ctx.delete(ctx.mount.key("a").name(account));
            }
            Ok(())
        })
    }
}

fn config_key(ctx: &Ctx) -> Key {
    ctx.mount.key("config")
}

async fn upstream(ctx: &Ctx) -> Result<Upstream> {
    Ok(ctx.peek().load(&config_key(ctx)).await?.unwrap_or_default())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Config {
    fails: Flag,
    delay_ms: Number,
    keeps: Flag,
}
impl Input for Config {
    const FIELDS: &'static [Field] = &[
        field::<Flag>("fails", "Refuses to revoke."),
        field::<Number>("delay_ms", "Answers a revocation only after this."),
        field::<Flag>("keeps", "Keeps a list of accounts."),
    ];
}

async fn configure(ctx: &mut Ctx, input: Config) -> Result<Output> {
    let delay_ms = u64::try_from(input.delay_ms.0).unwrap_or(0);
    ctx.save(config_key(ctx), &Upstream { fails: input.fails.0, delay_ms, keeps: input.keeps.0 })?;
    Ok(Output::nothing())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Issue {
    name: String,
    ttl: Seconds,
    max_ttl: Seconds,
    fixed: Flag,
}
impl Input for Issue {
    const FIELDS: &'static [Field] = &[
        field::<String>("name", "Role."),
        field::<Seconds>("ttl", "Lifetime."),
        field::<Seconds>("max_ttl", "Longest lifetime."),
        field::<Flag>("fixed", "The lease can't be renewed."),
    ];
}

async fn issue(ctx: &mut Ctx, input: Issue) -> Result<Output> {
    let account = random_base62(ctx.rng.as_ref(), 12);
    let keeps = upstream(ctx).await?.keeps;
    if keeps {
        ctx.put(ctx.mount.key("a").name(&account), Vec::new());
    }
    let (ttl, max_ttl) = (input.ttl.0, input.max_ttl.0);
    let recipe = json!({ "account": keeps.then_some(&account), "ttl": ttl.as_s(), "max_ttl": max_ttl.as_s() });
    let mut output = Output::data(&json!({ "account": account, "role": input.name }))?;
    output.lease = Some(Box::new(NewLease { ttl, max_ttl, renewable: !input.fixed.0, recipe }));
    Ok(output)
}

async fn accounts(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    Output::keys(ctx.list(&ctx.mount.key("a"), None, 100_000).await?)
}
