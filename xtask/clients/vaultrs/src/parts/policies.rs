//! Policies: write, read, list, delete, and that they count.

use serde_json::{Value, json};
use vaultrs::api::token::requests::CreateTokenRequest;
use vaultrs::sys::policy;
use vaultrs::{kv2, token};

use crate::checks::{Done, check, refused, same};
use crate::server::Server;

const READ: &str = "path \"secret/data/rust/*\" {\n  capabilities = [\"read\"]\n}\n";
const DENY: &str = "path \"secret/data/rust/*\" {\n  capabilities = [\"deny\"]\n}\n";

pub async fn policies(server: &Server) -> Done {
    let admin = server.admin()?;
    policy::set(&admin, "rust-read", READ).await?;
    policy::set(&admin, "rust-spare", READ).await?;
    same("read", policy::read(&admin, "rust-read").await?.rules, READ);
    check("listed", policy::list(&admin).await?.policies.contains(&"rust-spare".to_owned()), "");
    policy::delete(&admin, "rust-spare").await?;
    refused("deleted", &[404], policy::read(&admin, "rust-spare").await);
    refused(
        "a capability that there is not",
        &[400],
        policy::set(&admin, "broken", "path \"a\" { capabilities = [\"fly\"] }").await,
    );
    refused("root stays", &[400], policy::delete(&admin, "root").await);
    kv2::set(&admin, "secret", "rust/read-me", &json!({ "a": "b" })).await?;
    let mut wish = CreateTokenRequest::builder();
    let made = token::new(&admin, Some(wish.policies(vec!["rust-read".to_owned()]))).await?;
    reader(server, &made.client_token).await
}

/// What a holder of that policy may do, and how a change of it counts at once.
async fn reader(server: &Server, token: &str) -> Done {
    let (admin, client) = (server.admin()?, server.client(token)?);
    let read = async || kv2::read::<Value>(&client, "secret", "rust/read-me").await;
    same("it may read", read().await?, json!({ "a": "b" }));
    refused("it may not write", &[403], kv2::set(&client, "secret", "rust/read-me", &json!({ "a": 1 })).await);
    refused("it may not list", &[403], kv2::list(&client, "secret", "rust").await);
    refused("nor write policies", &[403], policy::set(&client, "rust-read", READ).await);
    policy::set(&admin, "rust-read", DENY).await?;
    refused("a changed policy counts at once", &[403], read().await);
    policy::set(&admin, "rust-read", READ).await?;
    same("and back", read().await?, json!({ "a": "b" }));
    Ok(())
}
