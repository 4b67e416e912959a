//! Calls to `sys/`: seal, barrier key, mounts, policies, wrapping. Must never retry: most of them are not repeatable.

use std::collections::BTreeMap;

use strongroom_api::{
    EnableMount, Envelope, InitAnswer, InitRequest, InitStatus, KeyStatus, Keys, Leader, Mount, PolicyBody, SealStatus,
    TokenRequest, TuneMount, UnsealRequest,
};
use strongroom_types::SecretString;

use crate::Client;
use crate::error::Error;
use crate::exchange::Method;

impl Client {
    pub async fn seal_status(&self) -> Result<SealStatus, Error> {
        self.request::<()>(Method::Get, "sys/seal-status", None).await?.json()
    }

    pub async fn leader(&self) -> Result<Leader, Error> {
        self.request::<()>(Method::Get, "sys/leader", None).await?.json()
    }

    pub async fn is_initialized(&self) -> Result<bool, Error> {
        Ok(self.request::<()>(Method::Get, "sys/init", None).await?.json::<InitStatus>()?.initialized)
    }

    /// Makes the root key and splits it. The answer is the only copy of the shares.
    pub async fn init(&self, request: &InitRequest) -> Result<InitAnswer, Error> {
        self.request(Method::Put, "sys/init", Some(request)).await?.json()
    }

    pub async fn unseal(&self, request: &UnsealRequest) -> Result<SealStatus, Error> {
        self.request(Method::Put, "sys/unseal", Some(request)).await?.json()
    }

    pub async fn seal(&self) -> Result<(), Error> {
        self.request::<()>(Method::Put, "sys/seal", None).await.map(drop)
    }

    pub async fn key_status(&self) -> Result<KeyStatus, Error> {
        self.request::<()>(Method::Get, "sys/key-status", None).await?.data()
    }

    /// Puts a new barrier key in front; older entries stay readable.
    pub async fn rotate(&self) -> Result<(), Error> {
        self.request::<()>(Method::Post, "sys/rotate", None).await.map(drop)
    }

    /// Keys end in a slash.
    pub async fn mounts(&self) -> Result<BTreeMap<String, Mount>, Error> {
        self.request::<()>(Method::Get, "sys/mounts", None).await?.data()
    }

    pub async fn enable_mount(&self, path: &str, mount: &EnableMount) -> Result<(), Error> {
        self.request(Method::Post, &at("sys/mounts", path), Some(mount)).await.map(drop)
    }

    /// Deletes everything in it.
    pub async fn disable_mount(&self, path: &str) -> Result<(), Error> {
        self.request::<()>(Method::Delete, &at("sys/mounts", path), None).await.map(drop)
    }

    pub async fn tune_mount(&self, path: &str, settings: &TuneMount) -> Result<(), Error> {
        self.request(Method::Post, &format!("{}/tune", at("sys/mounts", path)), Some(settings)).await.map(drop)
    }

    pub async fn policies(&self) -> Result<Vec<String>, Error> {
        Ok(self.request::<()>(Method::List, "sys/policies/acl", None).await?.data::<Keys>()?.keys)
    }

    /// None when there is no such policy.
    pub async fn policy(&self, name: &str) -> Result<Option<String>, Error> {
        let envelope = self.read(&at("sys/policies/acl", name), &[]).await?;
        let text = envelope.and_then(|envelope| envelope.data).and_then(|data| Some(data.get("policy")?.as_str()?.to_owned()));
        Ok(text)
    }

    pub async fn write_policy(&self, name: &str, text: &str) -> Result<(), Error> {
        self.request(Method::Put, &at("sys/policies/acl", name), Some(&PolicyBody { policy: text.to_owned() })).await.map(drop)
    }

    pub async fn delete_policy(&self, name: &str) -> Result<(), Error> {
        self.request::<()>(Method::Delete, &at("sys/policies/acl", name), None).await.map(drop)
    }

    /// Opens a wrapping token, once. With None the client's own token is the wrapping token.
    pub async fn unwrap(&self, wrapping: Option<&SecretString>) -> Result<Option<Envelope>, Error> {
        let body = wrapping.map(|token| TokenRequest { token: token.duplicate() });
        self.request(Method::Put, "sys/wrapping/unwrap", body.as_ref()).await?.envelope()
    }
}

fn at(prefix: &str, name: &str) -> String {
    format!("{prefix}/{}", name.trim_matches('/'))
}
