//! Calls of key ceremonies. Must never retry: a share that is given twice is refused.

use serde::Serialize;
use serde::de::DeserializeOwned;
use strongroom_api::{
    GenerateRootRequest, GenerateRootStatus, KeyBackup, ReplaceRequest, ReplaceStatus, ShareRequest, VerifyStatus,
};

use crate::Client;
use crate::error::Error;
use crate::exchange::Method;

/// Which door a ceremony uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// With a token.
    Token,
    /// Without one, at a listener that opens it.
    Open,
}

impl Door {
    fn replace(self) -> &'static str {
        if self == Self::Token { "sys/rotate/root" } else { "sys/rekey" }
    }

    fn generate(self) -> &'static str {
        if self == Self::Token { "sys/generate-root-token" } else { "sys/generate-root" }
    }
}

impl Client {
    async fn ceremony<B: Serialize, T: DeserializeOwned>(
        &self,
        door: Door,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<T, Error> {
        let answer = self.request(method, path, body).await?;
        if door == Door::Token { answer.data() } else { answer.json() }
    }

    pub async fn replace_status(&self, door: Door) -> Result<ReplaceStatus, Error> {
        self.ceremony::<(), _>(door, Method::Get, &format!("{}/init", door.replace()), None).await
    }

    pub async fn replace_start(&self, door: Door, request: &ReplaceRequest) -> Result<ReplaceStatus, Error> {
        self.ceremony(door, Method::Put, &format!("{}/init", door.replace()), Some(request)).await
    }

    /// `nonce` is needed without sudo, once a share was given.
    pub async fn replace_cancel(&self, door: Door, nonce: Option<&str>) -> Result<(), Error> {
        self.cancel(&format!("{}/init", door.replace()), nonce).await
    }

    pub async fn replace_give(&self, door: Door, share: &ShareRequest) -> Result<ReplaceStatus, Error> {
        self.ceremony(door, Method::Put, &format!("{}/update", door.replace()), Some(share)).await
    }

    pub async fn verify_status(&self, door: Door) -> Result<VerifyStatus, Error> {
        self.ceremony::<(), _>(door, Method::Get, &format!("{}/verify", door.replace()), None).await
    }

    pub async fn verify_give(&self, door: Door, share: &ShareRequest) -> Result<VerifyStatus, Error> {
        self.ceremony(door, Method::Put, &format!("{}/verify", door.replace()), Some(share)).await
    }

    /// Starts the verification again.
    pub async fn verify_again(&self, door: Door, nonce: Option<&str>) -> Result<(), Error> {
        self.cancel(&format!("{}/verify", door.replace()), nonce).await
    }

    pub async fn key_backup(&self) -> Result<KeyBackup, Error> {
        self.request::<()>(Method::Get, "sys/rotate/root/backup", None).await?.data()
    }

    pub async fn delete_key_backup(&self) -> Result<(), Error> {
        self.request::<()>(Method::Delete, "sys/rotate/root/backup", None).await.map(drop)
    }

    pub async fn generate_root_status(&self, door: Door) -> Result<GenerateRootStatus, Error> {
        self.ceremony::<(), _>(door, Method::Get, &format!("{}/attempt", door.generate()), None).await
    }

    pub async fn generate_root_start(&self, door: Door, request: &GenerateRootRequest) -> Result<GenerateRootStatus, Error> {
        self.ceremony(door, Method::Put, &format!("{}/attempt", door.generate()), Some(request)).await
    }

    /// `nonce` is needed without sudo, once a share was given.
    pub async fn generate_root_cancel(&self, door: Door, nonce: Option<&str>) -> Result<(), Error> {
        self.cancel(&format!("{}/attempt", door.generate()), nonce).await
    }

    pub async fn generate_root_give(&self, door: Door, share: &ShareRequest) -> Result<GenerateRootStatus, Error> {
        self.ceremony(door, Method::Put, &format!("{}/update", door.generate()), Some(share)).await
    }

    async fn cancel(&self, path: &str, nonce: Option<&str>) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Cancel<'a> {
            nonce: &'a str,
        }
        self.request(Method::Delete, path, nonce.map(|nonce| Cancel { nonce }).as_ref()).await.map(drop)
    }
}
