//! Key-value secrets, version 2 and version 1.

use std::collections::HashMap;

use rustify::enums::RequestMethod::PATCH;
use serde_json::{Value, json};
use vaultrs::api::kv2::requests::{SetConfigurationRequest, SetSecretMetadataRequest, SetSecretRequestOptions};
use vaultrs::{cubbyhole, kv1, kv2};

use crate::checks::{Done, check, refused, same};
use crate::server::{Server, tell};

const APP: &str = "rust/app";

pub async fn versions(server: &Server) -> Done {
    let admin = server.admin()?;
    let put = async |data: Value| kv2::set(&admin, "secret", APP, &data).await;
    let with_cas =
        async |data: Value, cas| kv2::set_with_options(&admin, "secret", APP, &data, SetSecretRequestOptions { cas }).await;
    let get = async || kv2::read::<Value>(&admin, "secret", APP).await;
    same("first version", with_cas(json!({ "user": "app", "password": "one" }), 0).await?.version, 1);
    same("second version", put(json!({ "user": "app", "password": "two" })).await?.version, 2);
    same("read", get().await?, json!({ "user": "app", "password": "two" }));
    same("an old version", kv2::read_version::<Value>(&admin, "secret", APP, 1).await?["password"].clone(), "one");
    refused("a wrong cas", &[400], with_cas(json!({ "a": 1 }), 1).await);
    same("a right cas", with_cas(json!({ "a": 1, "b": [true, null] }), 2).await?.version, 3);
    same("values keep their type", get().await?, json!({ "a": 1, "b": [true, null] }));
    // Its requests say no content type that a patch may have.
    refused("a patch by the trait", &[415], tell(&admin, PATCH, "secret/data/rust/app", json!({ "data": { "a": 2 } })).await);
    same("list", kv2::list(&admin, "secret", "rust").await?, ["app", "read-me"]);
    refused("a missing secret", &[404], kv2::read::<Value>(&admin, "secret", "rust/none").await);
    refused("without a token", &[403], kv2::read::<Value>(&server.client("")?, "secret", APP).await);
    Ok(())
}

pub async fn deletion(server: &Server) -> Done {
    let (admin, path) = (server.admin()?, "rust/gone");
    let read = async || kv2::read::<Value>(&admin, "secret", path).await;
    let first = async || kv2::read_version::<Value>(&admin, "secret", path, 1).await;
    kv2::set(&admin, "secret", path, &json!({ "n": 1 })).await?;
    kv2::set(&admin, "secret", path, &json!({ "n": 2 })).await?;
    kv2::delete_latest(&admin, "secret", path).await?;
    check("a deleted version", read().await.is_err(), "");
    kv2::undelete_versions(&admin, "secret", path, vec![2]).await?;
    same("undeleted", read().await?, json!({ "n": 2 }));
    kv2::delete_versions(&admin, "secret", path, vec![1]).await?;
    check("a version deleted by number", first().await.is_err(), "");
    kv2::destroy_versions(&admin, "secret", path, vec![1]).await?;
    kv2::undelete_versions(&admin, "secret", path, vec![1]).await?;
    check("destroyed for good", first().await.is_err(), "");
    let kept = kv2::read_metadata(&admin, "secret", path).await?.versions;
    same("destroyed", (kept["1"].destroyed, kept["2"].destroyed), (true, false));
    kv2::delete_metadata(&admin, "secret", path).await?;
    refused("all gone", &[404], kv2::read_metadata(&admin, "secret", path).await);
    Ok(())
}

pub async fn metadata(server: &Server) -> Done {
    let (admin, path) = (server.admin()?, "rust/described");
    let owner = HashMap::from([("owner".to_owned(), "team".to_owned())]);
    let mut wish = SetSecretMetadataRequest::builder();
    kv2::set_metadata(&admin, "secret", path, Some(wish.max_versions(2u64).cas_required(true).custom_metadata(owner.clone())))
        .await?;
    let data = kv2::read_metadata(&admin, "secret", path).await?;
    same("metadata", (data.max_versions, data.cas_required, data.custom_metadata), (2, true, Some(owner)));
    refused("cas is now required", &[400], kv2::set(&admin, "secret", path, &json!({ "n": 1 })).await);
    for cas in 0..3 {
        kv2::set_with_options(&admin, "secret", path, &json!({ "n": cas }), SetSecretRequestOptions { cas }).await?;
    }
    let mut kept: Vec<_> = kv2::read_metadata(&admin, "secret", path).await?.versions.into_keys().collect();
    kept.sort();
    same("old versions go", kept, ["2", "3"]);
    let mut config = SetConfigurationRequest::builder();
    kv2::config::set(&admin, "secret", Some(config.max_versions(20u64))).await?;
    same("configuration of the mount", kv2::config::read(&admin, "secret").await?.max_versions, 20);
    Ok(())
}

pub async fn version_1(server: &Server) -> Done {
    let admin = server.admin()?;
    let get = async || kv1::get::<Value>(&admin, "old", APP).await;
    kv1::set(&admin, "old", APP, &HashMap::from([("password", "one"), ("user", "app")])).await?;
    same("read", get().await?, json!({ "password": "one", "user": "app" }));
    kv1::set(&admin, "old", APP, &HashMap::from([("password", "two")])).await?;
    same("a write replaces", get().await?, json!({ "password": "two" }));
    same("list", kv1::list(&admin, "old", "rust").await?.data.keys, ["app"]);
    kv1::delete(&admin, "old", APP).await?;
    refused("deleted", &[404], get().await);
    refused("an empty list", &[404], kv1::list(&admin, "old", "rust").await);
    cubbyhole::set(&admin, "cubbyhole", "rust", &HashMap::from([("kept", "yes")])).await?;
    same("cubbyhole", cubbyhole::get::<Value>(&admin, "cubbyhole", "rust").await?, json!({ "kept": "yes" }));
    Ok(())
}
