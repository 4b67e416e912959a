//! New unseal shares: begun and called off, then carried through with verification, by the generic request.

use rustify::enums::RequestMethod::{DELETE, GET, PUT};
use serde_json::{Value, json};
use vaultrs::client::VaultClient;
use vaultrs::error::ClientError;

use crate::checks::{Done, Fail, check, refused, same};
use crate::server::{Server, ask, tell};

async fn status(client: &VaultClient) -> Result<Value, ClientError> {
    ask(client, GET, "sys/rekey/init", Value::Null).await
}

async fn start(client: &VaultClient, verified: bool) -> Result<Value, ClientError> {
    let wish = json!({ "secret_shares": 2, "secret_threshold": 2, "require_verification": verified });
    Ok(ask(client, PUT, "sys/rekey/init", wish).await?["nonce"].clone())
}

async fn give(client: &VaultClient, step: &str, key: &str, nonce: &Value) -> Result<Value, ClientError> {
    ask(client, PUT, &format!("sys/rekey/{step}"), json!({ "key": key, "nonce": nonce })).await
}

/// Returns the new shares. No token: the shares are the right.
pub async fn cancel_and_verify(server: &Server, shares: &[String]) -> Result<Vec<String>, Fail> {
    let client = server.client("")?;
    same("none yet", status(&client).await?["started"].clone(), false);
    let nonce = start(&client, false).await?;
    same("progress", give(&client, "update", &shares[0], &nonce).await?["progress"].clone(), 1);
    refused("one at a time", &[400], start(&client, false).await);
    tell(&client, DELETE, "sys/rekey/init", json!({ "nonce": nonce })).await?;
    same("called off", status(&client).await?["started"].clone(), false);
    refused("so no share is taken", &[400], give(&client, "update", &shares[0], &nonce).await);
    let nonce = start(&client, true).await?;
    refused("another nonce", &[400], give(&client, "update", &shares[0], &json!("00000000-0000-0000-0000-000000000000")).await);
    give(&client, "update", &shares[0], &nonce).await?;
    let done = give(&client, "update", &shares[1], &nonce).await?;
    let new: Vec<String> = serde_json::from_value(done["keys"].clone())?;
    same("complete", (done["complete"].clone(), new.len()), (json!(true), 2));
    verify(&client, &new, &done["verification_nonce"]).await?;
    Ok(new)
}

async fn verify(client: &VaultClient, new: &[String], nonce: &Value) -> Done {
    let shares = async || Ok::<_, Fail>(ask(client, GET, "sys/seal-status", Value::Null).await?["n"].clone());
    same("the old shares are still in force", shares().await?, 3);
    check("begun", ask(client, GET, "sys/rekey/verify", Value::Null).await?["started"] == true, "");
    same("half of it", give(client, "verify", &new[0], nonce).await?["progress"].clone(), 1);
    same("verified", give(client, "verify", &new[1], nonce).await?["complete"].clone(), true);
    same("the new shares are in force", shares().await?, 2);
    Ok(())
}
