//! Calls to `sys/auth` and to logins. Must never send the client's own token with a login: it is not needed there.

use std::collections::BTreeMap;

use strongroom_api::{EnableMount, Envelope, Mount, PasswordLogin, Remount, TuneMount};
use strongroom_types::SecretString;

use crate::Client;
use crate::error::Error;
use crate::exchange::Method;

impl Client {
    /// Keys end in a slash.
    pub async fn auth_methods(&self) -> Result<BTreeMap<String, Mount>, Error> {
        self.request::<()>(Method::Get, "sys/auth", None).await?.data()
    }

    pub async fn enable_auth(&self, path: &str, method: &EnableMount) -> Result<(), Error> {
        self.request(Method::Post, &at("sys/auth", path), Some(method)).await.map(drop)
    }

    /// Ends the tokens that it gave and deletes everything in it.
    pub async fn disable_auth(&self, path: &str) -> Result<(), Error> {
        self.request::<()>(Method::Delete, &at("sys/auth", path), None).await.map(drop)
    }

    pub async fn tune_auth(&self, path: &str, settings: &TuneMount) -> Result<(), Error> {
        self.request(Method::Post, &format!("{}/tune", at("sys/auth", path)), Some(settings)).await.map(drop)
    }

    /// Moves a mount; paths of auth methods begin with `auth/`. The answer names the move.
    pub async fn remount(&self, from: &str, to: &str) -> Result<String, Error> {
        let body = Remount { from: from.to_owned(), to: to.to_owned() };
        let data: BTreeMap<String, String> = self.request(Method::Post, "sys/remount", Some(&body)).await?.data()?;
        Ok(data.get("migration_id").cloned().unwrap_or_default())
    }

    /// How a move went: `in-progress`, `success` or `failure`. None when the server does not know it.
    pub async fn remount_status(&self, id: &str) -> Result<Option<String>, Error> {
        let envelope = self.read(&at("sys/remount/status", id), &[]).await?;
        let status = envelope.and_then(|e| e.data).and_then(|d| Some(d.pointer("/migration_info/status")?.as_str()?.to_owned()));
        Ok(status)
    }

    /// Logs in with a name and a password at an auth method, mounted at `path` below `auth/`.
    pub async fn login_with_password(&self, path: &str, name: &str, password: SecretString) -> Result<Option<Envelope>, Error> {
        let path = format!("auth/{}/login/{name}", path.trim_matches('/'));
        self.without_token().request(Method::Put, &path, Some(&PasswordLogin { password })).await?.envelope()
    }
}

fn at(prefix: &str, path: &str) -> String {
    format!("{prefix}/{}", path.trim_matches('/'))
}
