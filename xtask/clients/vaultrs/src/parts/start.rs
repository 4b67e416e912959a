//! init, unseal, seal, and what a server tells about itself.

use rustify::enums::RequestMethod::{GET, PUT};
use serde_json::{Value, json};
use vaultrs::client::{Client, VaultClient};
use vaultrs::sys::{self, ServerStatus};
use vaultrs::{cubbyhole, token};

use crate::checks::{Done, Fail, check, refused, same};
use crate::server::{Server, ask, tell};

/// The unseal shares in hex, of which two are needed.
pub async fn first_start(server: &mut Server) -> Result<Vec<String>, Fail> {
    let stranger = server.trusting("", Vec::new())?;
    check(
        "without the authority nothing is sent",
        stranger.status().await.is_err_and(|e| format!("{e:?}").contains("ertificate")),
        "",
    );
    let client = server.client("")?;
    check("before init", matches!(client.status().await?, ServerStatus::UNINITIALIZED), "");
    refused("init with too high a threshold", &[400], sys::start_initialization(&client, 2, 3, None).await);
    let made = sys::start_initialization(&client, 3, 2, None).await?;
    same("shares", made.keys.len(), 3);
    refused("init a second time", &[400], sys::start_initialization(&client, 1, 1, None).await);
    check("sealed", matches!(client.status().await?, ServerStatus::SEALED), "");
    server.root = made.root_token;
    let root = server.admin()?;
    refused("sealed, nobody is served", &[503], token::lookup_self(&root).await);
    unseal(&client, &made.keys).await?;
    same("the root token's policies", token::lookup_self(&root).await?.policies, ["root"]);
    let health = sys::health(&client).await?;
    same("health", (health.initialized, health.sealed, health.standby), (true, false, false));
    rotate(&root).await?;
    Ok(made.keys)
}

/// A share that is none, progress, reset, then enough of them.
async fn unseal(client: &VaultClient, shares: &[String]) -> Done {
    refused("a share that is none", &[400], sys::unseal(client, Some("bm90IGEgc2hhcmU=".to_owned()), None, None).await);
    let give = async |share: &String| sys::unseal(client, Some(share.clone()), None, None).await;
    same("progress", give(&shares[0]).await?.progress, 1);
    same("reset", sys::unseal(client, None, Some(true), None).await?.progress, 0);
    give(&shares[0]).await?;
    let done = give(&shares[1]).await?;
    same("enough shares", (done.sealed, done.threshold, done.n_shares), (false, 2, 3));
    Ok(())
}

async fn rotate(root: &VaultClient) -> Done {
    let term = async || Ok::<_, Fail>(ask(root, GET, "sys/key-status", Value::Null).await?["data"]["term"].clone());
    same("the first term of the keyring", term().await?, 1);
    tell(root, PUT, "sys/rotate", Value::Null).await?;
    same("the next one", term().await?, 2);
    Ok(())
}

pub async fn seal_and_unseal(server: &Server, shares: &[String]) -> Done {
    let admin = server.admin()?;
    refused("seal without a token", &[403], sys::seal(&server.client("")?).await);
    sys::seal(&admin).await?;
    check("sealed", matches!(admin.status().await?, ServerStatus::SEALED), "");
    refused("sealed, no secret is read", &[503], vaultrs::kv2::read::<Value>(&admin, "secret", "rust/app").await);
    for share in shares {
        sys::unseal(&admin, Some(share.clone()), None, None).await?;
    }
    check("unsealed with the shares in force", matches!(admin.status().await?, ServerStatus::OK), "");
    same("what was stored is there", cubbyhole::get::<Value>(&admin, "cubbyhole", "rust").await?, json!({ "kept": "yes" }));
    Ok(())
}
