//! Client certificates in the handshake: the client shows that it holds the key, nothing else is judged. Chain, dates and
//! names are the certificate login's to check, which has the trusted authorities of each role; a connection whose
//! certificate has expired may still ask with a token. Source: RFC 8446 section 4.4.3, RFC 5246 section 7.4.8.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

/// Connections and resumable sessions keep the chain, so it has a size. Room for several post-quantum certificates.
const CHAIN_BYTES_MAX: usize = 16 << 10;

/// Asks for a certificate, requires none, proves possession of the key of whichever comes.
#[derive(Debug)]
pub(crate) struct PossessionOnly {
    signatures: WebPkiSupportedAlgorithms,
}

impl PossessionOnly {
    pub(crate) fn new(signatures: WebPkiSupportedAlgorithms) -> Self {
        Self { signatures }
    }
}

impl ClientCertVerifier for PossessionOnly {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// SECURITY: says yes to every chain of a sane size. It grants nothing: `Peer::certificates` is documented as unverified.
    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let bytes = others.iter().fold(leaf.len(), |sum, other| sum.saturating_add(other.len()));
        if bytes > CHAIN_BYTES_MAX {
            return Err(Error::General("the client's certificate chain is too large".to_owned()));
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.signatures)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.signatures)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_schemes()
    }
}
