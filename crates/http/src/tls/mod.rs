//! TLS of one listener: versions, key exchange, the certificate and its replacement while running. TLS 1.3 unless asked
//! otherwise, hybrid post-quantum key exchange first (security.md S14), no early data (it can be replayed). Never prints keys.

mod possession;

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, NoClientAuth, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use strongroom_types::SecretBytes;

use crate::config::{TlsConfig, TlsVersion};
use possession::PossessionOnly;

/// Sessions that can be resumed. Kept here and not in tickets: no ticket key exists that could leak. Each may hold a client's
/// chain, so at most 16 MiB in all.
const SESSION_COUNT_MAX: usize = 1_024;
/// Tickets per full handshake. One is enough for clients that resume at all.
const TICKET_COUNT: usize = 1;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate file holds no readable PEM certificate")]
    Chain,
    #[error("the key file holds no readable, unencrypted PEM private key")]
    Key,
    #[error("the certificate and the private key can't be used together")]
    Pair(#[source] rustls::Error),
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
}

/// A listener's TLS. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    certificate: Arc<Current>,
}

impl Tls {
    /// Errors: PEM that can't be read, a key that doesn't belong to the certificate.
    pub(crate) fn new(config: TlsConfig) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let first = certified(&provider, &config.chain_pem, &config.key_pem)?;
        let certificate = Arc::new(Current(ArcSwap::from_pointee(first)));
        let server = server_config(provider, &config, Arc::clone(&certificate)).map_err(TlsError::Setup)?;
        Ok(Self { config: Arc::new(server), certificate })
    }

    /// Serves this certificate from the next handshake on; connections that are open keep theirs. Both are PEM.
    /// Errors: the same as at bind; then the old certificate stays.
    pub fn reload(&self, chain_pem: &[u8], key_pem: &SecretBytes) -> Result<(), TlsError> {
        let next = certified(self.config.crypto_provider(), chain_pem, key_pem)?;
        self.certificate.0.store(Arc::new(next));
        Ok(())
    }

    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// The certificate of the moment.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn certified(provider: &CryptoProvider, chain_pem: &[u8], key_pem: &SecretBytes) -> Result<CertifiedKey, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::Chain)?;
    // SECURITY: the reader's own error is dropped; it may quote the file.
    let key = PrivateKeyDer::from_pem_slice(key_pem.expose()).map_err(|_| TlsError::Key)?;
    CertifiedKey::from_der(chain, key, provider).map_err(TlsError::Pair)
}

fn server_config(
    provider: Arc<CryptoProvider>,
    config: &TlsConfig,
    certificate: Arc<Current>,
) -> Result<ServerConfig, rustls::Error> {
    let signatures = provider.signature_verification_algorithms;
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&versions(config.version_min))?;
    let builder = if config.client_certificates {
        builder.with_client_cert_verifier(Arc::new(PossessionOnly::new(signatures)))
    } else {
        builder.with_client_cert_verifier(Arc::new(NoClientAuth))
    };
    let mut server = builder.with_cert_resolver(certificate);
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    server.session_storage = ServerSessionMemoryCache::new(SESSION_COUNT_MAX);
    server.send_tls13_tickets = TICKET_COUNT;
    server.max_early_data_size = 0;
    Ok(server)
}

fn versions(min: TlsVersion) -> Vec<&'static SupportedProtocolVersion> {
    match min {
        TlsVersion::V1_3 => vec![&TLS13],
        TlsVersion::V1_2 => vec![&TLS13, &TLS12],
    }
}

#[cfg(test)]
mod tests;
