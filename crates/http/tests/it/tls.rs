//! Handshakes as real clients make them.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, NamedGroup, ProtocolVersion, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use strongroom_http::{Limits, Listener, TlsConfig, TlsVersion};
use strongroom_types::SecretBytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fixture::{Running, body, connect, say_bytes, status};
use crate::life::garbage;

/// A self-signed certificate and its key.
struct Pair {
    chain: String,
    key: String,
}

impl Pair {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { chain: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    fn secret(&self) -> SecretBytes {
        SecretBytes::new(self.key.clone().into_bytes())
    }

    fn config(&self) -> TlsConfig {
        TlsConfig::new(self.chain.clone().into_bytes(), self.secret())
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap()
    }

    fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }
}

async fn serve(tls: TlsConfig) -> Running {
    Running::start(Listener::with_tls(([127, 0, 0, 1], 0).into(), tls), Limits::default()).await
}

/// A client that trusts the pair's certificate.
struct Visitor {
    provider: CryptoProvider,
    versions: Vec<&'static rustls::SupportedProtocolVersion>,
    trusted: CertificateDer<'static>,
    resolver: Option<Arc<dyn ResolvesClientCert>>,
}

impl Visitor {
    fn new(pair: &Pair) -> Self {
        let provider = aws_lc_rs::default_provider();
        Self { provider, versions: vec![&TLS13, &TLS12], trusted: pair.der(), resolver: None }
    }

    fn presenting(self, certificate: &Pair, key: &Pair) -> Self {
        self.presenting_chain(vec![certificate.der()], key)
    }

    fn presenting_chain(mut self, chain: Vec<CertificateDer<'static>>, key: &Pair) -> Self {
        let key = self.provider.key_provider.load_private_key(key.private()).unwrap();
        self.resolver = Some(Arc::new(Presents(Arc::new(CertifiedKey::new(chain, key)))));
        self
    }

    fn config(self) -> ClientConfig {
        let provider = Arc::new(self.provider);
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted).unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&self.versions).unwrap();
        let builder = builder.with_webpki_verifier(verifier);
        match self.resolver {
            Some(resolver) => builder.with_client_cert_resolver(resolver),
            None => builder.with_no_client_auth(),
        }
    }

    async fn visit(self, server: &Running) -> std::io::Result<Visit> {
        visit(Arc::new(self.config()), server).await
    }
}

async fn visit(config: Arc<ClientConfig>, server: &Running) -> std::io::Result<Visit> {
    let tcp = connect(server.socket()).await;
    let mut stream = TlsConnector::from(config).connect("localhost".try_into().unwrap(), tcp).await?;
    stream.write_all(b"GET /v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(Visit { stream, answer: String::from_utf8(bytes).unwrap() })
}

struct Visit {
    stream: TlsStream<tokio::net::TcpStream>,
    answer: String,
}

impl Visit {
    fn tls(&self) -> &ClientConnection {
        self.stream.get_ref().1
    }

    fn group(&self) -> NamedGroup {
        self.tls().negotiated_key_exchange_group().unwrap().name()
    }
}

/// Presents a certificate without asking whether the key is its own.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesClientCert for Presents {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn tls_1_2_is_refused_by_default_and_taken_on_request() {
    let pair = Pair::new();
    let old = || Visitor { versions: vec![&TLS12], ..Visitor::new(&pair) };
    let strict = serve(pair.config()).await;
    assert!(old().visit(&strict).await.is_err());
    let lenient = serve(TlsConfig { version_min: TlsVersion::V1_2, ..pair.config() }).await;
    let visit = old().visit(&lenient).await.unwrap();
    assert_eq!((status(&visit.answer), visit.tls().protocol_version()), (200, Some(ProtocolVersion::TLSv1_2)));
    let visit = Visitor::new(&pair).visit(&lenient).await.unwrap();
    assert_eq!(visit.tls().protocol_version(), Some(ProtocolVersion::TLSv1_3));
}

