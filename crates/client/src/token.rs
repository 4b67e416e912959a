//! Calls to the token store. Must never put a token into a path or query: those are logged on the way.

use strongroom_api::{AccessorRequest, CreateToken, Envelope, RenewToken, TokenRequest};
use strongroom_types::SecretString;

use crate::Client;
use crate::error::Error;
use crate::exchange::Method;

impl Client {
    /// By this role when one is named.
    pub async fn create_token(&self, role: Option<&str>, request: &CreateToken) -> Result<Option<Envelope>, Error> {
        let path = role.map_or("auth/token/create".into(), |role| format!("auth/token/create/{role}"));
        self.request(Method::Post, &path, Some(request)).await?.envelope()
    }

    pub async fn lookup_self(&self) -> Result<Option<Envelope>, Error> {
        self.request::<()>(Method::Get, "auth/token/lookup-self", None).await?.envelope()
    }

    pub async fn lookup_token(&self, token: &SecretString) -> Result<Option<Envelope>, Error> {
        self.request(Method::Post, "auth/token/lookup", Some(&TokenRequest { token: token.duplicate() })).await?.envelope()
    }

    pub async fn lookup_accessor(&self, accessor: &str) -> Result<Option<Envelope>, Error> {
        let body = AccessorRequest { accessor: accessor.to_owned() };
        self.request(Method::Post, "auth/token/lookup-accessor", Some(&body)).await?.envelope()
    }

    /// Extends the named token, or the client's own when the request names none.
    pub async fn renew_token(&self, request: &RenewToken) -> Result<Option<Envelope>, Error> {
        let path = match request {
            RenewToken { token: Some(_), .. } => "auth/token/renew",
            RenewToken { accessor: Some(_), .. } => "auth/token/renew-accessor",
            RenewToken { .. } => "auth/token/renew-self",
        };
        self.request(Method::Put, path, Some(request)).await?.envelope()
    }

    /// Ends the client's own token and its children.
    pub async fn revoke_self(&self) -> Result<(), Error> {
        self.request::<()>(Method::Put, "auth/token/revoke-self", None).await.map(drop)
    }

    /// Ends a token; with `keep_children` those live on as orphans.
    pub async fn revoke_token(&self, token: &SecretString, keep_children: bool) -> Result<(), Error> {
        let path = if keep_children { "auth/token/revoke-orphan" } else { "auth/token/revoke" };
        self.request(Method::Put, path, Some(&TokenRequest { token: token.duplicate() })).await.map(drop)
    }

    pub async fn revoke_accessor(&self, accessor: &str) -> Result<(), Error> {
        let body = AccessorRequest { accessor: accessor.to_owned() };
        self.request(Method::Put, "auth/token/revoke-accessor", Some(&body)).await.map(drop)
    }

    /// Ends every lease and token made below a path.
    pub async fn revoke_prefix(&self, path: &str) -> Result<(), Error> {
        self.request::<()>(Method::Put, &format!("sys/leases/revoke-prefix/{}", path.trim_matches('/')), None).await.map(drop)
    }
}
