//! What a client must be told, with every default stated. Must never hold more than one way to say the same thing.

use std::time::Duration;

use strongroom_types::SecretString;

use crate::address::Address;
use crate::error::Error;

const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Start from `Config::new(address)`.
#[derive(Debug)]
pub struct Config {
    /// `https://host:port`, `http://host:port` or `unix:///path/to/socket`.
    pub address: String,
    pub token: Option<SecretString>,
    pub namespace: Option<String>,
    /// PEM. When given, only these authorities are trusted; otherwise those of the system.
    pub ca_certificates_pem: Option<Vec<u8>>,
    /// SECURITY: accepts any certificate; for experiments only. False by default.
    pub tls_skip_verify: bool,
    /// PEM: a certificate and its private key, shown to a server that asks for one.
    pub client_identity_pem: Option<SecretString>,
    /// The name that the server's certificate must have, where it isn't the address's.
    pub tls_server_name: Option<String>,
    /// One redirect within the server's origin is followed. Default true.
    pub follow_redirects: bool,
    /// For one exchange, the answer's body included. Default 60 s.
    pub timeout: Duration,
}

impl Config {
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            token: None,
            namespace: None,
            ca_certificates_pem: None,
            tls_skip_verify: false,
            client_identity_pem: None,
            tls_server_name: None,
            follow_redirects: true,
            timeout: TIMEOUT,
        }
    }

    pub(crate) fn http_client(&self, address: &Address) -> Result<reqwest::Client, Error> {
        // Redirects are followed by hand: the token must not travel to another origin. A proxy would see the plain text of an
        // http address.
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(self.timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(self.timeout))
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .tls_danger_accept_invalid_certs(self.tls_skip_verify);
        if let Some(pem) = &self.ca_certificates_pem {
            builder = builder.tls_certs_only(authorities(pem)?);
        }
        if let Some(pem) = &self.client_identity_pem {
            builder =
                builder.identity(reqwest::Identity::from_pem(pem.expose().as_bytes()).map_err(|_| Error::ClientCertificate)?);
        }
        if let Some(name) = &self.tls_server_name {
            builder = builder.resolve_to_addrs(name, &address.resolve()?);
        }
        #[cfg(unix)]
        if let Some(socket) = &address.socket {
            builder = builder.unix_socket(socket.clone());
        }
        builder.build().map_err(Error::Setup)
    }

    /// The address that requests name: with a server name, that one, at the place where the address leads.
    pub(crate) fn shown_base(&self, address: &Address) -> Result<reqwest::Url, Error> {
        let mut base = address.base.clone();
        if let Some(name) = &self.tls_server_name {
            base.set_host(Some(name)).map_err(|_| Error::Header { name: "name of the TLS server" })?;
        }
        Ok(base)
    }
}

/// An empty bundle is an error: it would trust nobody and fail at each request instead of here.
fn authorities(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, Error> {
    let found = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| Error::CaCertificate)?;
    if found.is_empty() { Err(Error::CaCertificate) } else { Ok(found) }
}
