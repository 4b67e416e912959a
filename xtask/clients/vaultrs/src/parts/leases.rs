//! Leases: of logins, and of an engine's certificates. Leases that can be renewed come with engines that the server has not got yet.

use rustify::enums::RequestMethod::{GET, LIST, POST, PUT};
use serde_json::{Value, json};
use vaultrs::auth::userpass;
use vaultrs::client::{Client, VaultClient};
use vaultrs::sys::mount;

use crate::checks::{Done, Fail, check, failed, refused, same, soon, status};
use crate::server::{Server, ask, tell};

const LOGIN: &str = "auth/userpass/login/ann";

pub async fn certificates(server: &Server) -> Done {
    let admin = server.admin()?;
    mount::enable(&admin, "pki", "pki", None).await?;
    ask(&admin, POST, "pki/root/generate/internal", json!({ "common_name": "root.test", "key_type": "ec" })).await?;
    let role = json!({ "allow_any_name": true, "generate_lease": true, "ttl": "1h", "key_type": "ec" });
    tell(&admin, POST, "pki/roles/web", role).await?;
    let issue = async || ask(&admin, POST, "pki/issue/web", json!({ "common_name": "a.test" })).await;
    let lookup = async |lease: &Value| ask(&admin, PUT, "sys/leases/lookup", json!({ "lease_id": lease })).await;
    let made = issue().await?;
    let lease = &made["lease_id"];
    same("lookup", &lookup(lease).await?["data"]["id"], lease);
    let listed = ask(&admin, LIST, "sys/leases/lookup/pki/issue/web/", Value::Null).await?;
    same("list", listed["data"]["keys"].as_array().map(Vec::len), Some(1));
    refused("it is not renewable", &[400], ask(&admin, PUT, "sys/leases/renew", json!({ "lease_id": lease })).await);
    tell(&admin, PUT, "sys/leases/revoke", json!({ "lease_id": lease })).await?;
    soon("revoked", async || failed(400, lookup(lease).await)).await;
    let serial = made["data"]["serial_number"].as_str().unwrap_or_default();
    let cert = format!("pki/cert/{serial}");
    let revoked =
        async || ask(&admin, GET, &cert, Value::Null).await.is_ok_and(|c| c["data"]["revocation_time"].as_u64() > Some(0));
    soon("and with it the certificate", revoked).await;
    let other = issue().await?;
    tell(&admin, PUT, "sys/leases/revoke-prefix/pki/issue/web", Value::Null).await?;
    soon("revoked by prefix", async || failed(400, lookup(&other["lease_id"]).await)).await;
    Ok(())
}

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
        soon("revoked by prefix", async || failed(403, client.lookup().await)).await;
    }
    same("none is listed", ids(&admin).await?, Vec::<String>::new());
    Ok(())
}
