//! Answers behind a token that opens once.

use rustify::enums::RequestMethod::{GET, POST};
use serde_json::{Value, json};
use vaultrs::sys::wrapping;

use super::WRONG as USED;
use crate::checks::{Done, refused, same};
use crate::server::{Server, ask, wrapped};

pub async fn answers(server: &Server) -> Done {
    let admin = server.admin()?;
    let token = wrapped(&admin, GET, "secret/data/rust/read-me", Value::Null).await?;
    let looked = wrapping::lookup(&admin, &token).await?;
    same("lookup", (looked.creation_ttl, looked.creation_path.as_str()), (600, "secret/data/rust/read-me"));
    let again = ask(&admin, POST, "sys/wrapping/rewrap", json!({ "token": token })).await?;
    let again = again["wrap_info"]["token"].as_str().unwrap_or_default().to_owned();
    refused("a rewrapped token is used up", USED, wrapping::unwrap::<Value>(&admin, Some(&token)).await);
    let inner: Value = wrapping::unwrap(&server.client(&again)?, None).await?;
    same("what was wrapped", inner["data"].clone(), json!({ "a": "b" }));
    refused("a used-up token", USED, wrapping::unwrap::<Value>(&admin, Some(&again)).await);
    refused("its lookup", USED, wrapping::lookup(&admin, &again).await);
    refused("a token that is none", USED, wrapping::unwrap::<Value>(&admin, Some("s.nothing")).await);
    let token = wrapped(&admin, POST, "sys/wrapping/wrap", json!({ "a": "b", "n": [1] })).await?;
    same("own data", wrapping::unwrap::<Value>(&admin, Some(&token)).await?, json!({ "a": "b", "n": [1] }));
    let token = wrapped(&admin, POST, "sys/wrapping/wrap", json!({ "a": "b" })).await?;
    refused("a wrapping token serves nothing else", &[403], vaultrs::token::lookup_self(&server.client(&token)?).await);
    Ok(())
}
