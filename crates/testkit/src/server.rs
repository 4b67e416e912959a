//! The server of a test, and requests to it without a socket.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use strongroom_core::snapshot::InMemory;
use strongroom_core::wire::{Handler as _, Headers, Method, Opens, Peer, Request, Upload};
use strongroom_core::{AuditDevice, DevOptions, LevelRefused, Parts, Process, Server, Settings};
use strongroom_engine::Builtin;
use strongroom_storage::{MemoryStore, Store};
use strongroom_types::SecretString;

use crate::{ManualClock, TestRng};

/// All engines, and one with leases for tests only.
pub fn catalogue() -> Vec<Builtin> {
    vec![
        strongroom_kv::KV,
        strongroom_cubbyhole::CUBBYHOLE,
        strongroom_pki::PKI,
        strongroom_approle::APPROLE,
        strongroom_userpass::USERPASS,
        crate::LEASED,
    ]
}

/// What a test may choose.
#[derive(Default)]
pub struct Options {
    /// In memory when None.
    pub store: Option<Arc<dyn Store>>,
    pub audit: Vec<AuditDevice>,
    /// Where the API may enable audit devices.
    pub audit_api_folder: Option<std::path::PathBuf>,
    /// Engines of the test's own.
    pub engines: Vec<Builtin>,
}

/// A process that has nothing to tell.
struct NoProcess;

impl Process for NoProcess {
    fn loggers(&self) -> Vec<(String, &'static str)> {
        Vec::new()
    }

    fn set_level(&self, _: Option<&str>, _: &str) -> Result<(), LevelRefused> {
        Err(LevelRefused::UnknownLogger)
    }

    fn reset_level(&self, _: Option<&str>) -> Result<(), LevelRefused> {
        Err(LevelRefused::UnknownLogger)
    }

    fn hostname(&self) -> String {
        "test".to_owned()
    }

    fn machine(&self) -> Value {
        Value::Object(serde_json::Map::new())
    }

    fn configuration(&self) -> Value {
        Value::Object(serde_json::Map::new())
    }
}

/// A dev server with `secret/` as kv version 2 and a root token named `root`.
pub struct TestServer {
    pub server: Arc<Server>,
    pub clock: Arc<ManualClock>,
    /// Unseals again.
    pub unseal_key: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    /// Null when the body is empty.
    pub body: Value,
    /// As it came.
    pub raw: bytes::Bytes,
}

impl Reply {
    /// The value at a JSON pointer; null when there is none.
    pub fn at(&self, pointer: &str) -> Value {
        self.body.pointer(pointer).cloned().unwrap_or_default()
    }

    pub fn text(&self, pointer: &str) -> String {
        self.at(pointer).as_str().unwrap_or_default().to_owned()
    }
}

impl TestServer {
    pub async fn start(options: Options) -> Self {
        let (server, clock) = Self::make(options);
        let secrets = server.dev_initialise(DevOptions { root_token: Some("root".into()) }).await;
        #[expect(clippy::expect_used, reason = "test code")]
        let secrets = secrets.expect("a fresh dev server");
        Self { server, clock, unseal_key: secrets.unseal_key.expose().to_owned() }
    }

    /// A further node on a store that is initialised already; it starts sealed.
    pub fn make(options: Options) -> (Arc<Server>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::default());
        let parts = Parts {
            store: options.store.unwrap_or_else(|| Arc::new(MemoryStore::new())),
            clock: clock.clone(),
            rng: Arc::new(TestRng),
            catalogue: [catalogue(), vec![crate::VOUCH], options.engines].concat(),
            audit: options.audit,
            process: Arc::new(NoProcess),
            settings: Settings { audit_api_folder: options.audit_api_folder, ..Settings::default() },
        };
        (Server::new(parts), clock)
    }

    /// `VERB path?query` as in the conformance cases, with a JSON body.
    pub async fn call(&self, what: &str, token: &str, body: Value) -> Reply {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(what, token, &text).await
    }

    pub async fn raw(&self, what: &str, token: &str, body: &str) -> Reply {
        self.with_headers(what, token, body, Headers::default()).await
    }

    pub async fn with_headers(&self, what: &str, token: &str, body: &str, headers: Headers) -> Reply {
        request(&self.server, what, token, body, headers).await
    }

    /// As `call`, from this address; the other calls come from an unknown one.
    pub async fn call_from(&self, address: &str, what: &str, token: &str, body: Value) -> Reply {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let address = address.parse().ok().map(|ip| SocketAddr::new(ip, 4711));
        request_from(&self.server, Peer { address, ..Peer::default() }, what, token, &text, Headers::default()).await
    }

    /// A request to a listener that serves key operations without a token.
    pub async fn at_open_listener(&self, what: &str, token: &str, body: Value) -> Reply {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let peer = Peer { opens: Opens { rekey: true, generate_root: true, ..Opens::default() }, ..Peer::default() };
        request_from(&self.server, peer, what, token, &text, Headers::default()).await
    }

    /// A request whose body is a file.
    pub async fn upload(&self, what: &str, token: &str, file: &[u8]) -> Reply {
        let upload = Upload::new(InMemory::new(file.to_vec()));
        send(&self.server, Peer::default(), what, token, "", Headers::default(), upload).await
    }

    /// A token with these policies.
    pub async fn token(&self, body: Value) -> String {
        self.call("POST auth/token/create", "root", body).await.text("/auth/client_token")
    }
}

/// One request to a server, from an unknown address.
pub async fn request(server: &Arc<Server>, what: &str, token: &str, body: &str, headers: Headers) -> Reply {
    request_from(server, Peer::default(), what, token, body, headers).await
}

/// One request to a server, by this peer.
pub async fn request_from(server: &Arc<Server>, peer: Peer, what: &str, token: &str, body: &str, headers: Headers) -> Reply {
    send(server, peer, what, token, body, headers, Upload::default()).await
}

async fn send(server: &Arc<Server>, peer: Peer, what: &str, token: &str, body: &str, headers: Headers, upload: Upload) -> Reply {
    let (verb, path) = what.split_once(' ').unwrap_or(("GET", what));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let method = match verb {
        "GET" => Method::Get,
        "POST" | "PUT" => Method::Write,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "LIST" => Method::List,
        "SCAN" => Method::Scan,
        "HEAD" => Method::Head,
        _ => Method::Other,
    };
    let content_type = match method {
        Method::Patch => "application/merge-patch+json",
        _ => "application/json",
    };
    let headers = Headers {
        token: (!token.is_empty()).then(|| SecretString::from(token)),
        content_type: headers.content_type.or_else(|| Some(content_type.to_owned())),
        ..headers
    };
    let request = Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        peer,
        upload,
    };
    let mut answer = server.handle(request).await;
    if let Some(mut file) = answer.file.take() {
        let mut bytes = Vec::new();
        #[expect(clippy::expect_used, reason = "test code")]
        file.reader.read_to_end(&mut bytes).expect("a file that can be read");
        answer.body = bytes.into();
    }
    Reply { status: answer.status, body: serde_json::from_slice(&answer.body).unwrap_or_default(), raw: answer.body }
}
