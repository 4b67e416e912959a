//! Users with passwords.

use serde_json::{Value, json};
use vaultrs::api::auth::userpass::requests::CreateUserRequest;
use vaultrs::auth::userpass::{login, user};
use vaultrs::client::Client;
use vaultrs::{kv2, token};

use super::WRONG;
use crate::checks::{Done, check, refused, same};
use crate::server::Server;

const MOUNT: &str = "userpass";

pub async fn users(server: &Server) -> Done {
    let (admin, nobody) = (server.admin()?, server.client("")?);
    let mut wish = CreateUserRequest::builder();
    user::set(&admin, MOUNT, "ann", "ann-password-1", Some(wish.token_policies(vec!["rust-read".to_owned()]).token_ttl("10m")))
        .await?;
    user::set(&admin, MOUNT, "bob", "bob-password-1", None).await?;
    same("list", user::list(&admin, MOUNT).await?.keys, ["ann", "bob"]);
    let ann = user::read(&admin, MOUNT, "ann").await?;
    same("a user", (ann.token_policies, ann.token_ttl), (vec!["rust-read".to_owned()], 600));
    user::delete(&admin, MOUNT, "bob").await?;
    refused("deleted", &[404], user::read(&admin, MOUNT, "bob").await);
    let made = login(&nobody, MOUNT, "ann", "ann-password-1").await?;
    same(
        "what a login gives",
        (made.token_policies, made.lease_duration),
        (vec!["default".to_owned(), "rust-read".to_owned()], 600),
    );
    let client = server.client(&made.client_token)?;
    same("it may read", kv2::read::<Value>(&client, "secret", "rust/read-me").await?, json!({ "a": "b" }));
    refused("a wrong password", WRONG, login(&nobody, MOUNT, "ann", "wrong").await);
    refused("nobody", WRONG, login(&nobody, MOUNT, "nobody", "wrong").await);
    refused("somebody deleted", WRONG, login(&nobody, MOUNT, "bob", "bob-password-1").await);
    user::update_password(&admin, MOUNT, "ann", "ann-password-2").await?;
    refused("the old password", WRONG, login(&nobody, MOUNT, "ann", "ann-password-1").await);
    check("the new password", login(&nobody, MOUNT, "ann", "ann-password-2").await.is_ok(), "");
    client.revoke().await?;
    refused("after revoking oneself", &[403], token::lookup_self(&client).await);
    Ok(())
}
