//! Leases. Those of logins are the only ones so far: an engine that gives out leased secrets is not in the server yet.

use rustify::enums::RequestMethod::{LIST, PUT};
use serde_json::{Value, json};
use vaultrs::auth::userpass;
use vaultrs::client::{Client, VaultClient};

use crate::checks::{Done, Fail, check, refused, same, status};
use crate::server::{Server, ask, tell};

const LOGIN: &str = "auth/userpass/login/ann";

async fn ids(admin: &VaultClient) -> Result<Vec<String>, Fail> {
    let listed = match ask(admin, LIST, &format!("sys/leases/lookup/{LOGIN}/"), Value::Null).await {
        Err(error) if status(&error) == Some(404) => return Ok(Vec::new()),
        other => other?,
    };
    let keys = listed["data"]["keys"].as_array().cloned().unwrap_or_default();
    Ok(keys.iter().filter_map(Value::as_str).map(|key| format!("{LOGIN}/{key}")).collect())
}

/// A fresh client of the user ann, and the id of its lease.
async fn logged_in(server: &Server) -> Result<(VaultClient, String), Fail> {
    let admin = server.admin()?;
    let before = ids(&admin).await?;
    let made = userpass::login(&server.client("")?, "userpass", "ann", "ann-password-2").await?;
    let lease = ids(&admin).await?.into_iter().find(|id| !before.contains(id)).ok_or("the login has no lease")?;
    Ok((server.client(&made.client_token)?, lease))
}

pub async fn one(server: &Server) -> Done {
    let admin = server.admin()?;
    let (client, lease) = logged_in(server).await?;
    let lookup = async || ask(&admin, PUT, "sys/leases/lookup", json!({ "lease_id": lease })).await;
    let shown = lookup().await?["data"].clone();
    check("lookup", shown["id"] == lease.as_str() && (1..=600).contains(&shown["ttl"].as_u64().unwrap_or_default()), &shown);
    let renew = json!({ "lease_id": lease, "increment": 300 });
    refused("a login is renewed as a token, not here", &[400], ask(&admin, PUT, "sys/leases/renew", renew).await);
    refused("without sudo", &[403], ask(&client, LIST, &format!("sys/leases/lookup/{LOGIN}/"), Value::Null).await);
    tell(&admin, PUT, "sys/leases/revoke", json!({ "lease_id": lease })).await?;
    refused("a revoked login", &[403], client.lookup().await);
    refused("its lease is gone", &[400], lookup().await);
    Ok(())
}

pub async fn by_prefix(server: &Server) -> Done {
    let admin = server.admin()?;
    let clients = [logged_in(server).await?.0, logged_in(server).await?.0];
    let path = format!("sys/leases/revoke-prefix/{LOGIN}");
    refused("by prefix it takes sudo", &[403], tell(&clients[0], PUT, &path, Value::Null).await);
    tell(&admin, PUT, &path, Value::Null).await?;
    for client in &clients {
        refused("revoked by prefix", &[403], client.lookup().await);
    }
    same("none is listed", ids(&admin).await?, Vec::<String>::new());
    Ok(())
}
