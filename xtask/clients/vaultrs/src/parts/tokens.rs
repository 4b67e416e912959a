//! Tokens: create, look up, renew, revoke, by accessor, by role, with a limit of uses.

use std::collections::HashMap;

use serde_json::Value;
use vaultrs::api::AuthInfo;
use vaultrs::api::token::requests::{
    CreateOrphanTokenRequest, CreateRoleTokenRequest, CreateTokenRequest, CreateTokenRequestBuilder, SetTokenRoleRequest,
};
use vaultrs::client::{Client, VaultClient};
use vaultrs::sys::policy;
use vaultrs::token::role;
use vaultrs::{kv2, token};

use crate::checks::{Done, Fail, check, refused, same};
use crate::server::Server;

/// A wish for a token with this policy.
fn with(name: &str) -> CreateTokenRequestBuilder {
    let mut wish = CreateTokenRequest::builder();
    wish.policies(vec![name.to_owned()]);
    wish
}

async fn make(client: &VaultClient, wish: &mut CreateTokenRequestBuilder) -> Result<AuthInfo, Fail> {
    Ok(token::new(client, Some(wish)).await?)
}

pub async fn life(server: &Server) -> Done {
    let admin = server.admin()?;
    let meta = HashMap::from([("for".to_owned(), "rust".to_owned())]);
    let made = make(&admin, with("rust-read").ttl("1h").explicit_max_ttl("3h").meta(meta.clone())).await?;
    same(
        "what is made",
        (made.token_policies, made.lease_duration, made.metadata),
        (vec!["default".to_owned(), "rust-read".to_owned()], 3600, Some(meta)),
    );
    let client = server.client(&made.client_token)?;
    let own = client.lookup().await?;
    same("lookup of oneself", (own.id.as_str(), own.explicit_max_ttl, own.orphan), (made.client_token.as_str(), 10800, false));
    same("lookup", token::lookup(&admin, &made.client_token).await?.accessor, made.accessor);
    refused("a token may not look up others", &[403], token::lookup(&client, &server.root).await);
    refused("nor create some", &[403], token::new(&client, None).await);
    token::revoke(&admin, &made.client_token).await?;
    refused("revoked", &[403], client.lookup().await);
    refused("nobody finds it", &[403], token::lookup(&admin, &made.client_token).await);
    let last = server.client(&make(&admin, with("rust-read").num_uses(2u64)).await?.client_token)?;
    same("one use is left", last.lookup().await?.num_uses, 1);
    kv2::read::<Value>(&last, "secret", "rust/read-me").await?;
    refused("uses run out", &[403], last.lookup().await);
    Ok(())
}

pub async fn tree(server: &Server) -> Done {
    let admin = server.admin()?;
    policy::set(&admin, "rust-parent", "path \"auth/token/create\" { capabilities = [\"update\"] }").await?;
    let grow = async || server.client(&make(&admin, &mut with("rust-parent")).await?.client_token);
    let (first, second) = (grow().await?, grow().await?);
    let child_of = async |parent: &VaultClient| server.client(&token::new(parent, None).await?.client_token);
    let child = child_of(&first).await?;
    first.revoke().await?;
    refused("a child ends with its parent", &[403], child.lookup().await);
    let child = child_of(&second).await?;
    token::revoke_orphan(&admin, &second.settings.token).await?;
    refused("the parent alone", &[403], second.lookup().await);
    same("its child is an orphan", child.lookup().await?.orphan, true);
    let mut wish = CreateOrphanTokenRequest::builder();
    same(
        "an orphan from the start",
        token::new_orphan(&admin, Some(wish.policies(vec!["default".to_owned()]))).await?.orphan,
        true,
    );
    Ok(())
}

pub async fn renewal(server: &Server) -> Done {
    let admin = server.admin()?;
    let made = make(&admin, with("default").ttl("1h").explicit_max_ttl("3h")).await?;
    let client = server.client(&made.client_token)?;
    same("renew-self", client.renew(Some("2h")).await?.lease_duration, 7200);
    same("renew", token::renew(&admin, &made.client_token, Some("90m")).await?.lease_duration, 5400);
    same("renew by accessor", token::renew_accessor(&admin, &made.accessor, Some("100m")).await?.lease_duration, 6000);
    check("never beyond the maximum", client.renew(Some("50h")).await?.lease_duration <= 10800, "");
    let fixed = make(&admin, with("default").ttl("1h").renewable(false)).await?;
    refused("one that is not renewable", &[400], token::renew(&admin, &fixed.client_token, None).await);
    Ok(())
}

pub async fn accessors(server: &Server) -> Done {
    let admin = server.admin()?;
    let made = make(&admin, &mut with("default")).await?;
    same("lookup", token::lookup_accessor(&admin, &made.accessor).await?.id, "");
    token::revoke_accessor(&admin, &made.accessor).await?;
    refused("revoked", &[403], token::lookup_self(&server.client(&made.client_token)?).await);
    refused("and unknown", &[400, 403], token::lookup_accessor(&admin, &made.accessor).await);
    Ok(())
}

pub async fn roles(server: &Server) -> Done {
    let admin = server.admin()?;
    let mut wish = SetTokenRoleRequest::builder();
    role::set(&admin, "rust", Some(wish.allowed_policies(vec!["rust-read".to_owned()]).orphan(true).token_period("2h"))).await?;
    same("list", role::list(&admin).await?.keys, ["rust"]);
    same("a role", role::read(&admin, "rust").await?.allowed_policies, ["rust-read"]);
    let of_role = async |name: &str| {
        let mut wish = CreateRoleTokenRequest::builder();
        token::new_role(&admin, "rust", Some(wish.policies(vec![name.to_owned()]))).await
    };
    let made = of_role("rust-read").await?;
    same("a token of the role", (made.orphan, made.lease_duration), (true, 7200));
    refused("a policy that the role does not allow", &[400], of_role("rust-parent").await);
    role::delete(&admin, "rust").await?;
    refused("deleted", &[404], role::read(&admin, "rust").await);
    refused("so it makes no tokens", &[400], of_role("rust-read").await);
    Ok(())
}
