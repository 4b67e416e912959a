//! Whom the client believes: nobody whose certificate it cannot verify, unless it was told so in as many words.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom_client::{Client, Config, Error, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::responder::reply;

/// A server with a self-signed certificate for one name. Counts the requests that it got to read.
struct Server {
    port: u16,
    pem: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn start(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = asked.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
                let mut space = [0_u8; 4_096];
                if stream.read(&mut space).await.is_ok_and(|count| count > 0) {
                    counted.fetch_add(1, Ordering::SeqCst);
                    let _hung_up = stream.write_all(reply("204 No Content", "", "").as_bytes()).await;
                }
                let _hung_up = stream.shutdown().await;
            }
        });
        Self { port, pem: made.cert.pem(), asked }
    }

    /// Whether a request of a client gets through.
    async fn is_believed(&self, host: &str, trusted: Option<&str>, tls_skip_verify: bool) -> bool {
        let before = self.asked.load(Ordering::SeqCst);
        let config = Config {
            token: Some("s.canary".into()),
            ca_certificates_pem: trusted.map(|pem| pem.as_bytes().to_vec()),
            tls_skip_verify,
            ..Config::new(format!("https://{host}:{}", self.port))
        };
        let answer = Client::new(config).unwrap().request::<()>(Method::Get, "secret/a", None).await;
        let asked = self.asked.load(Ordering::SeqCst) - before;
        match answer {
            Ok(_) => assert_eq!(asked, 1),
            Err(Error::Transport { .. }) => assert_eq!(asked, 0, "the token was sent to a stranger"),
            Err(other) => panic!("{other}"),
        }
        asked == 1
    }
}

#[tokio::test]
async fn cve_2021_27400_a_server_that_cannot_be_verified_gets_no_request() {
    let (server, other) = (Server::start("localhost").await, Server::start("localhost").await);
    assert!(server.is_believed("localhost", Some(&server.pem), false).await);
    assert!(!server.is_believed("localhost", Some(&other.pem), false).await, "another authority");
    assert!(!server.is_believed("localhost", None, false).await, "none of the system's authorities");
    assert!(!server.is_believed("127.0.0.1", Some(&server.pem), false).await, "another name");
    let elsewhere = Server::start("elsewhere.test").await;
    assert!(!elsewhere.is_believed("localhost", Some(&elsewhere.pem), false).await, "a certificate for another name");
    assert!(elsewhere.is_believed("localhost", None, true).await, "it was told to believe anybody");
}
