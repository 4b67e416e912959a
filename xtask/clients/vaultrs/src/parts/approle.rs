//! Machines that log in with a role and a secret id.

use std::collections::HashMap;

use serde_json::{Value, json};
use vaultrs::api::auth::approle::requests::{GenerateNewSecretIDRequest, SetAppRoleRequest};
use vaultrs::auth::approle::login;
use vaultrs::auth::approle::role::{self, secret};
use vaultrs::client::VaultClient;
use vaultrs::kv2;

use super::WRONG;
use crate::checks::{Done, check, refused, same};
use crate::server::Server;

const MOUNT: &str = "approle";
const ROLE_ID: &str = "rust-role-id";

pub async fn roles(server: &Server) -> Done {
    let admin = server.admin()?;
    let mut wish = SetAppRoleRequest::builder();
    role::set(&admin, MOUNT, "app", Some(wish.token_policies(vec!["rust-read".to_owned()]).token_ttl("5m"))).await?;
    role::set(&admin, MOUNT, "spare", None).await?;
    same("list", role::list(&admin, MOUNT).await?.keys, ["app", "spare"]);
    let app = role::read(&admin, MOUNT, "app").await?;
    same("a role", (app.token_policies, app.token_ttl, app.bind_secret_id), (vec!["rust-read".to_owned()], 300, true));
    role::update_id(&admin, MOUNT, "app", ROLE_ID).await?;
    same("a chosen role id", role::read_id(&admin, MOUNT, "app").await?.role_id, ROLE_ID);
    role::delete(&admin, MOUNT, "spare").await?;
    refused("deleted", &[404], role::read(&admin, MOUNT, "spare").await);
    Ok(())
}

pub async fn logins(server: &Server) -> Done {
    let (admin, nobody) = (server.admin()?, server.client("")?);
    let mut wish = GenerateNewSecretIDRequest::builder();
    let made = secret::generate(&admin, MOUNT, "app", Some(wish.metadata("{\"host\":\"one\"}"))).await?;
    let auth = login(&nobody, MOUNT, ROLE_ID, &made.secret_id).await?;
    same(
        "what a login gives",
        (auth.token_policies, auth.lease_duration),
        (vec!["default".to_owned(), "rust-read".to_owned()], 300),
    );
    same("its metadata", auth.metadata.as_ref().and_then(|m| m.get("host")).map(String::as_str), Some("one"));
    let client = server.client(&auth.client_token)?;
    same("it may read", kv2::read::<Value>(&client, "secret", "rust/read-me").await?, json!({ "a": "b" }));
    refused("a wrong secret id", WRONG, login(&nobody, MOUNT, ROLE_ID, "wrong").await);
    refused("a wrong role id", WRONG, login(&nobody, MOUNT, "wrong", &made.secret_id).await);
    same("list of accessors", secret::list(&admin, MOUNT, "app").await?.keys, [made.secret_id_accessor.as_str()]);
    let shown = secret::read_accessor(&admin, MOUNT, "app", &made.secret_id_accessor).await?;
    same("by accessor", shown.metadata, Some(HashMap::from([("host".to_owned(), "one".to_owned())])));
    secret::delete(&admin, MOUNT, "app", &made.secret_id).await?;
    refused("a destroyed secret id", WRONG, login(&nobody, MOUNT, ROLE_ID, &made.secret_id).await);
    other_secret_ids(&admin, &nobody).await
}

async fn other_secret_ids(admin: &VaultClient, nobody: &VaultClient) -> Done {
    secret::custom(admin, MOUNT, "app", "rust-secret-id", None).await?;
    check("a chosen secret id", login(nobody, MOUNT, ROLE_ID, "rust-secret-id").await.is_ok(), "");
    let other = secret::generate(admin, MOUNT, "app", None).await?;
    secret::delete_accessor(admin, MOUNT, "app", &other.secret_id_accessor).await?;
    refused("one destroyed by accessor", WRONG, login(nobody, MOUNT, ROLE_ID, &other.secret_id).await);
    let mut wish = SetAppRoleRequest::builder();
    role::set(admin, MOUNT, "app", Some(wish.secret_id_num_uses(1u64))).await?;
    let once = secret::generate(admin, MOUNT, "app", None).await?.secret_id;
    check("its only use", login(nobody, MOUNT, ROLE_ID, &once).await.is_ok(), "");
    refused("a used-up secret id", WRONG, login(nobody, MOUNT, ROLE_ID, &once).await);
    Ok(())
}
