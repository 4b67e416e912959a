//! Secrets engines and auth methods: enable, list, tune, move, disable.

use std::collections::HashMap;
use std::time::Duration;

use rustify::enums::RequestMethod::{GET, POST};
use serde_json::{Value, json};
use vaultrs::api::sys::requests::{EnableAuthRequest, EnableEngineRequest};
use vaultrs::client::VaultClient;
use vaultrs::sys::{auth, mount, remount as moves};
use vaultrs::{error::ClientError, kv1};

use crate::checks::{Done, Fail, check, refused, same};
use crate::server::{Server, ask, tell};

async fn enable(client: &VaultClient, path: &str, version: &str) -> Result<(), ClientError> {
    let options = HashMap::from([("version".to_owned(), version.to_owned())]);
    let mut engine = EnableEngineRequest::builder();
    mount::enable(client, path, "kv", Some(engine.description("for rust").options(options))).await
}

pub async fn secrets_engines(server: &Server) -> Done {
    let admin = server.admin()?;
    enable(&admin, "secret", "2").await?;
    enable(&admin, "old", "1").await?;
    refused("a path that is taken", &[400], enable(&admin, "secret", "2").await);
    refused("an engine that there is not", &[400], mount::enable(&admin, "none", "no-such-engine", None).await);
    let table = mount::list(&admin).await?;
    let version = HashMap::from([("version".to_owned(), "2".to_owned())]);
    same(
        "mount",
        table.get("secret/").map(|m| (m.mount_type.as_str(), m.description.as_str(), m.options.clone())),
        Some(("kv", "for rust", Some(version))),
    );
    tell(&admin, POST, "sys/mounts/secret/tune", json!({ "default_lease_ttl": "1h", "max_lease_ttl": "2h" })).await?;
    let config = mount::get_configuration_of_a_secret_engine(&admin, "secret").await?.config;
    same("tuned", (config.default_lease_ttl, config.max_lease_ttl), (3600, 7200));
    refused(
        "a default above the maximum",
        &[400],
        tell(&admin, POST, "sys/mounts/secret/tune", json!({ "default_lease_ttl": "3h" })).await,
    );
    enable(&admin, "gone", "1").await?;
    kv1::set(&admin, "gone", "a", &HashMap::from([("b", "c")])).await?;
    mount::disable(&admin, "gone").await?;
    check("no longer listed", !mount::list(&admin).await?.contains_key("gone/"), "");
    refused("nothing is left", &[404], kv1::get::<Value>(&admin, "gone", "a").await);
    Ok(())
}

pub async fn auth_methods(server: &Server) -> Done {
    let admin = server.admin()?;
    let mut people = EnableAuthRequest::builder();
    auth::enable(&admin, "userpass", "userpass", Some(people.description("people"))).await?;
    auth::enable(&admin, "approle", "approle", None).await?;
    auth::enable(&admin, "spare", "userpass", None).await?;
    refused("a path that is taken", &[400], auth::enable(&admin, "approle", "approle", None).await);
    let table = auth::list(&admin).await?;
    same("methods", (table["userpass/"].description.as_str(), table["approle/"].mount_type.as_str()), ("people", "approle"));
    tell(&admin, POST, "sys/auth/userpass/tune", json!({ "default_lease_ttl": "30m" })).await?;
    let tuned = ask(&admin, GET, "sys/auth/userpass/tune", Value::Null).await?;
    same("tuned", tuned["data"]["default_lease_ttl"].clone(), 1800);
    auth::disable(&admin, "spare").await?;
    check("disabled", !auth::list(&admin).await?.contains_key("spare/"), "");
    refused("without a token", &[403], auth::list(&server.client("")?).await);
    Ok(())
}

pub async fn remount(server: &Server) -> Done {
    let admin = server.admin()?;
    enable(&admin, "from", "1").await?;
    kv1::set(&admin, "from", "a", &HashMap::from([("b", "c")])).await?;
    let moved = moves::remount(&admin, "from", "to").await?;
    same("state of the move", ended(&admin, &moved.migration_id).await?, "success");
    same("what it held is there", kv1::get::<Value>(&admin, "to", "a").await?, json!({ "b": "c" }));
    refused("and nothing at the old place", &[404], kv1::get::<Value>(&admin, "from", "a").await);
    refused("a move onto another mount", &[400], moves::remount(&admin, "to", "secret").await);
    mount::disable(&admin, "to").await?;
    Ok(())
}

/// The state of a move once it is over.
async fn ended(admin: &VaultClient, id: &str) -> Result<String, Fail> {
    for _ in 0..100 {
        let status = moves::remount_status(admin, id).await?.migration_info.status;
        if status != "in-progress" {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err("the move does not end".into())
}