#[tokio::test]
async fn the_hybrid_key_exchange_happens_alone_and_first() {
    let pair = Pair::new();
    let server = serve(pair.config()).await;
    let mut only = aws_lc_rs::default_provider();
    only.kx_groups.retain(|group| group.name() == NamedGroup::X25519MLKEM768);
    assert_eq!(only.kx_groups.len(), 1);
    let visit = Visitor { provider: only, ..Visitor::new(&pair) }.visit(&server).await.unwrap();
    assert_eq!((visit.group(), status(&visit.answer)), (NamedGroup::X25519MLKEM768, 200));

    let mut reversed = aws_lc_rs::default_provider();
    reversed.kx_groups.reverse();
    let visit = Visitor { provider: reversed, ..Visitor::new(&pair) }.visit(&server).await.unwrap();
    assert_ne!(visit.group(), NamedGroup::X25519MLKEM768, "a client that sends another share first saves the round trip");
    assert_eq!(Visitor::new(&pair).visit(&server).await.unwrap().group(), NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn http2_is_chosen_by_alpn() {
    let pair = Pair::new();
    let server = serve(pair.config()).await;
    let url = format!("https://localhost:{}/v1/x", server.socket().port());
    for (http1_only, version) in [(false, reqwest::Version::HTTP_2), (true, reqwest::Version::HTTP_11)] {
        let root = reqwest::Certificate::from_pem(pair.chain.as_bytes()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([root]).resolve("localhost", server.socket());
        let client = if http1_only { builder.http1_only() } else { builder }.build().unwrap();
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
    }
}

#[tokio::test]
async fn a_client_certificate_is_passed_on_whoever_signed_it() {
    let (pair, client) = (Pair::new(), Pair::new());
    for versions in [vec![&TLS13], vec![&TLS12]] {
        let server = serve(TlsConfig { version_min: TlsVersion::V1_2, ..pair.config() }).await;
        let visit = Visitor { versions, ..Visitor::new(&pair) }.presenting(&client, &client).visit(&server).await.unwrap();
        assert_eq!(body(&visit.answer)["certificates"], json!([client.der().len()]));
        let none = Visitor::new(&pair).visit(&server).await.unwrap();
        assert_eq!(body(&none.answer)["certificates"], json!([]));
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    let (pair, stolen, own) = (Pair::new(), Pair::new(), Pair::new());
    let server = serve(TlsConfig { version_min: TlsVersion::V1_2, ..pair.config() }).await;
    for versions in [vec![&TLS13], vec![&TLS12]] {
        let thief = Visitor { versions, ..Visitor::new(&pair) }.presenting(&stolen, &own);
        assert!(thief.visit(&server).await.is_err());
    }
    assert_eq!(server.counters.handshakes_failed(), 2);
    assert_eq!(server.teller.begun.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_client_chain_has_a_size() {
    let (pair, client) = (Pair::new(), Pair::new());
    let server = serve(pair.config()).await;
    let count = (16 << 10) / client.der().len();
    let present = |count: usize| Visitor::new(&pair).presenting_chain(vec![client.der(); count], &client);
    let visit = present(count).visit(&server).await.unwrap();
    assert_eq!(body(&visit.answer)["certificates"].as_array().unwrap().len(), count);
    assert!(present(count + 1).visit(&server).await.is_err());
}

#[tokio::test]
async fn client_certificates_can_be_left_unasked() {
    let (pair, client) = (Pair::new(), Pair::new());
    let server = serve(TlsConfig { client_certificates: false, ..pair.config() }).await;
    let visit = Visitor::new(&pair).presenting(&client, &client).visit(&server).await.unwrap();
    assert_eq!(body(&visit.answer)["certificates"], json!([]));
}

#[tokio::test]
async fn a_resumed_session_keeps_the_proven_certificate() {
    let (pair, client) = (Pair::new(), Pair::new());
    let server = serve(pair.config()).await;
    let config = Arc::new(Visitor::new(&pair).presenting(&client, &client).config());
    for kind in [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed] {
        let visit = visit(Arc::clone(&config), &server).await.unwrap();
        assert_eq!(visit.tls().handshake_kind(), Some(kind));
        assert_eq!(body(&visit.answer)["certificates"], json!([client.der().len()]));
    }
}

#[tokio::test]
async fn a_reload_serves_the_new_certificate_to_new_connections() {
    let (old, new) = (Pair::new(), Pair::new());
    let server = serve(old.config()).await;
    assert!(Visitor::new(&new).visit(&server).await.is_err());
    server.tls.as_ref().unwrap().reload(new.chain.as_bytes(), &new.secret()).unwrap();
    assert_eq!(status(&Visitor::new(&new).visit(&server).await.unwrap().answer), 200);
    assert!(Visitor::new(&old).visit(&server).await.is_err());
}

#[tokio::test]
async fn garbage_and_silence_do_not_stop_a_tls_listener() {
    let pair = Pair::new();
    let limits = Limits { handshake_timeout: Duration::from_secs(2), ..Limits::default() };
    let server = Running::start(Listener::with_tls(([127, 0, 0, 1], 0).into(), pair.config()), limits).await;
    for seed in 0..20 {
        say_bytes(server.socket(), &garbage(seed)).await;
    }
    assert_eq!(say_bytes(server.socket(), b"").await, "");
    say_bytes(server.socket(), b"GET /v1/x HTTP/1.1\r\n\r\n").await;
    assert_eq!(server.counters.handshakes_failed(), 22);
    let answer: Value = body(&Visitor::new(&pair).visit(&server).await.unwrap().answer);
    assert_eq!(answer["path"], "x");
}
