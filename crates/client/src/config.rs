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
        #[cfg(unix)]
        if let Some(socket) = &address.socket {
            builder = builder.unix_socket(socket.clone());
        }
        builder.build().map_err(Error::Setup)
    }
}

/// An empty bundle is an error: it would trust nobody and fail at each request instead of here.
fn authorities(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, Error> {
    let found = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| Error::CaCertificate)?;
    if found.is_empty() { Err(Error::CaCertificate) } else { Ok(found) }
}
