//! The server under test, the clients made for it, and requests for which vaultrs has no call.

use rustify::Endpoint;
use rustify::enums::{RequestMethod, RequestType, ResponseType};
use serde_json::Value;
use vaultrs::api;
use vaultrs::client::{VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;

use crate::checks::Fail;

/// Address and certificate authority; `root` is set once there is a root token.
pub struct Server {
    addr: String,
    ca: String,
    pub root: String,
}

impl Server {
    pub fn new(addr: String, ca: String) -> Self {
        Self { addr, ca, root: String::new() }
    }

    /// A client of its own, with this token or with an empty one.
    pub fn client(&self, token: &str) -> Result<VaultClient, Fail> {
        self.trusting(token, vec![self.ca.clone()])
    }

    pub fn admin(&self) -> Result<VaultClient, Fail> {
        self.client(&self.root)
    }

    /// One that trusts these authorities besides the machine's.
    pub fn trusting(&self, token: &str, authorities: Vec<String>) -> Result<VaultClient, Fail> {
        let mut settings = VaultClientSettingsBuilder::default();
        let settings = settings.address(&self.addr).ca_certs(authorities).token(token).verify(true).build()?;
        Ok(VaultClient::new(settings)?)
    }
}

/// Any request, by vaultrs' own trait for them.
#[derive(Debug)]
pub struct Raw {
    method: RequestMethod,
    path: String,
    body: Value,
}

impl Endpoint for Raw {
    type Response = Value;
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        self.path.clone()
    }

    fn method(&self) -> RequestMethod {
        self.method.clone()
    }

    fn body(&self) -> Result<Option<Vec<u8>>, rustify::errors::ClientError> {
        Ok((!self.body.is_null()).then(|| self.body.to_string().into_bytes()))
    }
}

fn raw(method: RequestMethod, path: &str, body: Value) -> Raw {
    Raw { method, path: path.to_owned(), body }
}

/// A request whose answer is JSON without more around it.
pub async fn ask(client: &VaultClient, method: RequestMethod, path: &str, body: Value) -> Result<Value, ClientError> {
    api::exec_with_no_result(client, raw(method, path, body)).await
}

/// A request that is answered with nothing.
pub async fn tell(client: &VaultClient, method: RequestMethod, path: &str, body: Value) -> Result<(), ClientError> {
    api::exec_with_empty(client, raw(method, path, body)).await
}

/// A request whose answer is to come wrapped; the wrapping token.
pub async fn wrapped(client: &VaultClient, method: RequestMethod, path: &str, body: Value) -> Result<String, ClientError> {
    Ok(api::wrap(client, raw(method, path, body)).await?.info.token)
}
