//! Entities, aliases, groups, merging.

use std::collections::HashMap;

use rustify::enums::RequestMethod::POST;
use serde_json::{Value, json};
use vaultrs::api::identity::entity::requests::{CreateEntityRequest, UpdateEntityByIdRequest};
use vaultrs::api::identity::group::requests::CreateGroupByNameRequest;
use vaultrs::auth::userpass;
use vaultrs::client::VaultClient;
use vaultrs::identity::{entity, entity_alias, group};
use vaultrs::sys::{auth, policy};
use vaultrs::{kv1, kv2};

use crate::checks::{Done, Fail, check, refused, same};
use crate::server::{Server, ask};

fn team(name: &str) -> HashMap<String, String> {
    HashMap::from([("team".to_owned(), name.to_owned())])
}

/// The id that a lookup by these fields finds.
async fn found(admin: &VaultClient, what: &str, by: Value) -> Result<Value, Fail> {
    Ok(ask(admin, POST, &format!("identity/lookup/{what}"), by).await?["data"]["id"].clone())
}

async fn accessor(admin: &VaultClient, method: &str) -> Result<String, Fail> {
    Ok(auth::list(admin).await?.remove(method).ok_or("no such method")?.accessor)
}

pub async fn entities(server: &Server) -> Done {
    let admin = server.admin()?;
    let mut wish = CreateEntityRequest::builder();
    let made =
        entity::create(&admin, Some(wish.name("rust-one").metadata(team("red")).policies(vec!["rust-read".to_owned()]))).await?;
    same("by id", entity::read_by_id(&admin, &made.id).await?.name, "rust-one");
    let mut change = UpdateEntityByIdRequest::builder();
    entity::update_by_id(&admin, &made.id, Some(change.metadata(team("blue")))).await?;
    same("updated", entity::read_by_name(&admin, "rust-one").await?.metadata, Some(team("blue")));
    entity::create_or_update_by_name(&admin, "rust-two", None).await?;
    check("list", entity::list_by_id(&admin).await?.keys.contains(&made.id), "");
    check("list by name", entity::list_by_name(&admin).await?.keys.contains(&"rust-two".to_owned()), "");
    same("lookup", found(&admin, "entity", json!({ "name": "rust-one" })).await?, made.id.as_str());
    entity::delete_by_name(&admin, "rust-two").await?;
    refused("deleted", &[404], entity::read_by_name(&admin, "rust-two").await);
    refused("without a token", &[403], entity::list_by_id(&server.client("")?).await);
    Ok(())
}

pub async fn aliases(server: &Server) -> Done {
    let admin = server.admin()?;
    let (one, mount) = (entity::read_by_name(&admin, "rust-one").await?.id, accessor(&admin, "userpass/").await?);
    userpass::user::set(&admin, "userpass", "eve", "eve-password-1", None).await?;
    let made = entity_alias::create(&admin, "eve", &one, &mount, None).await?;
    same("alias", entity_alias::read_by_id(&admin, &made.id).await?.canonical_id, one.as_str());
    check("list", entity_alias::list_by_id(&admin).await?.keys.contains(&made.id), "");
    let by = json!({ "alias_name": "eve", "alias_mount_accessor": mount });
    same("lookup by alias", found(&admin, "entity", by).await?, one.as_str());
    let login = userpass::login(&server.client("")?, "userpass", "eve", "eve-password-1").await?;
    same("a login is that entity", login.entity_id, one);
    let client = server.client(&login.client_token)?;
    same("its policies count", kv2::read::<Value>(&client, "secret", "rust/read-me").await?, json!({ "a": "b" }));
    Ok(())
}

pub async fn groups(server: &Server) -> Done {
    let admin = server.admin()?;
    policy::set(&admin, "rust-group", "path \"old/group\" { capabilities = [\"create\", \"update\"] }").await?;
    let login = userpass::login(&server.client("")?, "userpass", "eve", "eve-password-1").await?;
    let client = server.client(&login.client_token)?;
    let write = async || kv1::set(&client, "old", "group", &HashMap::from([("a", "b")])).await;
    refused("not before the group", &[403], write().await);
    let members = vec![entity::read_by_name(&admin, "rust-one").await?.id];
    let mut wish = CreateGroupByNameRequest::builder();
    group::create_or_update_by_name(
        &admin,
        "rust-group",
        Some(wish.policies(vec!["rust-group".to_owned()]).member_entity_ids(members.clone())),
    )
    .await?;
    write().await?;
    same("with the group", kv1::get::<Value>(&admin, "old", "group").await?, json!({ "a": "b" }));
    let shown = group::read_by_name(&admin, "rust-group").await?;
    same("by name", shown.member_entity_ids, Some(members));
    same("by id", group::read_by_id(&admin, &shown.id).await?.name, "rust-group");
    same("lookup", found(&admin, "group", json!({ "name": "rust-group" })).await?, shown.id.as_str());
    check("list", group::list_by_id(&admin).await?.keys.contains(&shown.id), "");
    group::delete_by_id(&admin, &shown.id).await?;
    refused("nor after it", &[403], write().await);
    refused("deleted", &[404], group::read_by_name(&admin, "rust-group").await);
    Ok(())
}

pub async fn merge(server: &Server) -> Done {
    let admin = server.admin()?;
    let into = entity::read_by_name(&admin, "rust-one").await?.id;
    let mut wish = CreateEntityRequest::builder();
    let other = entity::create(&admin, Some(wish.name("rust-three"))).await?.id;
    entity_alias::create(&admin, "robot", &other, &accessor(&admin, "approle/").await?, None).await?;
    entity::merge(&admin, vec![other.clone()], into.clone(), None).await?;
    let merged = entity::read_by_id(&admin, &into).await?;
    let mut names: Vec<_> = merged.aliases.into_iter().map(|alias| alias.name).collect();
    names.sort();
    same("merged", (merged.merged_entity_ids, names), (Some(vec![other]), vec!["eve".to_owned(), "robot".to_owned()]));
    refused("the other is gone", &[404], entity::read_by_name(&admin, "rust-three").await);
    Ok(())
}
