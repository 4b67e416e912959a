//! Temporary composition root while the real one is written.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use strongroom_core::{AuditDevice, DevOptions, Parts, Server, Settings};
use strongroom_types::{Clock, Rng, SecretBytes, Timestamp};

struct Real(SystemRandom);
impl Clock for Real {
    fn now(&self) -> Timestamp {
        Timestamp::from_ns(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64)
    }
}
impl Rng for Real {
    fn fill(&self, out: &mut [u8]) {
        self.0.fill(out).unwrap();
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let args: Vec<String> = std::env::args().collect();
    let address: std::net::SocketAddr = args[1].parse().unwrap();
    let folder = args.get(2).cloned();
    let store: Arc<dyn strongroom_storage::Store> = match &folder {
        Some(f) => Arc::new(strongroom_storage::EmbeddedStore::open(strongroom_storage::embedded::Config::new(f)).unwrap()),
        None => Arc::new(strongroom_storage::MemoryStore::new()),
    };
    let audit = folder.iter().map(|f| AuditDevice {
        name: "file/".into(),
        path: format!("{f}-audit/audit.log").into(),
        limits: Default::default(),
        is_sync: false,
        description: String::new(),
    });
    let server = Server::new(Parts {
        store,
        clock: Arc::new(Real(SystemRandom::new())),
        rng: Arc::new(Real(SystemRandom::new())),
        catalogue: vec![strongroom_kv::KV, strongroom_cubbyhole::CUBBYHOLE],
        audit: audit.collect(),
        settings: Settings::default(),
    });
    if folder.is_none() {
        let s = server.dev_initialise(DevOptions { root_token: Some("root".into()) }).await.unwrap();
        println!("unseal {}", s.unseal_key.expose());
    }
    let tls = (args.get(3).map(String::as_str) == Some("tls")).then(|| {
        let cert = rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
        strongroom_http::TlsConfig::new(cert.cert.pem().into_bytes(), SecretBytes::new(cert.signing_key.serialize_pem().into_bytes()))
    });
    let listener = strongroom_http::Listener { tls, ..strongroom_http::Listener::plain(strongroom_http::Address::Tcp(address)) };
    let bound = strongroom_http::bind(strongroom_http::Config { listeners: vec![listener], ..Default::default() }).await.unwrap();
    bound.serve(server.clone(), async { tokio::signal::ctrl_c().await.unwrap() }).await;
    server.stop().await;
}
